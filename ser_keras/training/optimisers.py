"""Optimisers as they were when the papers were written."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("ser_keras")
class RMSprop2(keras.optimizers.RMSprop):
    """RMSprop as Keras had it up to 2.10: the step is g / (sqrt(v) + epsilon), not g / sqrt(v + epsilon).

    With v the running average of the squared gradient, v <- rho v + (1 - rho) g^2. Where gradients are small against
    sqrt(epsilon) the old step is many times as long: 3.3, 31 and 287 times for steady gradients of 1e-4, 1e-5 and 1e-6
    at epsilon = 1e-7. Source: tf-keras, `optimizers/legacy/rmsprop.py`.

    Momentum and centring, which no paper here uses, are as in Keras 3's class only while they are off.

    Raises:
        ValueError: Momentum or centring is asked for.

    Example:
        >>> RMSprop2(1e-4).rho
        0.9
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if self.momentum or self.centered:
            raise ValueError("RMSprop2 has neither momentum nor centring")

    def update_step(
        self, gradient: keras.KerasTensor, variable: keras.Variable, learning_rate: keras.KerasTensor
    ) -> None:
        """One step of one variable.

        Args:
            gradient: The shape of the variable.
            variable: What is changed.
            learning_rate: A scalar.
        """
        rate, gradient = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
        average = self._velocities[self._get_variable_index(variable)]
        self.assign(average, self.rho * average + (1 - self.rho) * ops.square(gradient))
        self.assign_sub(variable, rate * gradient / (ops.sqrt(average) + self.epsilon))
