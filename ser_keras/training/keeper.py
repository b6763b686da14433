"""Weights kept at the moments of a training that readings ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

from ser_keras.training.moments import BEST, LAST, RECALIBRATED
from ser_keras.training.recalibration import recalibrate


class Keeper(keras.callbacks.Callback):
    """Keeps the weights of the moments asked for while a network trains, and goes back to each afterwards.

    Args:
        wanted: Names of moments.
        watched: The part that `fit` validates on, whose accuracy is in the logs; None for none.
        test_accuracy: Gives the accuracy on the test part where another part is watched; asked for after every epoch
            if `best_on_test` is wanted.
    """

    def __init__(
        self, wanted: Sequence[str], *, watched: str | None, test_accuracy: Callable[[], float] | None = None
    ) -> None:
        super().__init__()
        self.wanted, self.watched, self.test_accuracy = tuple(wanted), watched, test_accuracy
        self.kept: dict[str, list[np.ndarray]] = {}
        self.highest: dict[str, float] = {}
        self.test_accuracies: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the weights if this epoch is the best so far, or one that is asked for.

        Args:
            epoch: From 0.
            logs: Metrics of the epoch by name.
        """
        reached = {self.watched: (logs or {}).get("val_accuracy")}
        if "best_on_test" in self.wanted and self.test_accuracy:
            self.test_accuracies.append(self.test_accuracy())
            reached["test"] = self.test_accuracies[-1]
        for name, part in BEST.items():
            value = reached.get(part)
            if name in self.wanted and value is not None and value > self.highest.get(name, -1.0):
                self.highest[name] = value
                self.kept[name] = self.model.get_weights()
        if (name := f"epoch_{epoch + 1}") in self.wanted:
            self.kept[name] = self.model.get_weights()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Keep the weights of the last epoch.

        Args:
            logs: Not used.
        """
        if LAST in self.wanted:
            self.kept[LAST] = self.model.get_weights()

    def visited(self, model: keras.Model, training: Callable[[], Iterator[np.ndarray]]) -> Iterator[str]:
        """Put the model into each moment in turn; its own weights are back at the end.

        Args:
            model: The fitted model.
            training: Gives the training part, batch by batch.

        Yields:
            The moment's name, while the model is in it. A moment that training never reached is left out.
        """
        own = model.get_weights()
        for name in self.wanted:
            if name == RECALIBRATED:
                model.set_weights(own)
                if not recalibrate(model, training):
                    continue
            elif name in self.kept:
                model.set_weights(self.kept[name])
            else:
                continue
            yield name
        model.set_weights(own)
