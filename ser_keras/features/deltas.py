"""Derivatives of features over time."""

from __future__ import annotations

import numpy as np

from ser_keras.support.errors import TooShortError


def delta(frames: np.ndarray, *, half_width: int) -> np.ndarray:
    """Slope by regression over `half_width` frames on either side: Cournut & Buldu, equation (1).

    d[t] = sum_n n (c[t + n] - c[t - n]) / (2 sum_n n^2), n from 1 to N. Beyond the ends the first and the last frame
    are repeated.

    Args:
        frames: Shape (frames, coefficients).
        half_width: N, the frames on either side.

    Returns:
        The shape and type of `frames`.

    Example:
        >>> delta(np.array([[0.0], [1.0], [2.0], [3.0]]), half_width=1)[:, 0]
        array([0.5, 1. , 1. , 0.5])
    """
    n_frames, widest = len(frames), half_width
    padded = np.pad(frames, ((widest, widest), (0, 0)), mode="edge")
    total = np.zeros_like(frames)
    for n in range(1, widest + 1):
        total += n * (padded[widest + n : widest + n + n_frames] - padded[widest - n : widest - n + n_frames])
    return total / np.asarray(2 * sum(n * n for n in range(1, widest + 1)), dtype=frames.dtype)


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

    Example:
        >>> ramp = np.arange(12, dtype=np.float32)[:, None] * 2  # 2 more from frame to frame
        >>> np.allclose(savitzky_golay(ramp), 2, atol=1e-5)
        True
    """
    from scipy.signal import savgol_filter

    if len(frames) < width:
        raise TooShortError(f"{len(frames)} frames are fewer than the {width} that a derivative is fitted over")
    result = savgol_filter(frames, width, derivative, deriv=derivative, axis=0, mode="interp")
    return result.astype(np.float32, copy=False)
