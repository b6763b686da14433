"""What a paper says without a number of its own, checked on ours."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ser_keras.papers import Claim
from ser_keras.support.metric import Metric


def is_log(claim: Claim) -> bool:
    """Whether a claim is one on the training log, which is no share.

    Args:
        claim: The claim.

    Returns:
        Whether its bounds are in the units of the log, not in per cent.
    """
    return Metric.parse(claim.metric).is_log


def holds(claim: Claim, values: Mapping[str, float]) -> bool:
    """Whether a claim is true of one seed.

    Args:
        claim: The claim.
        values: Metrics of the seed, as fractions; a confusion that never happened may be absent.

    Returns:
        Whether its rank, or its bounds, are kept.

    Example:
        >>> claim = Claim(section="4", text="Sad", corpus="c", variant="v", metric="recall/sad", rank=1)
        >>> holds(claim, {"recall/sad": 0.5, "recall/angry": 0.4}), holds(claim, {"recall/sad": 0.5, "recall/x": 0.6})
        (True, False)
    """
    value = values.get(claim.metric, 0.0)
    if claim.rank is None:
        above = -math.inf if claim.above is None else claim.above
        below = math.inf if claim.below is None else claim.below
        return above < value * (1 if is_log(claim) else 100) < below
    others = (values[name] for name in Metric.parse(claim.metric).rivals(values))
    return value > 0 and sum(v > value for v in others) < claim.rank
