"""Initial weights as Keras drew them when the papers were written."""

from __future__ import annotations

import keras
from keras import ops

GATES = 4  # of an LSTM


@keras.saving.register_keras_serializable("ser_keras")
class GlorotPerGate(keras.initializers.Initializer):
    """Glorot's uniform draw for each of an LSTM's four gates by itself: the weights of Keras 1.2.

    A gate of U units and I inputs has weights up to sqrt(6 / (I + U)), of its inputs and, whatever `inner_init` said,
    of its recurrence, too. Keras 3 draws one matrix for all four, up to sqrt(6 / (I + 4 U)), and an orthogonal one for
    the recurrence. Source: Keras 1.2.0, `layers/recurrent.py`, `LSTM.build`, with `consume_less="cpu"`, its default.

    Example:
        >>> weights = GlorotPerGate()((2, 4 * 4))
        >>> tuple(weights.shape), 0.8 < float(keras.ops.max(keras.ops.abs(weights))) <= 1.0  # sqrt(6 / (2 + 4)) = 1
        ((2, 16), True)
    """

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> keras.KerasTensor:
        """Weights of shape (inputs, 4 * units), gate by gate."""
        *inputs, units = shape
        gates = [keras.initializers.GlorotUniform()((*inputs, units // GATES), dtype) for _ in range(GATES)]
        return ops.concatenate(gates, axis=-1)
