"""The one-dimensional CNN of Boucheta & Roubache (2025), Table 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def build(input_shape: tuple[int], n_classes: int, *, learning_rate: float) -> keras.Model:
    """Build and compile the network.

    One feature vector is read as a series of single values. With all frames in it the dense layer behind the
    flattening holds nearly all weights: 64 * 64 * (values - 2) // 2.

    Args:
        input_shape: (values,).
        n_classes: Emotions.
        learning_rate: Of Adam (section 3.2.1).

    Returns:
        A compiled model, (batch, values) -> (batch, n_classes) probabilities.

    Example:
        >>> build((4536,), 7, learning_rate=1e-3).count_params()
        9286407
    """
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Reshape((*input_shape, 1)),
            layers.Conv1D(64, 3, activation="relu"),
            layers.MaxPooling1D(2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(n_classes, activation="softmax", dtype="float32"),
        ],
        name="conv1d",
    )
    optimizer = keras.optimizers.Adam(learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7)
    model.compile(optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    return model
