"""The categorical focal loss, as Tripathi et al. (2019), equation (2), take it from Lin et al. (2017).

Samples that the network already gets right hardly count: FL(p) = -(1 - p)^gamma log(p), with p the probability of the
true class. Importing this module registers the loss, so that saved models load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

EPSILON = 1e-7  # probabilities nearer to 0 count as this


@keras.saving.register_keras_serializable("ser_keras")
class FocalLoss(keras.losses.Loss):
    """Focal loss for one-hot (or soft) targets.

    The sum over classes of -alpha (1 - p)^gamma y log(p), in float32 at least, whatever the network's precision.

    Args:
        gamma: How strongly easy samples are played down; 0 is cross-entropy.
        alpha: Weight of each class, or None for no weights.
        from_logits: Predictions are logits, not probabilities.
        label_smoothing: Share of the target that is spread over all classes.
        reduction: As in `keras.losses.Loss`.
        name: Of the loss.
        dtype: Of the result.

    Raises:
        ValueError: gamma is negative, or label_smoothing is not in [0, 1).

    Example:
        >>> target, probabilities = [[1.0, 0.0]], [[0.8, 0.2]]
        >>> cross_entropy = float(FocalLoss(gamma=0.0)(target, probabilities))
        >>> focal = float(FocalLoss(gamma=2.0)(target, probabilities))
        >>> round(cross_entropy, 3), round(focal / cross_entropy, 3)
        (0.223, 0.04)
    """

    def __init__(
        self,
        *,
        gamma: float = 2.0,
        alpha: Sequence[float] | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str = "sum_over_batch_size",
        name: str = "focal_loss",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if gamma < 0:
            raise ValueError(f"gamma is {gamma}; it must not be negative")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing is {label_smoothing}; it must be at least 0 and below 1")
        self.gamma, self.from_logits, self.label_smoothing = gamma, from_logits, label_smoothing
        self.alpha = None if alpha is None else [float(a) for a in alpha]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss of each sample, shape (batch,).

        Args:
            y_true: Targets, shape (batch, classes).
            y_pred: Probabilities or logits, shape (batch, classes).

        Returns:
            Losses, shape (batch,), in float32 at least.
        """
        y_pred = ops.convert_to_tensor(y_pred)
        dtype = keras.backend.result_type(y_pred.dtype, "float32")
        y_pred, y_true = ops.cast(y_pred, dtype), ops.cast(ops.convert_to_tensor(y_true), dtype)
        if self.label_smoothing:
            y_true = y_true * (1 - self.label_smoothing) + self.label_smoothing / ops.shape(y_true)[-1]
        if self.from_logits:
            log_p = ops.log_softmax(y_pred, axis=-1)
            wrong = -ops.expm1(log_p)  # 1 - p, exact where p is near 1
        else:
            p = y_pred / ops.maximum(ops.sum(y_pred, axis=-1, keepdims=True), EPSILON)
            log_p = ops.log(ops.maximum(p, EPSILON))
            wrong = 1 - p
        losses = -y_true * log_p
        if self.gamma:
            # A power below 1 has no finite slope at 0.
            losses = losses * ops.power(ops.maximum(wrong, EPSILON), self.gamma)
        if self.alpha is not None:
            losses = losses * ops.convert_to_tensor(self.alpha, dtype=dtype)
        return ops.sum(losses, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """What makes an equal loss."""
        own = {name: getattr(self, name) for name in ("gamma", "alpha", "from_logits", "label_smoothing")}
        return {**super().get_config(), **own}
