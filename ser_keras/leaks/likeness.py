"""What stays of a recording when it is shifted, made noisy, encoded anew, trimmed, stretched or moved in pitch.

A spectrogram over logarithmic frequency: a shift in time or pitch only moves it, so that the magnitude of its
two-dimensional Fourier transform stays; stretching only scales that along one axis, which is undone by reading the
axis at several scales (a Fourier-Mellin transform; Casasent & Psaltis 1976). What all speech has in common is taken
off, so that two takes of a sentence by one actor are far apart, though they are the same words in the same voice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np

RATE = 8000  # Hz: the band of a telephone, which re-encoding leaves alone
WINDOW, HOP, PADDED = 512, 80, 2048  # samples: 64 ms every 10 ms
LOWEST, PER_OCTAVE, BINS = 80.0, 24, 134  # Hz; up to 3.8 kHz
RANGE = 2.25  # powers of ten below the loudest value, 45 dB: below lies noise
SOUND = 0.02  # of the loudest frame: quieter ends do not count
SMOOTHED = 12  # bins, half an octave: what is broader is the microphone
MODULATIONS, SLOWEST, FASTEST = 24, 0.6, 14.0  # Hz
RIPPLES, TOGETHER = 24, 4  # along frequency; values averaged in each
TRANSFORMED = (1024, 256)  # frames, bins
LOCAL = 2  # steps: what is broader in the transform is the voice
SPEEDS = tuple(float(speed) for speed in np.geomspace(0.8, 1.25, 9))  # of a copy, that are looked for
SHORTEST = 10  # frames
LENGTH = 2 * MODULATIONS * RIPPLES
BACKGROUND = "background.csv"


def spectrogram(waveform: np.ndarray) -> np.ndarray:
    """Decades above the floor over logarithmic frequency, (frames, 134), quiet ends cut off.

    Args:
        waveform: Shape (samples,), at 8 kHz.

    Returns:
        float32; no frames for silence, and for less than a window.
    """
    count = 1 + (len(waveform) - WINDOW) // HOP
    if count < 1 or not waveform.any():
        return np.empty((0, BINS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(waveform, WINDOW)[::HOP] * np.hanning(WINDOW).astype(np.float32)
    magnitudes = np.abs(np.fft.rfft(frames, PADDED, axis=1)).astype(np.float32)
    place = LOWEST * 2 ** (np.arange(BINS) / PER_OCTAVE) * PADDED / RATE
    low = place.astype(int)
    weight = (place - low).astype(np.float32)
    bands = magnitudes[:, low] * (1 - weight) + magnitudes[:, low + 1] * weight
    if not bands.max() > 0:
        return np.empty((0, BINS), np.float32)
    made = np.log10(np.maximum(bands / bands.max(), 10**-RANGE)) + np.float32(RANGE)
    loudness = made.sum(axis=1)
    sound = np.flatnonzero(loudness > SOUND * loudness.max())
    return made[sound[0] : sound[-1] + 1]


def describe(waveform: np.ndarray, speeds: Sequence[float] = (1.0,)) -> np.ndarray | None:
    """What stays of a recording.

    Args:
        waveform: Shape (samples,), at 8 kHz; of more than ten seconds the first ten count.
        speeds: A vector for each: what it would be if the recording were played at this speed.

    Returns:
        float32, shape (speeds, LENGTH), each of unit length; None for silence, and for less than a tenth of a second.

    Example:
        >>> from ser_keras.features.probes import signals
        >>> speech, other = signals()["speech"][::6], signals()["long"][::6]
        >>> later = np.concatenate([np.zeros(800, np.float32), 0.5 * speech])
        >>> [round(float(describe(speech)[0] @ describe(y)[0]), 1) for y in (later, other)]
        [1.0, 0.2]
    """
    from scipy.ndimage import gaussian_filter1d

    made = spectrogram(waveform)[: TRANSFORMED[0]]
    if len(made) < SHORTEST:
        return None
    made = made - gaussian_filter1d(made, SMOOTHED, axis=1)
    transformed = np.abs(np.fft.fft2(made, TRANSFORMED)).astype(np.float32)
    vectors = np.stack([(raw(transformed, speed) - background()).ravel() for speed in speeds])
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-9))


def raw(transformed: np.ndarray, speed: float) -> np.ndarray:
    """The transform over logarithmic modulation frequency, whitened, shape (2, MODULATIONS, RIPPLES).

    Args:
        transformed: Magnitudes, shape TRANSFORMED.
        speed: How much faster than it is the recording is read.

    Returns:
        float32; positive modulation frequencies are first on the first axis, negative ones second.
    """
    from scipy.ndimage import gaussian_filter

    place = np.geomspace(SLOWEST, FASTEST, MODULATIONS) * speed * TRANSFORMED[0] * HOP / RATE
    low = place.astype(int)
    weight = (place - low).astype(np.float32)[:, None]
    kept = slice(1, 1 + RIPPLES * TOGETHER)
    both = [
        transformed[low, kept] * (1 - weight) + transformed[low + 1, kept] * weight,
        transformed[-low, kept] * (1 - weight) + transformed[-low - 1, kept] * weight,
    ]
    means = np.stack([part.reshape(MODULATIONS, RIPPLES, TOGETHER).mean(axis=2) for part in both])
    logarithms = np.log(means + np.float32(1e-3))
    return (logarithms - gaussian_filter(logarithms, (0, LOCAL, LOCAL))).astype(np.float32)


@cache
def background() -> np.ndarray:
    """The mean of `raw` over RAVDESS's recordings, shape (2, MODULATIONS, RIPPLES): what all speech has in common."""
    with (resources.files("ser_keras.leaks") / BACKGROUND).open(encoding="utf-8") as file:
        return np.loadtxt(file, delimiter=",", dtype=np.float32).reshape(2, MODULATIONS, RIPPLES)
