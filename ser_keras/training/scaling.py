"""Standardising features on the training part, and evening out its classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ser_keras.features.windows import Windows
from ser_keras.training.standardised import StandardisedArray

Inputs = np.ndarray | Windows | StandardisedArray
BY_ROW = ("row", "row_without_padding")


@dataclass(frozen=True)
class Scaler:
    """Means and deviations of the training samples.

    Attributes:
        how: As `Recipe.scaler`; None leaves everything as it is.
        mean: float64 for "value" and "coefficient", shape (values,) or (coefficients,); float32 by row, shape
            (1, rows, 1, ...); empty for None.
        deviation: Standard deviations, in the same shape; 1 where nothing ever changes.
    """

    how: str | None
    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def fit(cls, x: Inputs, train: np.ndarray, how: str | None) -> Scaler:
        """Means and deviations of the training samples.

        Args:
            x: Shape (samples, ...).
            train: Positions of the samples to fit on.
            how: As `Recipe.scaler`. Of windows, each frame that stands in a training window counts once.

        Returns:
            The scaler; for None one that changes nothing.

        Raises:
            ValueError: `how` is unknown, or does not fit windows or samples that are held once.

        Example:
            >>> x = np.array([[1.0, 3.0], [3.0, 7.0], [9.0, 9.0]], np.float32)
            >>> Scaler.fit(x, np.array([0, 1]), "value").apply(x)[2]
            array([7., 2.], dtype=float32)
        """
        if how is None:
            return cls(None, np.empty(0), np.empty(0))
        if how not in ("value", "coefficient", *BY_ROW):
            raise ValueError(f"{how!r} is no way to scale: value, coefficient, {', '.join(BY_ROW)}, or None")
        if how in BY_ROW and isinstance(x, np.ndarray):
            x = StandardisedArray(x, np.arange(len(x)))
        if isinstance(x, StandardisedArray):
            if how not in BY_ROW:
                raise ValueError("samples that are held once can be scaled by row only")
            return cls(how, *x.moments(train, padded=how == "row_without_padding"))
        from sklearn.preprocessing import StandardScaler

        if isinstance(x, Windows):
            if how != "coefficient":
                raise ValueError("windows overlap: their values can be scaled by coefficient only")
            fitted = StandardScaler().fit(x.frames[x[train].used()])
        else:
            fitted = StandardScaler().fit(x[train].reshape((len(train), -1) if how == "value" else (-1, x.shape[-1])))
        return cls(how, fitted.mean_, fitted.scale_)

    def apply(self, x: Inputs) -> Inputs:
        """Standardised features: float32, the shape of `x`; windows and rows are scaled when they are gathered.

        Args:
            x: Shape (samples, ...), as `fit` was given.

        Returns:
            A new object; `x` stays as it is.
        """
        if self.how is None:
            return x
        if self.how in BY_ROW:
            samples = StandardisedArray(x, np.arange(len(x))) if isinstance(x, np.ndarray) else x
            padded = self.how == "row_without_padding"
            return replace(samples, mean=self.mean, deviation=self.deviation, padded=padded)
        if isinstance(x, Windows):
            return replace(x, frames=self._standardised(x.frames))
        flat = x.reshape((len(x), -1) if self.how == "value" else (-1, x.shape[-1]))
        return self._standardised(flat).reshape(x.shape)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON; every number comes back as it was."""
        return {
            "how": self.how,
            "shape": list(self.mean.shape),
            "dtype": str(self.mean.dtype),
            "mean": self.mean.ravel().tolist(),
            "deviation": self.deviation.ravel().tolist(),
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Scaler:
        """What `to_json` wrote.

        Args:
            given: `how`, `mean`, `deviation`, `dtype` and `shape`.

        Returns:
            The scaler.

        Raises:
            KeyError: An entry is missing.
            ValueError: Numbers and shape do not fit.

        Example:
            >>> Scaler.from_json(Scaler("value", np.ones(2), np.ones(2)).to_json()).mean
            array([1., 1.])
        """
        mean, deviation = (
            np.array(given[name], np.dtype(given["dtype"])).reshape(given["shape"]) for name in ("mean", "deviation")
        )
        return cls(given["how"], mean, deviation)

    def _standardised(self, flat: np.ndarray) -> np.ndarray:
        """As scikit-learn's StandardScaler does it, in the precision of the features."""
        made = flat - self.mean.astype(np.float32)
        made /= self.deviation.astype(np.float32)
        return made.astype(np.float32, copy=False)


def oversampled(train: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """The training samples, those of smaller classes repeated at random until all classes are as large.

    Args:
        train: Positions of the training samples.
        labels: Class numbers of all samples.
        seed: Start of the draw.

    Returns:
        Positions, `train` first.

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1])
        >>> made = oversampled(np.array([0, 1, 2, 3]), labels, seed=0)
        >>> made.tolist()
        [0, 1, 2, 3, 3, 3]
    """
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels[train], return_counts=True)
    again = [
        rng.choice(train[labels[train] == number], counts.max() - count)
        for number, count in zip(classes, counts, strict=True)
    ]
    return np.concatenate([train, *again])
