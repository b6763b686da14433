"""Features and treatments of the waveform itself: level, zero crossings, pre-emphasis, trimming, harmonic part.

Equal to librosa's functions of the same name to 1e-4 relative.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from ser_keras.features.spectrum import complex_stft, frame

SILENCE = 1e-10  # librosa's: a smaller amplitude has no sign
AMIN = 1e-5  # librosa's smallest amplitude in decibels


def rms(waveform: np.ndarray, *, frame_length: int, hop_length: int) -> np.ndarray:
    """Root mean square of centred frames, float32, shape (frames, 1).

    Example:
        >>> float(rms(np.full(8000, 0.5), frame_length=512, hop_length=256)[10, 0])
        0.5
    """
    frames = frame(waveform, frame_length=frame_length, hop_length=hop_length, center=True)
    return np.sqrt(np.einsum("tn,tn->t", frames, frames) / frame_length)[:, None].astype(np.float32)


def zero_crossing_rate(waveform: np.ndarray, *, frame_length: int, hop_length: int) -> np.ndarray:
    """Sign changes per sample in centred frames, float32, shape (frames, 1).

    The waveform is continued at both ends by its last value, so that padding adds no crossing.
    """
    y = np.pad(np.asarray(waveform, dtype=np.float32), frame_length // 2, mode="edge")
    negative = (y < 0) & (np.abs(y) > SILENCE)
    crossings = np.concatenate([[0], np.cumsum(negative[1:] != negative[:-1])])
    starts = np.arange(0, len(y) - frame_length + 1, hop_length)
    # From a frame's first sample to its last: the step into the frame is not its own.
    counts = crossings[starts + frame_length - 1] - crossings[starts]
    return (counts / frame_length)[:, None].astype(np.float32)


def preemphasis(waveform: np.ndarray, *, coefficient: float, previous: float | None) -> np.ndarray:
    """y[t] - coefficient * y[t - 1]: a gentle high-pass.

    Args:
        waveform: Shape (samples,).
        coefficient: 0.97, most often.
        previous: The sample before the first. None continues the first two in a straight line, in librosa's sense:
            2 y[0] - y[1] is added to the first result.

    Returns:
        float32, shape (samples,).

    Example:
        >>> preemphasis(np.array([1.0, 1.0, 2.0]), coefficient=0.5, previous=0.0)
        array([1. , 0.5, 1.5], dtype=float32)
    """
    y = np.asarray(waveform, dtype=np.float32)
    result = np.empty_like(y)
    result[1:] = y[1:] - np.float32(coefficient) * y[:-1]
    if previous is None:
        result[0] = y[0] + (2 * y[0] - y[1] if len(y) > 1 else 0)
    else:
        result[0] = y[0] - coefficient * previous
    return result


def trim(waveform: np.ndarray, *, top_db: float, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Without the quiet at both ends: frames more than `top_db` below the loudest.

    Args:
        waveform: Shape (samples,).
        top_db: Decibels below the loudest frame.
        frame_length: Samples in a frame.
        hop_length: Samples from one frame to the next; the cuts fall on its multiples.

    Returns:
        A view, shape (samples left,).
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
    """
    import librosa

    y = np.asarray(waveform, dtype=np.float32)
    spectrum = complex_stft(y, n_fft=n_fft, hop_length=hop_length)
    magnitude = np.abs(spectrum)
    lasting = running_median(magnitude.T, kernel).T
    short = running_median(magnitude, kernel)
    mask = librosa.util.softmask(lasting, short, power=2.0, split_zeros=True)
    return librosa.istft((spectrum * mask).T, hop_length=hop_length, length=len(y))


def running_median(rows: np.ndarray, width: int) -> np.ndarray:
    """Median over `width` neighbours along each row; rows are mirrored at their ends.

    Equal to `scipy.ndimage.median_filter(rows, (1, width), mode="reflect")`, which ranks every window anew and
    dominates the separation; here a window stays sorted as it moves.

    Args:
        rows: Shape (rows, columns).
        width: Odd number of neighbours.

    Returns:
        float32, shape (rows, columns).
    """
    padded = np.pad(rows, ((0, 0), (width // 2, width // 2)), mode="symmetric")
    return _median_kernel()(np.ascontiguousarray(padded, dtype=np.float32), width)


@functools.cache
def _median_kernel() -> Callable[[np.ndarray, int], np.ndarray]:
    """Compiled on first use (numba comes with librosa), and kept on disk from then on."""
    import numba

    return numba.njit(cache=True, nogil=True)(_sliding_median)


def _sliding_median(padded: np.ndarray, width: int) -> np.ndarray:
    n_rows, n_columns = padded.shape[0], padded.shape[1] - width + 1
    result = np.empty((n_rows, n_columns), np.float32)
    for r in range(n_rows):
        row = padded[r]
        window = np.sort(row[:width])
        result[r, 0] = window[width // 2]
        for c in range(1, n_columns):
            old, new = row[c - 1], row[c + width - 1]
            place = np.searchsorted(window, old)
            if new >= old:
                while place + 1 < width and window[place + 1] < new:
                    window[place] = window[place + 1]
                    place += 1
            else:
                while place > 0 and window[place - 1] > new:
                    window[place] = window[place - 1]
                    place -= 1
            window[place] = new
            result[r, c] = window[width // 2]
    return result
