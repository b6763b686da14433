"""Batches made when they are needed: windows that are gathered, samples that are changed while training.

Arrays that fit as they are go to Keras directly; this is for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from ser_keras.training.scaling import Inputs

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def given(
    x: Inputs, targets: np.ndarray | None, batch_size: int, *, seed: int | None = None, change: Change | None = None
) -> dict[str, Any]:
    """What Keras's `fit` and `predict` are given: the arrays, or batches where examples are made as they are needed.

    Args:
        x: Samples.
        targets: One-hot classes, shape (samples, classes); None for prediction.
        batch_size: Samples in a batch.
        seed: As in `Batches`; Keras deals arrays anew by itself.
        change: As in `Batches`.

    Returns:
        Arguments by name.
    """
    if isinstance(x, np.ndarray) and not change:
        return {"x": x, "batch_size": batch_size} | ({} if targets is None else {"y": targets})
    return {"x": Batches(x, targets, batch_size, seed=seed, change=change)}


def held_out(x: Inputs, targets: np.ndarray, batch_size: int) -> Any:
    """The same as `validation_data`, for which Keras takes arrays as a pair.

    Args:
        x: Samples.
        targets: One-hot classes, shape (samples, classes).
        batch_size: Samples in a batch, where they are made as they are needed.

    Returns:
        (x, targets), or batches.
    """
    made = given(x, targets, batch_size)
    return (made["x"], made["y"]) if "y" in made else made["x"]


class Batches(keras.utils.PyDataset):
    """Batches of samples and targets, in a new order each epoch if shuffled.

    Args:
        x: Samples.
        targets: One-hot classes, shape (samples, classes); None for prediction.
        batch_size: Samples in a batch.
        seed: Start of what is drawn; None keeps the order of `x`.
        change: (batch, generator) -> batch, applied to every batch.

    Example:
        >>> batches = Batches(np.zeros((5, 2)), np.eye(5), 2)
        >>> len(batches), batches[2][0].shape
        (3, (1, 2))
    """

    def __init__(
        self,
        x: Inputs,
        targets: np.ndarray | None,
        batch_size: int,
        *,
        seed: int | None = None,
        change: Change | None = None,
    ) -> None:
        super().__init__()
        self.x, self.targets, self.batch_size, self.change = x, targets, batch_size, change
        self.rng = None if seed is None else np.random.default_rng(seed)
        self.order = np.arange(len(x))
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, ...]:
        """Batch `number` of this epoch."""
        chosen = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        x = self.x[chosen] if isinstance(self.x, np.ndarray) else self.x.gather(chosen)
        if self.change:
            x = self.change(x, self.rng)
        return (x,) if self.targets is None else (x, self.targets[chosen])

    def on_epoch_end(self) -> None:
        """Deal the samples anew."""
        if self.rng is not None:
            self.rng.shuffle(self.order)
