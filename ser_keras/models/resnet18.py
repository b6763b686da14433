"""The 18-layer residual network of Tripathi et al. (2019), section 3.1, for two-dimensional speech features."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

STAGES = (1, 2, 4, 8)  # width of each stage, in units of the first one's
BLOCKS = 2  # in a stage
SMALLEST = 32  # the network halves its input five times


def build(
    input_shape: tuple[int, int, int],
    n_classes: int,
    *,
    loss: str | keras.losses.Loss,
    learning_rate: float,
    width: int = 64,
    pre_activation: bool = True,
) -> keras.Model:
    """Build and compile the network: a stem, eight residual blocks of two convolutions, one dense layer: 18 in all.

    Batch normalisation and ReLU stand before each convolution of a block ("pre-activation", He et al. 2016, Identity
    mappings in deep residual networks) or behind it, the last ReLU behind the addition (He et al. 2016, Deep residual
    learning for image recognition, which the paper cites). In both, normalisation precedes ReLU. A 1x1 convolution
    stands on the shortcut where the shape changes; behind convolutions it has a normalisation of its own.

    Args:
        input_shape: (coefficients, frames, 1), both at least 32.
        n_classes: Emotions.
        loss: "categorical_crossentropy", or a loss that takes one-hot targets and probabilities.
        learning_rate: Of Adam.
        width: Filters of the first stage.
        pre_activation: Where batch normalisation and ReLU stand.

    Returns:
        A compiled model, (batch, coefficients, frames, 1) -> (batch, n_classes) probabilities.

    Raises:
        ValueError: The input is smaller than 32 in one direction.

    Example:
        >>> build((40, 259, 1), 4, loss="categorical_crossentropy", learning_rate=1e-3).count_params()
        11178564
    """
    import keras
    from keras import layers

    if min(input_shape[:2]) < SMALLEST:
        raise ValueError(f"an input of {input_shape[0]} x {input_shape[1]} is too small: {SMALLEST} x {SMALLEST}")

    def convolution(x: keras.KerasTensor, filters: int, size: int, strides: int = 1) -> keras.KerasTensor:
        make = layers.Conv2D(
            filters, size, strides=strides, padding="same", use_bias=False, kernel_initializer="he_normal"
        )
        return make(x)

    def activated(x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.Activation("relu")(layers.BatchNormalization()(x))

    def block(x: keras.KerasTensor, filters: int, strides: int) -> keras.KerasTensor:
        if not pre_activation:
            y = layers.BatchNormalization()(convolution(activated(convolution(x, filters, 3, strides)), filters, 3))
            if strides > 1 or x.shape[-1] != filters:
                x = layers.BatchNormalization()(convolution(x, filters, 1, strides))
            return layers.Activation("relu")(layers.Add()([y, x]))
        y = activated(x)
        shortcut = x
        if strides > 1 or x.shape[-1] != filters:
            shortcut = convolution(y, filters, 1, strides)
        y = convolution(y, filters, 3, strides)
        y = convolution(activated(y), filters, 3)
        return layers.Add()([y, shortcut])

    inputs = keras.Input(input_shape)
    x = convolution(inputs, width, 7, strides=2)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(activated(x))
    for stage, factor in enumerate(STAGES):
        for number in range(BLOCKS):
            x = block(x, width * factor, strides=2 if stage and not number else 1)
    x = layers.GlobalAveragePooling2D()(activated(x) if pre_activation else x)
    outputs = layers.Dense(n_classes, activation="softmax", dtype="float32")(x)
    model = keras.Model(inputs, outputs, name="resnet18")
    assert layer_count(model) == 18
    model.compile(keras.optimizers.Adam(learning_rate), loss=loss, metrics=["accuracy"])
    return model


def layer_count(model: keras.Model) -> int:
    """Layers as they are counted in "ResNet-18": convolutions and dense layers, without those on shortcuts.

    Args:
        model: A network as `build` makes it.

    Returns:
        18 for this one, whatever its width.

    Example:
        >>> import keras
        >>> layer_count(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.ReLU()]))
        1
    """
    from keras import layers

    on_path = [x for x in model.layers if isinstance(x, layers.Conv2D) and x.kernel_size != (1, 1)]
    return len(on_path) + sum(isinstance(x, layers.Dense) for x in model.layers)
