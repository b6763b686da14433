"""The one-dimensional residual network of Jin, Sherstneva & Botygin (2022), Table 1 and Figure 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

KERNEL_SIZE = 8
POOL_SIZE = 8
DROPOUT = 0.2
BLOCKS = 10


def build(
    input_shape: tuple[int, int],
    n_classes: int,
    *,
    learning_rate: float = 1e-4,
    decay: float = 1e-6,
    blocks: int = BLOCKS,
    skips: bool = True,
    momentum: float = 0.99,
    dropout: float = DROPOUT,
    keras_2: bool = False,
) -> keras.Model:
    """Build and compile the network.

    Args:
        input_shape: (frames, coefficients); at least 64 frames, as two poolings by 8 leave one in 64.
        n_classes: Emotions.
        learning_rate: Of RMSprop (section 3.3).
        decay: "Attenuation rate" (section 3.3): after t batches the rate is learning_rate / (1 + decay * t).
        blocks: Residual blocks; the paper has ten.
        skips: Whether a block adds its input; False leaves plain convolutions.
        momentum: Of batch normalisation's running averages.
        dropout: Share that is dropped before each pooling.
        keras_2: Step as RMSprop did up to Keras 2.10; see `ser_keras.training.optimisers`.

    Returns:
        A compiled model, (batch, frames, coefficients) -> (batch, n_classes) probabilities.

    Raises:
        ValueError: Fewer than 64 frames.

    Example:
        >>> build((228, 12), 8).count_params()
        1963400
    """
    import keras
    from keras import layers

    frames = input_shape[0]
    if frames < POOL_SIZE**2:
        raise ValueError(f"{frames} frames vanish in two poolings by {POOL_SIZE}: at least {POOL_SIZE**2} are needed")
    inputs = x = keras.Input(input_shape)
    x = layers.Activation("relu")(_conv(256)(x))  # rows 1, 2
    x = _pooled(_conv(256)(x), momentum, dropout)  # rows 3-7
    for _ in range(3):  # row 8
        x = layers.Activation("relu")(_conv(128)(x))
    x = _pooled(_conv(128)(x), momentum, dropout)  # rows 9-13
    for _ in range(2):  # row 14
        x = layers.Activation("relu")(_conv(64)(x))
    for _ in range(blocks):  # row 15
        x = residual_block(x, 64, skip=skips)
    x = layers.Flatten()(x)
    # float32 whatever the policy: probabilities in half precision lose the loss's small values.
    outputs = layers.Dense(n_classes, activation="softmax", dtype="float32")(x)  # row 16
    model = keras.Model(inputs, outputs, name="conv1d_residual")
    rate = keras.optimizers.schedules.InverseTimeDecay(learning_rate, decay_steps=1, decay_rate=decay)
    if keras_2:
        from ser_keras.training.optimisers import RMSprop2 as RMSprop
    else:
        from keras.optimizers import RMSprop
    model.compile(optimizer=RMSprop(rate), loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def residual_block(x: keras.KerasTensor, channels: int, *, skip: bool = True) -> keras.KerasTensor:
    """Figure 1: convolution, ReLU, convolution, ReLU, then add the input.

    The input goes through a convolution of its own where its channels differ ("two or three convolutions").

    Args:
        x: Shape (batch, frames, channels of the input).
        channels: Filters of each convolution.
        skip: Whether the input is added.

    Returns:
        Shape (batch, frames, channels).

    Example:
        >>> import keras
        >>> residual_block(keras.Input((16, 3)), 4).shape
        (None, 16, 4)
    """
    from keras import layers

    if x.shape[-1] != channels:
        x = _conv(channels)(x)
    y = layers.Activation("relu")(_conv(channels)(x))
    y = layers.Activation("relu")(_conv(channels)(y))
    return layers.Add()([x, y]) if skip else y


def _conv(filters: int) -> keras.layers.Layer:
    from keras import layers

    return layers.Conv1D(filters, KERNEL_SIZE, padding="same")


def _pooled(x: keras.KerasTensor, momentum: float, dropout: float) -> keras.KerasTensor:
    from keras import layers

    x = layers.Activation("relu")(layers.BatchNormalization(momentum=momentum)(x))
    return layers.MaxPooling1D(POOL_SIZE)(layers.Dropout(dropout)(x))
