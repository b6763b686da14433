"""Whether training in another precision gives the same numbers: two one-sided tests on paired runs.

A pair is a float32 run and one of another precision with equal seed and fold, and so with equal splits. Faster
arithmetic is used without being asked for (`--precision auto`) only where such pairs exclude a difference of 2 points
under the paper's own protocol. How many pairs that takes follows from how much they scatter; where it would be more
than 30, or the pairs that other work left do not suffice, nothing is shown and float32 stays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ser_keras.evaluation.differences import Difference, difference
from ser_keras.evaluation.intervals import RUNS_NEEDED
from ser_keras.evaluation.numbers import Numbers
from ser_keras.evaluation.predictive import quantile
from ser_keras.support.variant import Variant

METRIC, PROTOCOL = "accuracy", "paper"
MARGIN = 2.0  # points; a reader compares models by less than this in no paper of the suite
MOST_PAIRS = 30
POWER = 0.8


@dataclass(frozen=True)
class Precision:
    """One recipe in another precision beside itself in float32.

    Attributes:
        corpus: Corpus of the pairs.
        variant: The other precision's variant, marks included.
        against: The float32 variant.
        difference: Its accuracy less that of float32, in points.
        needed: Pairs that would exclude a difference of `MARGIN` with a power of 80 %, were there none; None where
            more than `MOST_PAIRS` would be needed, or too few pairs tell how much they scatter.
    """

    corpus: str
    variant: str
    against: str
    difference: Difference
    needed: int | None

    @property
    def shown(self) -> bool:
        """Whether the pairs exclude a difference of `MARGIN`."""
        return self.difference.at_most < MARGIN

    @property
    def says(self) -> str:
        """What follows, in words."""
        if self.shown:
            return f"shown: no difference of {MARGIN:g} points"
        if math.isnan(self.difference.at_most):
            return f"not shown: {RUNS_NEEDED} pairs tell how much they scatter"
        if self.needed is None:
            return f"not shown: it would take more than {MOST_PAIRS} pairs"
        return f"not shown: it takes some {self.needed} pairs"


def precisions(numbers: Numbers) -> Iterator[Precision]:
    """Every recipe that has runs in two precisions under the paper's protocol.

    Args:
        numbers: What was run.
    """
    for corpus in numbers.results.corpora:
        for name in numbers.variants(corpus):
            variant = Variant.parse(name)
            against = str(replace(variant, precision=""))
            found = difference(numbers, corpus, PROTOCOL, name, against, METRIC) if variant.precision else None
            if found is not None:
                overlap = numbers.test_to_train(corpus, PROTOCOL, name)
                yield Precision(corpus, name, against, found, pairs_needed(found.deviation, overlap))


def pairs_needed(deviation: float, overlap: float = 0.0) -> int | None:
    """Pairs for which two one-sided tests at 5 % exclude `MARGIN` with a power of 80 %, were there no difference.

    Args:
        deviation: Standard deviation of the pairs' differences, in points; NaN for too few of them.
        overlap: As in `differences.half_width`.

    Returns:
        None for more than `MOST_PAIRS`, or a deviation that is not known.

    Example:
        >>> pairs_needed(1.0), pairs_needed(3.0), pairs_needed(12.0)
        (4, 21, None)
    """
    for pairs in range(RUNS_NEEDED, MOST_PAIRS + 1):
        error = deviation * math.sqrt(1 / pairs + overlap)
        # Both tests must succeed: half of what the power leaves lies on either side.
        if error * (quantile(pairs - 1, 0.95) + quantile(pairs - 1, (1 + POWER) / 2)) <= MARGIN:
            return pairs
    return None
