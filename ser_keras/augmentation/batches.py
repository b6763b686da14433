"""Augmentations of a batch of standardised features: masks, noise, gain. Drawn anew for every sample."""

from __future__ import annotations

import numpy as np


def mask(x: np.ndarray, rng: np.random.Generator, *, axis: int, low: int, high: int, value: float = 0.0) -> np.ndarray:
    """One sample with a stretch of rows or columns set to `value`.

    Args:
        x: Shape (rows, columns, ...).
        rng: Draws the stretch's width and place.
        axis: 0 hides rows, 1 columns.
        low: Smallest width.
        high: Largest width, included.
        value: What is put there; of standardised features, 0 is the mean.

    Returns:
        A copy, the shape of `x`.

    Example:
        >>> masked = mask(np.ones((3, 8)), np.random.default_rng(0), axis=1, low=2, high=4)
        >>> int((masked == 0).sum()) in (6, 9, 12)
        True
    """
    width = min(int(rng.integers(low, high + 1)), x.shape[axis])
    start = int(rng.integers(0, x.shape[axis] - width + 1))
    result = x.copy()
    hidden = [slice(None)] * x.ndim
    hidden[axis] = slice(start, start + width)
    result[tuple(hidden)] = value
    return result


def noisy(x: np.ndarray, rng: np.random.Generator, *, low: float, high: float) -> np.ndarray:
    """One sample plus Gaussian noise, its deviation drawn between `low` and `high`.

    Args:
        x: One sample, of any shape.
        rng: The source of all randomness.
        low: Least standard deviation, in the units of `x`.
        high: Largest standard deviation.

    Returns:
        The shape and dtype of `x`.

    Example:
        >>> x = np.zeros(1000, np.float32)
        >>> round(float(noisy(x, np.random.default_rng(0), low=0.1, high=0.1).std()), 1)
        0.1
    """
    return x + rng.normal(0, rng.uniform(low, high), x.shape).astype(x.dtype)
