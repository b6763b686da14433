"""Activations that Keras no longer has."""

from __future__ import annotations

import keras


@keras.saving.register_keras_serializable("ser_keras")
def hard_sigmoid_1(x: keras.KerasTensor) -> keras.KerasTensor:
    """The hard sigmoid of Keras 1 and 2, clip(0.2 x + 0.5, 0, 1): their LSTM's recurrent activation.

    Keras 3's function of that name is clip(x / 6 + 0.5, 0, 1), and its LSTM's default is the sigmoid itself.

    Args:
        x: Of any shape.

    Returns:
        The shape of `x`, in [0, 1].

    Example:
        >>> float(hard_sigmoid_1(keras.ops.array(1.0)))  # doctest: +ELLIPSIS
        0.69999...
    """
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)
