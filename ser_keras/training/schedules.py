"""Learning rates that change while training."""

from __future__ import annotations

import keras


class CyclicRate(keras.callbacks.Callback):
    """Smith's cyclic learning rate, "triangular2": up and down in straight lines, half as high each cycle.

    The rate is set before every batch: `lowest` at the start, `highest` after `step` epochs, `lowest` again after
    twice as many, then towards the middle of the two, and so on (Smith 2017, doi:10.1109/WACV.2017.58).

    Args:
        lowest: Rate at the ends of a cycle.
        highest: Rate in the middle of the first cycle.
        step: Epochs in half a cycle.

    Example:
        >>> cycle = CyclicRate(1e-4, 1e-2, step=8)
        >>> [round(cycle.rate(epochs), 5) for epochs in (0, 8, 16, 24)]
        [0.0001, 0.01, 0.0001, 0.00505]
    """

    def __init__(self, lowest: float, highest: float, *, step: float) -> None:
        super().__init__()
        self.lowest, self.highest, self.step = lowest, highest, step
        self.batches = 0

    def rate(self, epochs: float) -> float:
        """The rate after so many epochs, whole or not.

        Args:
            epochs: Since training began.

        Returns:
            From `lowest` to `highest`, whose distance is halved with each cycle.
        """
        cycle, position = divmod(epochs / self.step, 2)
        return self.lowest + (self.highest - self.lowest) * (1 - abs(position - 1)) / 2**cycle

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Set the rate of the coming step.

        Args:
            batch: Not used.
            logs: Not used.
        """
        self.model.optimizer.learning_rate.assign(self.rate(self.batches / self.params["steps"]))
        self.batches += 1
