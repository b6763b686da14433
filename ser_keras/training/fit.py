"""Fitting one recipe's model, and what it predicts at the moments that readings ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.support.errors import SerError
from ser_keras.support.stderr import held
from ser_keras.training.recipe import Recipe
from ser_keras.training.scaling import Inputs, Scaler, oversampled

if TYPE_CHECKING:
    import keras
    import pandas as pd
    import sklearn.base

PREDICTED = 128  # examples in a batch of prediction, where the size changes no number
# What a run does that neither recipe nor protocol says: seeding, order of steps, scaling, prediction. Raised by hand,
# with the reason, when a change of this loop changes numbers; runs of another version do not count.
LOOP_VERSION = 1


@dataclass(frozen=True)
class Fitted:
    """What fitting leaves.

    Attributes:
        model: The fitted model.
        history: One row an epoch: `epoch` (from 1), `loss` and `accuracy` while training, and the same of the
            validation part (`validation_loss` ...) or, without one, of the test part (`test_loss` ...).
        probabilities: float32, (examples, classes), for every example handed to `fit`.
        moments: The same at other moments, by name; see `moments`.
        scaler: What the features were standardised by; None for a scikit-learn model, which is not exported.
    """

    model: keras.Model | sklearn.base.ClassifierMixin
    history: pd.DataFrame
    probabilities: np.ndarray
    moments: Mapping[str, np.ndarray] = field(default_factory=dict)
    scaler: Scaler | None = None


def fit(
    recipe: Recipe,
    x: Inputs,
    labels: np.ndarray,
    parts: Mapping[str, np.ndarray],
    *,
    n_classes: int,
    seed: int,
    epochs: int,
    precision: str = "float32",
    moments: Sequence[str] = (),
    on_epoch: Callable[[int, dict[str, float]], None] = lambda epoch, logs: None,
) -> Fitted:
    """Fit the recipe's model on `parts["train"]` and predict every example.

    Args:
        recipe: What to fit.
        x: Features, shape (examples, ...), float32.
        labels: Class numbers, shape (examples,).
        parts: Positions in `x` of "train", "validation" and "test" examples; all but the first may be empty.
        n_classes: Number of classes.
        seed: Start of every random choice: weights, order of batches, dropout.
        epochs: Passes through the training part.
        precision: A Keras dtype policy; the one in force before is put back.
        moments: Further moments at which every example is predicted; a scikit-learn model has none.
        on_epoch: Called after each epoch with its number, from 0, and its logs.

    Returns:
        Model, history and probabilities.

    Raises:
        SerError: The loss is no longer a finite number.
    """
    import keras
    import pandas as pd

    from ser_keras.training.batches import given, held_out
    from ser_keras.training.keeper import Keeper

    keras.utils.set_random_seed(seed)
    with dtype_policy(precision):
        scaler = Scaler.fit(x, parts["train"], recipe.scaler)
        x = scaler.apply(x)
        model = recipe.build(x.shape[1:], n_classes)
        if not isinstance(model, keras.Model):
            return _fit_classic(model, x, labels, parts, n_classes=n_classes, seed=seed, on_epoch=on_epoch)
        targets = np.eye(n_classes, dtype=np.float32)[labels]
        train = oversampled(parts["train"], labels, seed) if recipe.oversample else parts["train"]
        # Without a validation part the test part is watched, for the curves alone: nothing is chosen by it.
        watched = next((name for name in ("validation", "test") if len(parts[name])), None)

        def right() -> float:
            said = predict(model, x[parts["test"]])
            return float(np.mean(said.argmax(axis=1) == labels[parts["test"]]))

        keeper = Keeper(
            moments,
            watched=watched,
            test_accuracy=right if watched == "validation" and len(parts["test"]) else None,
        )
        history = model.fit(
            **given(x[train], targets[train], recipe.batch_size, seed=seed, change=recipe.change),
            validation_data=held_out(x[parts[watched]], targets[parts[watched]], PREDICTED) if watched else None,
            epochs=epochs,
            verbose=0,
            callbacks=[
                *([keeper] if moments else []),  # first, so that it sees the weights before others restore some
                keras.callbacks.LambdaCallback(on_epoch_end=on_epoch),
                keras.callbacks.TerminateOnNaN(),
                *(recipe.callbacks() if recipe.callbacks else []),
            ],
        )
        table = pd.DataFrame(history.history).rename(columns=lambda name: name.replace("val_", f"{watched}_"))
        table.insert(0, "epoch", np.arange(1, len(table) + 1))
        if not np.isfinite(table.loss.iloc[-1]):
            raise SerError(
                f"the loss is {table.loss.iloc[-1]} after epoch {len(table)}: lower the learning rate, or use "
                "--precision float32"
            )
        if keeper.test_accuracies:
            table["test_accuracy"] = keeper.test_accuracies
        with held():
            probabilities = predict(model, x)
            at = {
                name: predict(model, x)
                for name in keeper.visited(model, lambda: predicted_batches(x[train], recipe.batch_size))
            }
        return Fitted(model, table, probabilities, at, scaler)


@contextmanager
def dtype_policy(precision: str) -> Iterator[None]:
    """Keras's dtype policy while the block runs; the one before is put back.

    Args:
        precision: A name of Keras's: "float32", "mixed_bfloat16", "mixed_float16".
    """
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def predict(model: keras.Model, x: Inputs) -> np.ndarray:
    """Probabilities, float32, (examples, classes).

    Args:
        model: A network with a softmax.
        x: Shape (examples, ...).

    Returns:
        Shape (examples, classes), in the order of `x`.
    """
    from ser_keras.training.batches import given

    return np.asarray(model.predict(**given(x, None, PREDICTED), verbose=0), dtype=np.float32)


def predicted_batches(x: Inputs, batch_size: int) -> Iterator[np.ndarray]:
    """The examples in order, batch by batch, as the network is given them.

    Args:
        x: Shape (examples, ...).
        batch_size: Examples in a batch; the last one may have fewer.

    Returns:
        Arrays, shape (batch, ...).

    Example:
        >>> [len(batch) for batch in predicted_batches(np.zeros((5, 2), np.float32), 2)]
        [2, 2, 1]
    """
    from ser_keras.training.batches import Batches

    batches = Batches(x, None, batch_size)
    return (batches[number][0] for number in range(len(batches)))


def _fit_classic(
    model: sklearn.base.ClassifierMixin,
    x: np.ndarray,
    labels: np.ndarray,
    parts: Mapping[str, np.ndarray],
    *,
    n_classes: int,
    seed: int,
    on_epoch: Callable[[int, dict[str, float]], None],
) -> Fitted:
    """A scikit-learn classifier in the place of a network: one pass, no validation part needed."""
    import pandas as pd

    if "random_state" in model.get_params():
        model.set_params(random_state=seed)
    flat = x.reshape(len(x), -1)
    model.fit(flat[parts["train"]], labels[parts["train"]])
    probabilities = np.zeros((len(x), n_classes), np.float32)
    probabilities[:, model.classes_] = model.predict_proba(flat)
    right = probabilities.argmax(axis=1) == labels
    logs = {f"{name}accuracy": float(right[parts[part]].mean()) for name, part in (("", "train"), ("test_", "test"))}
    on_epoch(0, logs)
    return Fitted(model, pd.DataFrame([{"epoch": 1, "loss": np.nan} | logs]), probabilities)
