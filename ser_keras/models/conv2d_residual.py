"""The two-dimensional residual CNN of Varshney et al. (2025), section III."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def build(
    input_shape: tuple[int, int, int],
    n_classes: int,
    *,
    learning_rate: float,
    clipnorm: float,
    label_smoothing: float,
    epsilon: float = 1e-8,
    l2: float = 1e-3,
) -> keras.Model:
    """Build and compile the network: seven convolutions, two poolings, one residual connection, three dense layers.

    Args:
        input_shape: (features, frames, 1).
        n_classes: Emotions.
        learning_rate: Of Adam; a cyclic rate may set it anew before each batch.
        clipnorm: Norm to which the gradient of each weight is clipped.
        label_smoothing: Share of the target that is spread over all classes.
        epsilon: Of Adam.
        l2: Of the dense layers' weights.

    Returns:
        A compiled model, (batch, features, frames, 1) -> (batch, n_classes) probabilities.

    Example:
        >>> build((83, 64, 1), 8, learning_rate=1e-3, clipnorm=1.0, label_smoothing=0.1).count_params()
        361128
    """
    import keras
    from keras import layers

    def convolution(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
        x = layers.Conv2D(filters, 3, padding="same")(x)
        return layers.Activation("relu")(layers.BatchNormalization()(x))

    def dense(x: keras.KerasTensor, units: int) -> keras.KerasTensor:
        x = layers.Dense(units, kernel_regularizer=keras.regularizers.L2(l2))(x)
        return layers.Dropout(0.4)(layers.Activation("relu")(layers.BatchNormalization()(x)))

    inputs = keras.Input(input_shape)
    x = convolution(convolution(inputs, 32), 32)
    x = layers.Dropout(0.2)(layers.MaxPooling2D(2)(x))
    x = convolution(x, 64)
    skip = layers.BatchNormalization()(layers.Conv2D(64, 1, padding="same")(x))
    x = convolution(x, 64)
    x = layers.Add()([layers.MaxPooling2D(2)(x), layers.MaxPooling2D(2)(skip)])
    x = layers.Dropout(0.3)(layers.Activation("relu")(x))
    x = convolution(convolution(x, 128), 128)
    x = dense(dense(layers.GlobalAveragePooling2D()(x), 256), 128)
    outputs = layers.Dense(n_classes, activation="softmax", kernel_initializer="he_normal", dtype="float32")(x)
    model = keras.Model(inputs, outputs, name="conv2d_residual")
    model.compile(
        keras.optimizers.Adam(learning_rate, beta_1=0.9, beta_2=0.999, epsilon=epsilon, clipnorm=clipnorm),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing),
        metrics=["accuracy"],
    )
    return model
