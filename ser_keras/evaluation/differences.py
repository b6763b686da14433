"""What one recipe changes against another, run by run, and how sure that is in three ways.

- The interval of the mean tells of other training parts and seeds.
- The interval for one further pair of runs is where the paper's own difference, which is one pair, should lie.
- The interval under other speakers or recordings tells of the test part, where all runs share one.

"No effect" is never the absence of a proof: an effect is bounded by two one-sided tests (Schuirmann 1987, A comparison
of the two one-sided tests procedure and the power approach, Journal of Pharmacokinetics and Biopharmaceutics 15).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ser_keras.evaluation.clusters import Resampled, clusters_of, resampled
from ser_keras.evaluation.intervals import LEVEL, RUNS_NEEDED
from ser_keras.evaluation.kinds import cell_of
from ser_keras.evaluation.metrics import BY_UTTERANCE
from ser_keras.evaluation.numbers import Numbers
from ser_keras.evaluation.predictive import quantile
from ser_keras.papers import Contrast, Paper
from ser_keras.support.metric import Metric


@dataclass(frozen=True)
class Difference:
    """A metric of one recipe less that of another, in percentage points.

    Attributes:
        points: The mean over seeds.
        low: Lower end of the 95 % interval of that mean; NaN for too few runs.
        high: Its upper end.
        seeds: Seeds that both recipes have.
        runs: Runs that both recipes have and in which the metric is defined: seeds times folds.
        deviation: Standard deviation over the runs; NaN for too few runs.
        pair: Ends of the 95 % interval for one further pair of runs (of all folds); NaN for too few runs.
        at_most: The effect, up or down, that two one-sided tests at 5 % exclude everything above; NaN likewise.
        resampled: The difference under other speakers or recordings; None where seeds draw the test part.
    """

    points: float
    low: float
    high: float
    seeds: int
    runs: int
    deviation: float
    pair: tuple[float, float]
    at_most: float
    resampled: Resampled | None = None

    @property
    def interval(self) -> str:
        """+1.2 to +3.4; empty for too few runs."""
        return between(self.low, self.high)

    def says(self, margin: float) -> str:
        """What follows, in words.

        Args:
            margin: The largest effect that may be called none, in points.

        Returns:
            "an effect", "no effect above ...", "open: ..." or "too few runs".
        """
        if math.isnan(self.low):
            return "too few runs"
        if self.low > 0 or self.high < 0:
            return "an effect"
        if self.at_most <= margin:
            return f"no effect above {self.at_most:.1f}"
        return f"open: up to {self.at_most:.1f} either way"


def between(low: float, high: float) -> str:
    """An interval of differences.

    Args:
        low: In points.
        high: In points.

    Returns:
        Words with signs and one digit; "" for NaN.

    Example:
        >>> between(-1.24, 3.4), between(math.nan, math.nan)
        ('-1.2 to +3.4', '')
    """
    return "" if math.isnan(low) else f"{low:+.1f} to {high:+.1f}"


def difference(
    numbers: Numbers, corpus: str, protocol: str, variant: str, against: str, metric: str, *, resample: bool = False
) -> Difference | None:
    """Compare two recipes on the runs that both have: equal seeds and folds have equal splits.

    Args:
        numbers: The results.
        corpus: Corpus that both are run on.
        protocol: Protocol that both are run under.
        variant: One recipe.
        against: The other, whose numbers are subtracted.
        metric: As in `papers.Reported`.
        resample: Where all runs share a test part, draw its speakers or recordings again.

    Returns:
        The difference; None where no run of both is there.

    Raises:
        ValueError: The metric is none.
    """
    one, other = (numbers.seeds(corpus, protocol, name) for name in (variant, against))
    seeds = [seed for seed in one if seed in other]
    if not seeds:
        return None
    points = 100 * float(np.mean([one[seed].get(metric, 0.0) - other[seed].get(metric, 0.0) for seed in seeds]))
    one, other = (numbers.runs(corpus, protocol, name) for name in (variant, against))
    runs = [run for run in one if run in other]
    absent = Metric.parse(metric).absent
    values = np.array([100 * (one[run].get(metric, absent) - other[run].get(metric, absent)) for run in runs])
    values = values[np.isfinite(values)]
    overlap = numbers.test_to_train(corpus, protocol, variant)
    half = half_width(values, overlap=overlap)
    further = half_width_of_a_pair(values, folds=len(runs) / len(seeds))
    return Difference(
        points=points,
        low=points - half,
        high=points + half,
        seeds=len(seeds),
        runs=len(values),
        deviation=float(values.std(ddof=1)) if len(values) >= RUNS_NEEDED else math.nan,
        pair=(points - further, points + further),
        at_most=abs(points) + half_width(values, overlap=overlap, level=2 * LEVEL - 1),
        resampled=_under_others(numbers, corpus, protocol, variant, against, metric) if resample else None,
    )


def reported_difference(paper: Paper, contrast: Contrast, metric: str) -> tuple[float, str] | None:
    """The paper's own difference in points, and the corpus that it is of: the contrast's, or else another one.

    Args:
        paper: What the paper reports.
        contrast: The two recipes.
        metric: Its name.

    Returns:
        None where the paper does not report the metric of both recipes.
    """
    for corpus in dict.fromkeys([contrast.corpus, *paper.corpora]):
        values: dict[str, float] = {}
        for n in paper.reported:
            if n.corpus == corpus and cell_of(n.metric) == cell_of(metric):
                values.setdefault(n.variant, n.value)
        if contrast.variant in values and contrast.against in values:
            return values[contrast.variant] - values[contrast.against], corpus
    return None


def half_width(values: np.ndarray, *, overlap: float, level: float = LEVEL) -> float:
    """Half of the interval of a mean over runs whose training parts overlap.

    That of the corrected resampled t-test, t * sd * sqrt(1/n + test/train): runs that learn from nearly the same
    recordings are not independent, and Student's interval alone would be too narrow. Source: Nadeau & Bengio (2003),
    Inference for the generalization error, Machine Learning 52; for repeated folds Bouckaert & Frank (2004).

    Args:
        values: One value a run, shape (runs,).
        overlap: Test samples over training samples; 0 where all runs have the same split.
        level: Of the interval; 0.9 is that of two one-sided tests at 5 %.

    Returns:
        Half the width, in the values' unit; NaN for fewer than three runs.

    Example:
        >>> values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
        >>> round(half_width(values, overlap=0.0), 2), round(half_width(values, overlap=0.25), 2)
        (1.96, 2.94)
    """
    n = len(values)
    if n < RUNS_NEEDED:
        return math.nan
    return float(quantile(n - 1, (1 + level) / 2) * values.std(ddof=1) * math.sqrt(1 / n + overlap))


def half_width_of_a_pair(values: np.ndarray, *, folds: float = 1.0) -> float:
    """Half of the 95 % interval for one further pair on the same corpus: t * sd * sqrt(1/folds + 1/n).

    What all runs have in common, their corpus, the paper's pair has, too; so that nothing is added for overlap.

    Args:
        values: One difference a run, shape (runs,).
        folds: Runs that a pair is the mean of.

    Returns:
        Half the width, in the values' unit; NaN for fewer than three runs.

    Example:
        >>> round(half_width_of_a_pair(np.array([1.0, 2.0, 3.0, 4.0, 5.0])), 2)
        4.81
    """
    n = len(values)
    if n < RUNS_NEEDED:
        return math.nan
    return float(quantile(n - 1, (1 + LEVEL) / 2) * values.std(ddof=1) * math.sqrt(1 / folds + 1 / n))


def _under_others(
    numbers: Numbers, corpus: str, protocol: str, variant: str, against: str, metric: str
) -> Resampled | None:
    """The difference under other speakers or recordings, sample by sample; None where seeds draw the test part."""
    recipes = [(corpus, protocol, name) for name in (variant, against)]
    if not all(numbers.same_test(*recipe) for recipe in recipes):
        return None
    unit = BY_UTTERANCE if Metric.parse(metric).unit else ""
    keys = ["utterance", "label", *(["window"] if numbers.windows else [])]
    shares = []
    for recipe in recipes:
        rows = numbers.scored(*recipe, unit)
        shares.append((rows.label == rows.prediction).groupby([rows[key] for key in keys]).mean())
    rows = (shares[0] - shares[1]).rename("right").dropna().reset_index()
    cluster, named = clusters_of(corpus, rows)
    return resampled(rows, cluster, metric, unit=named)
