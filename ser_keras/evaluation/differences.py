"""What one recipe changes against another, run by run, and within which interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.evaluation.metrics import LEVEL, SEEDS_NEEDED
from ser_keras.support.metric import Metric

if TYPE_CHECKING:
    from ser_keras.reports.tables import Numbers


@dataclass(frozen=True)
class Difference:
    """A metric of one recipe less that of another, in percentage points.

    Attributes:
        points: The mean over seeds.
        low: Lower end of the 95 % interval of that mean; NaN for too few runs.
        high: Its upper end.
        seeds: Seeds that both recipes have.
        runs: Runs that both recipes have and in which the metric is defined: seeds times folds.
    """

    points: float
    low: float
    high: float
    seeds: int
    runs: int

    @property
    def interval(self) -> str:
        """+1.2 to +3.4; empty for too few runs."""
        return "" if math.isnan(self.low) else f"{self.low:+.1f} to {self.high:+.1f}"


def difference(
    numbers: Numbers, corpus: str, protocol: str, variant: str, against: str, metric: str
) -> Difference | None:
    """Compare two recipes on the runs that both have: equal seeds and folds have equal splits.

    Args:
        numbers: The results.
        corpus: Corpus that both are run on.
        protocol: Protocol that both are run under.
        variant: One recipe.
        against: The other, whose numbers are subtracted.
        metric: As in `papers.Reported`.

    Returns:
        The difference; None where no run of both is there.

    Raises:
        ValueError: The metric is none.
    """
    one, other = (numbers.seeds(corpus, protocol, name) for name in (variant, against))
    seeds = [seed for seed in one if seed in other]
    if not seeds:
        return None
    points = 100 * np.mean([one[seed].get(metric, 0.0) - other[seed].get(metric, 0.0) for seed in seeds])
    one, other = (numbers.runs(corpus, protocol, name) for name in (variant, against))
    runs = [run for run in one if run in other]
    absent = Metric.parse(metric).absent
    values = np.array([100 * (one[run].get(metric, absent) - other[run].get(metric, absent)) for run in runs])
    values = values[np.isfinite(values)]
    half = half_width(values, overlap=numbers.test_to_train(corpus, protocol, variant))
    return Difference(float(points), points - half, points + half, len(seeds), len(values))


def half_width(values: np.ndarray, *, overlap: float) -> float:
    """Half of the 95 % interval of a mean over runs whose training parts overlap.

    That of the corrected resampled t-test, t * sd * sqrt(1/n + test/train): runs that learn from nearly the same
    recordings are not independent, and Student's interval alone would be too narrow. Source: Nadeau & Bengio (2003),
    Inference for the generalization error, Machine Learning 52; for repeated folds Bouckaert & Frank (2004).

    Args:
        values: One value a run, shape (runs,).
        overlap: Test samples over training samples; 0 where all runs have the same split.

    Returns:
        Half the width, in the values' unit; NaN for fewer than three runs.

    Example:
        >>> values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
        >>> round(half_width(values, overlap=0.0), 2), round(half_width(values, overlap=0.25), 2)
        (1.96, 2.94)
    """
    from scipy import stats

    n = len(values)
    if n < SEEDS_NEEDED:
        return math.nan
    return float(stats.t.ppf((1 + LEVEL) / 2, n - 1) * values.std(ddof=1) * math.sqrt(1 / n + overlap))
