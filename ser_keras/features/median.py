"""A running median that keeps its window sorted."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np


def running_median(rows: np.ndarray, width: int) -> np.ndarray:
    """Median over `width` neighbours along each row; rows are mirrored at their ends.

    Equal to `scipy.ndimage.median_filter(rows, (1, width), mode="reflect")`, which ranks every window anew and
    dominates the separation; here a window stays sorted as it moves.

    Args:
        rows: Shape (rows, columns).
        width: Odd number of neighbours.

    Returns:
        float32, shape (rows, columns).

    Example:
        >>> running_median(np.array([[0.0, 9.0, 0.0, 1.0, 2.0]]), 3)
        array([[0., 0., 1., 1., 2.]], dtype=float32)
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
