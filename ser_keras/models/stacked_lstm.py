"""The recurrent networks of Cournut & Buldu (2017), sections 2.3 and 3.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

DROPOUT = 0.2
L2 = 1e-4
LAYERS = 2
KERAS_1_GAIN, KERAS_1_EPSILON = 1.1, 1e-8  # of orthogonal weights, and of Adam, in Keras 1.2


def build(
    input_shape: tuple[int, int],
    n_classes: int,
    *,
    cell: str = "lstm",
    units: int = 128,
    recurrent_activation: str = "sigmoid",
    keras_1: bool = False,
) -> keras.Model:
    """Build and compile two recurrent layers and a softmax.

    Args:
        input_shape: (frames, coefficients).
        n_classes: Emotions.
        cell: "lstm", "bidirectional" (LSTMs both ways, their outputs joined) or "vanilla" (tanh units).
        units: Units of a layer, in each direction.
        recurrent_activation: Of an LSTM's gates; "hard_sigmoid_1" is that of Keras 1.
        keras_1: All that Keras 1.2 did otherwise: the gates, the initial weights, and Adam's epsilon. The forget gate's
            bias starts at 1 in both.

    Returns:
        A compiled model, (batch, frames, coefficients) -> (batch, n_classes) probabilities.

    Raises:
        ValueError: The cell is unknown.

    Example:
        >>> build((25, 120), 7).count_params()
        259975
    """
    import keras
    from keras import layers

    from ser_keras.training.activations import hard_sigmoid_1
    from ser_keras.training.initialisers import GlorotPerGate

    gates = hard_sigmoid_1 if keras_1 or recurrent_activation == "hard_sigmoid_1" else recurrent_activation
    orthogonal = keras.initializers.Orthogonal(KERAS_1_GAIN)
    of_simple = {"recurrent_initializer": orthogonal} if keras_1 else {}
    of_lstm = {"kernel_initializer": GlorotPerGate(), "recurrent_initializer": GlorotPerGate()} if keras_1 else {}

    def recurrent(*, return_sequences: bool) -> keras.layers.Layer:
        if cell == "vanilla":
            return layers.SimpleRNN(units, return_sequences=return_sequences, **of_simple)
        lstm = layers.LSTM(units, recurrent_activation=gates, return_sequences=return_sequences, **of_lstm)
        return layers.Bidirectional(lstm) if cell == "bidirectional" else lstm

    if cell not in ("lstm", "bidirectional", "vanilla"):
        raise ValueError(f"{cell!r} is no cell: lstm, bidirectional or vanilla")
    model = keras.Sequential([keras.Input(input_shape)], name=f"stacked_{cell}")
    for i in range(LAYERS):
        model.add(layers.Dropout(DROPOUT))
        model.add(recurrent(return_sequences=i < LAYERS - 1))
    regularizer = keras.regularizers.L2(L2)
    model.add(layers.Dense(n_classes, activation="softmax", kernel_regularizer=regularizer, dtype="float32"))
    adam = keras.optimizers.Adam(epsilon=KERAS_1_EPSILON) if keras_1 else "adam"
    model.compile(adam, loss="categorical_crossentropy", metrics=["accuracy"])
    return model
