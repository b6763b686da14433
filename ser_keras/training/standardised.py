"""Large samples, such as spectrograms, held once: chosen and standardised batch by batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

BLOCK = 64  # samples read at a time


@dataclass(frozen=True)
class StandardisedArray:
    """Some samples of an array, standardised when they are gathered; looks like an array, copies nothing.

    Attributes:
        values: float32, shape (all samples, rows, columns, ...).
        positions: Which of them, in which order.
        mean: Mean of each row, shape (1, rows, 1, ...); None for raw values.
        deviation: Standard deviation of each row; 1 where a row never changes.
        padded: Columns that are zero in every row are padding: they count for neither, and stay zero.

    Example:
        >>> values = np.array([[[1.0, 3.0]], [[5.0, 7.0]]], np.float32)
        >>> some = StandardisedArray(values, np.arange(2))
        >>> mean, deviation = some.moments(np.array([0]))
        >>> replace(some, mean=mean, deviation=deviation).gather(np.array([0, 1]))[:, 0]
        array([[-1.,  1.],
               [ 3.,  5.]], dtype=float32)
    """

    values: np.ndarray
    positions: np.ndarray
    mean: np.ndarray | None = None
    deviation: np.ndarray | None = None
    padded: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """(samples, rows, columns, ...)."""
        return (len(self.positions), *self.values.shape[1:])

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, chosen: np.ndarray) -> StandardisedArray:
        """Some of these samples, over the same array."""
        return replace(self, positions=self.positions[chosen])

    def gather(self, chosen: np.ndarray) -> np.ndarray:
        """Some of the samples as an array of their own.

        Args:
            chosen: Positions, shape (chosen,).

        Returns:
            Standardised where a mean is known, shape (chosen, ...).
        """
        x = self.values[self.positions[chosen]]
        if self.mean is not None:
            sound = x.any(axis=1, keepdims=True) if self.padded else True
            x -= self.mean
            x /= self.deviation
            x *= sound
        return x

    def moments(self, chosen: np.ndarray, *, padded: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each row over some samples, float32, shape (1, rows, 1, ...).

        Args:
            chosen: Positions of the samples, shape (chosen,).
            padded: Leave out columns of zeros, which pad a short recording.

        Returns:
            The mean and the deviation; the deviation of a row that stands still is 1.
        """
        from sklearn.preprocessing import StandardScaler

        fitted = StandardScaler()
        for start in range(0, len(chosen), BLOCK):  # in double precision, a few samples at a time
            block = self.values[self.positions[chosen[start : start + BLOCK]]].astype(np.float64)
            columns = np.moveaxis(block, 1, -1).reshape(-1, block.shape[1])
            fitted.partial_fit(columns[columns.any(axis=1)] if padded else columns)
        shape = (1, -1, *[1] * (self.values.ndim - 2))
        return fitted.mean_.reshape(shape).astype(np.float32), fitted.scale_.reshape(shape).astype(np.float32)
