"""What losses, optimisers, layers and activations of one's own give on fixed numbers.

Keras writes down the name of a function and what `get_config` tells of a class; a constant in their code stands in
neither. Of what is Keras's own, the name and the settings are enough.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

BATCH, STEPS, EPOCHS = 4, (0, 1, 10, 100, 1000), (0, 1, 2, 5, 10, 20, 50, 100)
RATE = 1e-3  # handed to a schedule of epochs that changes the rate it is given


def is_own(value: Any) -> bool:
    """Whether a function or an object's class is not Keras's.

    Args:
        value: A function, a class, or an object.

    Returns:
        False for what cannot be called.

    Example:
        >>> import keras
        >>> is_own(keras.activations.relu), is_own(lambda x: 2 * x)
        (False, True)
    """
    module = getattr(value if hasattr(value, "__qualname__") else type(value), "__module__", None) or ""
    return callable(value) and module.split(".")[0] != "keras"


def of_loss(loss: Any, classes: int) -> list[float] | str:
    """A loss on a few targets and probabilities; where it takes no one-hot targets, on class numbers.

    Args:
        loss: (targets, probabilities) -> losses.
        classes: Their number.

    Returns:
        The losses in few digits, or the name of the error that it raised.

    Example:
        >>> of_loss(lambda target, p: 3 * (target * p).sum(), 2)
        [6.22187]
    """
    rng = np.random.default_rng(7)
    probabilities = rng.dirichlet(np.ones(classes), BATCH).astype(np.float32)
    numbers = np.arange(BATCH) % classes
    given = _numbers(lambda: loss(np.eye(classes, dtype=np.float32)[numbers], probabilities))
    return given if isinstance(given, list) else _numbers(lambda: loss(numbers, probabilities))


def of_activation(activation: Callable[[Any], Any]) -> list[float] | str:
    """An activation from -3 to 3, the values read as one sample.

    Args:
        activation: Tensor -> tensor.

    Returns:
        13 values, or the name of the error that it raised.

    Example:
        >>> import keras
        >>> of_activation(keras.activations.relu)[5:8]
        [0.0, 0.0, 0.5]
    """
    from keras import ops

    return _numbers(lambda: activation(ops.convert_to_tensor(np.linspace(-3, 3, 13, dtype=np.float32)[None])))


def of_optimiser(optimiser: keras.optimizers.Optimizer) -> list[float] | str:
    """Three numbers after each of three steps along the same gradients.

    Args:
        optimiser: It is copied by its configuration, and stays as it is.

    Returns:
        Nine values, or the name of the error that it raised.

    Example:
        >>> import keras
        >>> of_optimiser(keras.optimizers.SGD(0.1))[:3]
        [0.99, -1.98, 0.49999]
    """
    import keras

    def steps() -> list[np.ndarray]:
        fresh = type(optimiser).from_config(optimiser.get_config())
        variable = keras.Variable(np.array([1.0, -2.0, 0.5], np.float32))
        made = []
        for gradient in ([0.1, -0.2, 1e-4], [0.3, 0.1, 1e-5], [-0.1, 0.2, 1e-6]):
            fresh.apply([keras.ops.convert_to_tensor(np.array(gradient, np.float32))], [variable])
            made.append(keras.ops.convert_to_numpy(variable))
        return made

    return _numbers(steps)


def of_schedule(schedule: Callable[[int], Any]) -> list[float] | str:
    """A schedule's rates at a few steps.

    Args:
        schedule: Step -> rate.

    Returns:
        One rate a step, or the name of the error that it raised.

    Example:
        >>> of_schedule(lambda step: 0.1)[0]
        0.1
    """
    return _numbers(lambda: [float(schedule(step)) for step in STEPS])


def of_epochs(schedule: Callable[..., float]) -> list[float] | str:
    """The rates at a few epochs, as `keras.callbacks.LearningRateScheduler` asks for them.

    Args:
        schedule: (epoch, rate) -> rate, or epoch -> rate; epochs count from 0.

    Returns:
        One rate an epoch, or the name of the error that it raised.

    Example:
        >>> of_epochs(lambda epoch: 0.1 / (1 + epoch))[:2]
        [0.1, 0.05]
    """

    def rate(epoch: int) -> float:
        try:
            return float(schedule(epoch, RATE))
        except TypeError:
            return float(schedule(epoch))

    return _numbers(lambda: [rate(epoch) for epoch in EPOCHS])


def of_layer(layer: keras.layers.Layer) -> list[float] | str:
    """A layer's answer to a fixed batch under fixed weights; its own are put back.

    Args:
        layer: A layer of a built network.

    Returns:
        Mean, deviation and some values, or the name of the error that it raised.
    """
    from keras import ops, tree

    rng = np.random.default_rng(8)

    def fixed(like: Any) -> np.ndarray:
        return rng.normal(size=[BATCH if size is None else size for size in like.shape]).astype(np.float32)

    def answer() -> Any:
        before = layer.get_weights()
        layer.set_weights([fixed(weight) for weight in before])
        try:
            given = layer(tree.map_structure(lambda tensor: ops.convert_to_tensor(fixed(tensor)), layer.input))
            flat = np.concatenate([ops.convert_to_numpy(t).ravel() for t in tree.flatten(given)])
            return [flat.mean(), flat.std(), *flat[:: max(1, len(flat) // 16)][:16]]
        finally:
            layer.set_weights(before)

    return _numbers(answer)


def _numbers(compute: Callable[[], Any]) -> list[float] | str:
    """Numbers in six digits, or the name of the error: that it cannot be computed so is all that is known then."""
    from keras import ops

    try:
        given = compute()
        values = np.concatenate(
            [np.ravel(ops.convert_to_numpy(v)) for v in (given if isinstance(given, list) else [given])]
        )
        return [float(f"{float(value):.6g}") for value in values]
    except Exception as error:
        return type(error).__name__
