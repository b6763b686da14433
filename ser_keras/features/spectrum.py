"""Features of a waveform: pure functions, time-major results (frames, coefficients), float32.

Descriptors of one recording share one `Spectrum`, so the Fourier transform is computed once. Values equal
librosa's to 1e-4 relative; whatever changes the numbers is a keyword argument without a default.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ser_keras.support.errors import TooShortError

# librosa's `power_to_db`: the smallest power that is told from silence, and the range kept below the maximum.
AMIN, TOP_DB = 1e-10, 80.0
BLOCK = 64  # frames transformed at a time
WINDOWS = {"hann": np.hanning, "hamming": np.hamming, "boxcar": np.ones}


@dataclass(frozen=True)
class Spectrum:
    """Magnitudes of a short-time Fourier transform, and what is needed to read them.

    Attributes:
        magnitude: float32, shape (frames, n_fft // 2 + 1).
        sample_rate: Rate of the waveform in Hz.
        n_fft: Samples in one transform.
        hop_length: Samples from one frame to the next.
    """

    magnitude: np.ndarray
    sample_rate: int
    n_fft: int
    hop_length: int

    @functools.cached_property
    def power(self) -> np.ndarray:
        """Squared magnitudes, shape (frames, n_fft // 2 + 1)."""
        return np.square(self.magnitude)


def stft(
    waveform: np.ndarray,
    *,
    sample_rate: int,
    n_fft: int,
    hop_length: int,
    win_length: int | None = None,
    window: str = "hann",
    center: bool = True,
) -> Spectrum:
    """Short-time Fourier transform, as `librosa.stft` computes it.

    Args:
        waveform: Shape (samples,).
        sample_rate: Its rate in Hz.
        n_fft: Samples in one transform.
        hop_length: Samples from one frame to the next.
        win_length: Samples under the window, padded with zeros to `n_fft`; None means `n_fft`.
        window: A name in `WINDOWS`.
        center: Pad n_fft // 2 zeros on both sides, so that frame t is centred at sample t * hop_length.

    Returns:
        The spectrum; 1 + samples // hop_length frames if centred.

    Raises:
        TooShortError: The waveform is shorter than one frame and not centred.

    Example:
        >>> tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
        >>> s = stft(tone, sample_rate=8000, n_fft=256, hop_length=128)
        >>> s.magnitude.shape, int(s.magnitude[30].argmax()) * 8000 / 256
        ((63, 129), 1000.0)
    """
    n_frames, blocks = _transforms(waveform, n_fft, hop_length, win_length, window, center)
    magnitude = np.empty((n_frames, n_fft // 2 + 1), np.float32)
    for block, values in blocks:
        magnitude[block] = np.abs(values)
    return Spectrum(magnitude, sample_rate, n_fft, hop_length)


def complex_stft(waveform: np.ndarray, *, n_fft: int, hop_length: int) -> np.ndarray:
    """The transform itself (centred, Hann window), for what changes it and goes back to a waveform.

    Args:
        waveform: Shape (samples,).
        n_fft: Samples in one transform.
        hop_length: Samples from one frame to the next.

    Returns:
        complex64, shape (frames, n_fft // 2 + 1).

    Example:
        >>> complex_stft(np.zeros(1000), n_fft=256, hop_length=100).shape
        (11, 129)
    """
    n_frames, blocks = _transforms(waveform, n_fft, hop_length, None, "hann", True)
    spectrum = np.empty((n_frames, n_fft // 2 + 1), np.complex64)
    for block, values in blocks:
        spectrum[block] = values
    return spectrum


def _transforms(
    waveform: np.ndarray, n_fft: int, hop_length: int, win_length: int | None, name: str, center: bool
) -> tuple[int, Iterator[tuple[slice, np.ndarray]]]:
    """The number of frames, and their transforms a block at a time: together they would fill the memory.

    In double precision, as librosa does: in single, the quiet bins of a loud frame would be rounding noise.
    """
    frames = frame(waveform, frame_length=n_fft, hop_length=hop_length, center=center)
    weights = window(name, n_fft if win_length is None else win_length, n_fft)
    blocks = (slice(start, start + BLOCK) for start in range(0, len(frames), BLOCK))
    return len(frames), ((b, np.fft.rfft(frames[b] * weights, axis=1).astype(np.complex64)) for b in blocks)


def frame(waveform: np.ndarray, *, frame_length: int, hop_length: int, center: bool) -> np.ndarray:
    """Overlapping frames as a read-only view, shape (frames, frame_length); no copy unless padded.

    Args:
        waveform: Shape (samples,).
        frame_length: Samples in a frame.
        hop_length: Samples from one frame to the next.
        center: Pad both ends with half a frame of zeros, so that frame i is centred on sample i * hop_length.

    Returns:
        float32, shape (frames, frame_length), read-only.

    Raises:
        TooShortError: The waveform is shorter than one frame and not centred.

    Example:
        >>> frame(np.arange(5), frame_length=3, hop_length=2, center=False)
        array([[0., 1., 2.],
               [2., 3., 4.]], dtype=float32)
    """
    y = np.asarray(waveform, dtype=np.float32)
    if center:
        y = np.pad(y, frame_length // 2)
    if len(y) < frame_length:
        raise TooShortError(f"{len(y)} samples are shorter than one frame of {frame_length}")
    return np.lib.stride_tricks.sliding_window_view(y, frame_length)[::hop_length]


@functools.lru_cache(maxsize=16)
def window(name: str, win_length: int, n_fft: int) -> np.ndarray:
    """A periodic window, centred among zeros, shape (n_fft,).

    Args:
        name: One of `WINDOWS`.
        win_length: Samples of the window.
        n_fft: Samples of the result; at least `win_length`.

    Returns:
        Weights, shape (n_fft,).

    Raises:
        ValueError: The name is none of `WINDOWS`.

    Example:
        >>> window("hann", 4, 6).round(2).tolist()
        [0.0, 0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if name not in WINDOWS:
        raise ValueError(f"{name!r} is no window; known are {', '.join(WINDOWS)}")
    weights = WINDOWS[name](win_length + 1)[:-1]
    left = (n_fft - win_length) // 2
    return np.pad(weights, (left, n_fft - win_length - left))


def mel(spectrum: Spectrum, *, n_mels: int, fmin: float, fmax: float | None, htk: bool = False) -> np.ndarray:
    """Energies in triangular mel filters (Slaney's area normalisation), as `librosa.feature.melspectrogram`.

    Args:
        spectrum: The short-time spectrum.
        n_mels: Number of filters.
        fmin: Lowest frequency of the bank in Hz.
        fmax: Highest frequency in Hz; None means half the sample rate.
        htk: HTK's mel formula in place of Slaney's.

    Returns:
        float32, shape (frames, n_mels).

    Example:
        >>> s = stft(np.zeros(1000), sample_rate=8000, n_fft=256, hop_length=100)
        >>> mel(s, n_mels=20, fmin=0.0, fmax=None).shape
        (11, 20)
    """
    bank = _mel_bank(spectrum.sample_rate, spectrum.n_fft, n_mels, fmin, fmax, htk)
    return spectrum.power @ bank


@functools.lru_cache(maxsize=16)
def _mel_bank(rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float | None, htk: bool) -> np.ndarray:
    import librosa.filters

    bank = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk)
    return np.ascontiguousarray(bank.T, dtype=np.float32)


def power_to_db(power: np.ndarray, *, top_db: float | None = TOP_DB) -> np.ndarray:
    """10 log10 of a power relative to 1, kept within `top_db` of its maximum, as `librosa.power_to_db`.

    Args:
        power: Powers, of any shape; at least 1e-10 each counts.
        top_db: Largest distance from the maximum in dB; None for no limit.

    Returns:
        Decibels, the shape of `power`.

    Example:
        >>> power_to_db(np.array([1.0, 100.0, 0.0]))
        array([  0.,  20., -60.])
    """
    db = 10 * np.log10(np.maximum(power, AMIN))
    return db if top_db is None else np.maximum(db, db.max() - top_db)


def log_mel(
    spectrum: Spectrum, *, n_mels: int, fmin: float, fmax: float | None, top_db: float | None = TOP_DB
) -> np.ndarray:
    """Mel spectrogram in decibels relative to 1, shape (frames, n_mels).

    Args:
        spectrum: The short-time spectrum.
        n_mels: Number of filters.
        fmin: Lowest frequency of the bank in Hz.
        fmax: Highest frequency in Hz; None means half the sample rate.
        top_db: Largest distance from the maximum in dB; None for no limit.

    Returns:
        float32, shape (frames, n_mels), in dB.

    Example:
        >>> s = stft(np.zeros(1000), sample_rate=8000, n_fft=256, hop_length=100)
        >>> round(float(log_mel(s, n_mels=20, fmin=0.0, fmax=None).max()))  # silence counts as 1e-10
        -100
    """
    return power_to_db(mel(spectrum, n_mels=n_mels, fmin=fmin, fmax=fmax), top_db=top_db)


def mfcc(
    spectrum: Spectrum,
    *,
    n_mfcc: int,
    n_mels: int,
    fmin: float,
    fmax: float | None,
    lifter: int = 0,
    top_db: float | None = TOP_DB,
) -> np.ndarray:
    """Mel-frequency cepstral coefficients: orthonormal DCT-II of the log-mel spectrum, as `librosa.feature.mfcc`.

    Args:
        spectrum: The short-time spectrum.
        n_mfcc: How many coefficients are kept, from the 0th (the level) on.
        n_mels: Number of mel filters.
        fmin: Lowest frequency of the filters in Hz.
        fmax: Highest frequency in Hz; None means half the sample rate.
        lifter: Length of the sinusoidal lifter; 0 leaves the coefficients as they are.
        top_db: Range kept below the loudest filter of the recording; None keeps all.

    Returns:
        float32, shape (frames, n_mfcc).

    Example:
        >>> s = stft(np.ones(22_050), sample_rate=22_050, n_fft=2048, hop_length=512)
        >>> mfcc(s, n_mfcc=13, n_mels=128, fmin=0, fmax=None)[:, 1:13].shape  # the 2nd to 13th
        (44, 12)
    """
    from scipy.fft import dct

    mels = log_mel(spectrum, n_mels=n_mels, fmin=fmin, fmax=fmax, top_db=top_db)
    return liftered(dct(mels, axis=1, type=2, norm="ortho")[:, :n_mfcc], lifter)


def liftered(cepstra: np.ndarray, lifter: int) -> np.ndarray:
    """Weigh coefficient k (counted from 1) by 1 + lifter / 2 * sin(pi * k / lifter); 0 leaves all as they are.

    Args:
        cepstra: Shape (frames, coefficients), the first of which counts as 1.
        lifter: HTK's L; 22 is usual.

    Returns:
        The shape and dtype of `cepstra`.

    Example:
        >>> liftered(np.ones((1, 3)), 2).round(1).tolist()
        [[2.0, 1.0, 0.0]]
    """
    if lifter == 0:
        return cepstra
    k = np.arange(1, cepstra.shape[1] + 1)
    return cepstra * (1 + lifter / 2 * np.sin(np.pi * k / lifter)).astype(cepstra.dtype)


def fix_length(frames: np.ndarray, length: int) -> np.ndarray:
    """Cut or zero-pad at the end to `length` frames, shape (length, coefficients).

    Args:
        frames: Shape (frames, coefficients), or with further axes.
        length: Frames of the result.

    Returns:
        A new array, the dtype of `frames`.

    Example:
        >>> fix_length(np.ones((2, 1)), 3)[:, 0], fix_length(np.ones((2, 1)), 1)[:, 0]
        (array([1., 1., 0.]), array([1.]))
    """
    kept = frames[:length]
    return np.pad(kept, ((0, length - len(kept)), *[(0, 0)] * (frames.ndim - 1)))
