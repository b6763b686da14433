"""Batch normalisation with the statistics of the training data in the place of running averages.

The averages that inference goes by lag behind the weights, and where dropout stands before a normalisation they
average another variance than inference meets (Li et al. 2018, Understanding the disharmony between dropout and batch
normalization by variance shift, arXiv:1801.05134). Computing them anew tells what of a network's failure is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import keras
import numpy as np


def recalibrate(model: keras.Model, training: Callable[[], Iterator[np.ndarray]]) -> bool:
    """Set moving mean and variance of every batch normalisation to those of its input over the training part.

    Layers are treated in order, in inference mode, each on the outputs of those before it that are recalibrated
    already; statistics are summed in double precision.

    Args:
        model: A fitted functional or sequential model; changed in place.
        training: Gives the training part, batch by batch, anew at each call.

    Returns:
        Whether there was anything to recalibrate.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
        >>> recalibrate(model, lambda: iter([np.array([[1.0], [3.0]])]))
        True
        >>> [w.ravel().tolist() for w in model.get_weights()[2:]]
        [[2.0], [1.0]]
    """
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in layers:
        before = keras.Model(model.inputs[0], layer.input)
        total, squares, count = 0.0, 0.0, 0
        for batch in training():
            # `predict_on_batch` would compile a graph for every layer; one eager pass a batch is as quick.
            values = keras.ops.convert_to_numpy(before(batch, training=False)).astype(np.float64)
            values = values.reshape(-1, values.shape[-1])
            total, squares, count = (
                total + values.sum(axis=0),
                squares + np.square(values).sum(axis=0),
                count + len(values),
            )
        mean = total / count
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(np.maximum(squares / count - np.square(mean), 0.0))
    return bool(layers)
