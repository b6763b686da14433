"""Standardising features on the training part, and evening out its classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ser_keras.features.windows import Windows
from ser_keras.training.standardised import Samples

Inputs = np.ndarray | Windows | Samples


def scaled(x: Inputs, train: np.ndarray, how: str | None) -> Inputs:
    """Features standardised by the mean and deviation of the training samples.

    Args:
        x: Shape (samples, ...).
        train: Positions of the samples to fit on.
        how: As `Recipe.scaler`. Of windows, each frame that stands in a training window counts once.

    Returns:
        float32, the shape of `x`; `x` itself for None. Windows and rows are scaled when they are gathered.

    Raises:
        ValueError: `how` is unknown, or does not fit windows or samples that are held once.
    """
    if how is None:
        return x
    if how not in ("value", "coefficient", "row"):
        raise ValueError(f"{how!r} is no way to scale: value, coefficient, row, or None")
    if how == "row" and isinstance(x, np.ndarray):
        x = Samples(x, np.arange(len(x)))
    if isinstance(x, Samples):
        if how != "row":
            raise ValueError("samples that are held once can be scaled by row only")
        return x.standardised(train)
    from sklearn.preprocessing import StandardScaler

    if isinstance(x, Windows):
        if how != "coefficient":
            raise ValueError("windows overlap: their values can be scaled by coefficient only")
        fitted = StandardScaler().fit(x.frames[x[train].used()])
        return replace(x, frames=fitted.transform(x.frames).astype(np.float32, copy=False))

    flat = x.reshape((len(x), -1) if how == "value" else (-1, x.shape[-1]))
    fitted = StandardScaler().fit(flat[train] if how == "value" else x[train].reshape(-1, x.shape[-1]))
    return fitted.transform(flat).astype(np.float32, copy=False).reshape(x.shape)


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
