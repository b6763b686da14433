"""Parts of a waveform: what is loud of it, what lasts in it. Equal to `librosa.effects` to 1e-4 relative."""

from __future__ import annotations

import numpy as np

from ser_keras.features.median import running_median
from ser_keras.features.spectrum import complex_stft
from ser_keras.features.waveform import rms

AMIN = 1e-5  # librosa's smallest amplitude in decibels


def trim(waveform: np.ndarray, *, top_db: float, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Without the quiet at both ends: frames more than `top_db` below the loudest.

    Args:
        waveform: Shape (samples,).
        top_db: Decibels below the loudest frame.
        frame_length: Samples in a frame.
        hop_length: Samples from one frame to the next; the cuts fall on its multiples.

    Returns:
        A view, shape (samples left,).

    Example:
        >>> y = np.zeros(8192, np.float32)
        >>> y[3072:4096] = 0.5
        >>> trim(y, top_db=20, frame_length=512, hop_length=256).shape
        (1280,)
    """
    levels = np.maximum(rms(waveform, frame_length=frame_length, hop_length=hop_length)[:, 0], AMIN)
    loud = np.flatnonzero(20 * np.log10(levels / levels.max()) > -top_db)
    return waveform[loud[0] * hop_length : min(len(waveform), (loud[-1] + 1) * hop_length)]


def harmonic(waveform: np.ndarray, *, n_fft: int = 2048, hop_length: int = 512, kernel: int = 31) -> np.ndarray:
    """The harmonic part by median filtering (FitzGerald 2010), as `librosa.effects.harmonic`.

    A spectrogram's median over time keeps what lasts, its median over frequency what is short; a soft mask made of
    both keeps the first.

    Args:
        waveform: Shape (samples,).
        n_fft: Samples in one transform.
        hop_length: Samples from one frame to the next.
        kernel: Width of both medians, in frames and in bins; odd.

    Returns:
        float32, shape (samples,).

    Example:
        >>> tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
        >>> kept = harmonic(tone + np.eye(1, 8000, 4000)[0])  # a click in the middle
        >>> round(float(kept[4000] - tone[4000]), 1)
        0.0
    """
    import librosa

    y = np.asarray(waveform, dtype=np.float32)
    spectrum = complex_stft(y, n_fft=n_fft, hop_length=hop_length)
    magnitude = np.abs(spectrum)
    lasting = running_median(magnitude.T, kernel).T
    short = running_median(magnitude, kernel)
    mask = librosa.util.softmask(lasting, short, power=2.0, split_zeros=True)
    return librosa.istft((spectrum * mask).T, hop_length=hop_length, length=len(y))
