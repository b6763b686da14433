"""Derivatives of features over time."""

from __future__ import annotations

import numpy as np

from ser_keras.support.errors import TooShortError


def regression(frames: np.ndarray, *, order: int) -> np.ndarray:
    """Slope by regression over `order` frames on either side: Cournut & Buldu, equation (1).

    d[t] = sum_n n (c[t + n] - c[t - n]) / (2 sum_n n^2), n from 1 to `order`. Beyond the ends the first and the
    last frame are repeated.

    Args:
        frames: Shape (frames, coefficients).
        order: N, the frames on either side.

    Returns:
        The shape and type of `frames`.

    Example:
        >>> regression(np.array([[0.0], [1.0], [2.0], [3.0]]), order=1)[:, 0]
        array([0.5, 1. , 1. , 0.5])
    """
    n_frames = len(frames)
    padded = np.pad(frames, ((order, order), (0, 0)), mode="edge")
    total = np.zeros_like(frames)
    for n in range(1, order + 1):
        total += n * (padded[order + n : order + n + n_frames] - padded[order - n : order - n + n_frames])
    return total / np.asarray(2 * sum(n * n for n in range(1, order + 1)), dtype=frames.dtype)


def savitzky_golay(frames: np.ndarray, *, width: int = 9, derivative: int = 1) -> np.ndarray:
    """Derivative of a polynomial fitted over `width` frames, as `librosa.feature.delta` (mode "interp").

    Args:
        frames: Shape (frames, coefficients), at least `width` frames.
        width: Frames under the fit; odd.
        derivative: 1 for delta, 2 for delta-delta.

    Returns:
        float32, the shape of `frames`.

    Raises:
        TooShortError: There are fewer frames than `width`.
    """
    from scipy.signal import savgol_filter

    if len(frames) < width:
        raise TooShortError(f"{len(frames)} frames are fewer than the {width} that a derivative is fitted over")
    result = savgol_filter(frames, width, derivative, deriv=derivative, axis=0, mode="interp")
    return result.astype(np.float32, copy=False)
