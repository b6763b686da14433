"""The two-dimensional residual CNN of Varshney et al. (2025), section III."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

DROPOUT = (0.2, 0.3, 0.4, 0.4)


def build(
    input_shape: tuple[int, int, int],
    n_classes: int,
    *,
    learning_rate: float,
    clipnorm: float,
    label_smoothing: float,
    epsilon: float = 1e-8,
    l2: float = 1e-3,
    dropout: tuple[float, float, float, float] = DROPOUT,
    momentum: float = 0.99,
    skip: bool = True,
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
        dropout: Shares that are dropped behind the first pooling, behind the second, and behind each dense layer but
            the last. A batch normalisation follows on all but the last of them.
        momentum: Of batch normalisation's running averages.
        skip: Whether the residual connection is there.

    Returns:
        A compiled model, (batch, features, frames, 1) -> (batch, n_classes) probabilities.

    Example:
        >>> build((83, 64, 1), 8, learning_rate=1e-3, clipnorm=1.0, label_smoothing=0.1).count_params()
        361128
    """
    import keras
    from keras import layers

    def normalised(x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.BatchNormalization(momentum=momentum)(x)

    def convolution(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
        return layers.Activation("relu")(normalised(layers.Conv2D(filters, 3, padding="same")(x)))

    def dense(x: keras.KerasTensor, units: int, dropped: float) -> keras.KerasTensor:
        x = layers.Dense(units, kernel_regularizer=keras.regularizers.L2(l2))(x)
        return layers.Dropout(dropped)(layers.Activation("relu")(normalised(x)))

    inputs = keras.Input(input_shape)
    x = convolution(convolution(inputs, 32), 32)
    x = layers.Dropout(dropout[0])(layers.MaxPooling2D(2)(x))
    x = convolution(x, 64)
    shortcut = normalised(layers.Conv2D(64, 1, padding="same")(x)) if skip else None
    x = layers.MaxPooling2D(2)(convolution(x, 64))
    if skip:
        x = layers.Add()([x, layers.MaxPooling2D(2)(shortcut)])
    x = layers.Dropout(dropout[1])(layers.Activation("relu")(x))
    x = convolution(convolution(x, 128), 128)
    x = dense(dense(layers.GlobalAveragePooling2D()(x), 256, dropout[2]), 128, dropout[3])
    outputs = layers.Dense(n_classes, activation="softmax", kernel_initializer="he_normal", dtype="float32")(x)
    model = keras.Model(inputs, outputs, name="conv2d_residual")
    model.compile(
        keras.optimizers.Adam(learning_rate, beta_1=0.9, beta_2=0.999, epsilon=epsilon, clipnorm=clipnorm),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing),
        metrics=["accuracy"],
    )
    return model
