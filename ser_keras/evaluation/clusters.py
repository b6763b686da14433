"""How far a number would move with other test speakers or recordings: samples of one speaker are not independent.

Seeds do not tell: where they score the same recordings, or all speakers in turn, they draw training anew and nothing
else. Windows of a recording and recordings of a speaker are alike, so that speakers, or recordings, are what is
drawn again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from ser_keras.corpora import named
from ser_keras.evaluation.intervals import LEVEL
from ser_keras.evaluation.kinds import cell_of, emotion_of, kind_of
from ser_keras.evaluation.metrics import BY_UTTERANCE
from ser_keras.evaluation.numbers import Numbers
from ser_keras.evaluation.predictive import quantile
from ser_keras.support.metric import Metric

RESAMPLES = 2000
SPEAKERS, RECORDINGS = "speakers", "recordings"
KINDS = ("accuracy", "uar", "recall")


@dataclass(frozen=True)
class Resampled:
    """A number and its interval under other speakers or recordings.

    Attributes:
        unit: What is drawn again: "speakers" or "recordings".
        units: How many there are.
        value: The number, in per cent (of a difference: in points).
        error: Its standard error.
        low: Lower end of the 95 % interval.
        high: Its upper end.
    """

    unit: str
    units: int
    value: float
    error: float
    low: float
    high: float


def resampled(rows: pd.DataFrame, cluster: pd.Series, metric: str, *, unit: str) -> Resampled | None:
    """Draw clusters with replacement.

    Of scipy's bootstrap the standard error is taken, with sqrt(k / (k - 1)) and Student's t for k - 1 degrees of
    freedom: the percentiles for ten speakers would be too narrow.

    Args:
        rows: One row a sample: `label`, and `right`, whether (or how often, or how much oftener) it was right.
        cluster: The speaker or recording of each row.
        metric: accuracy, uar or recall/CLASS, of windows or whole utterances.
        unit: What the clusters are.

    Returns:
        The interval; None for fewer than two clusters, and for metrics that are no means over samples.

    Example:
        >>> rows = pd.DataFrame({"label": "sad", "right": [1.0] * 6 + [0.0] * 6})
        >>> speakers = pd.Series(["08"] * 4 + ["09"] * 4 + ["10"] * 4)
        >>> found = resampled(rows, speakers, "accuracy", unit=SPEAKERS)
        >>> found.units, found.value, round(found.error)
        (3, 50.0, 29)
    """
    kind = kind_of(metric).removeprefix(BY_UTTERANCE)
    if kind not in KINDS:
        return None
    if kind == "recall":
        rows = rows[rows.label == emotion_of(cell_of(metric))]
    label = rows.label if kind == "uar" else pd.Series("all", index=rows.index)
    table = (
        rows.right.astype(float).groupby([cluster.loc[rows.index], label]).agg(["sum", "size"]).unstack(fill_value=0)
    )
    right, count = table["sum"].to_numpy(float), table["size"].to_numpy(float)
    k = len(table)
    if k < 2:
        return None

    def value(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        drawn = drawn.astype(int)
        sums, counts = right[drawn].sum(axis=-2), count[drawn].sum(axis=-2)
        there = counts > 0
        return np.where(there, sums / np.maximum(counts, 1), 0.0).sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)

    found = 100 * float(value(np.arange(k)))
    made = stats.bootstrap(
        (np.arange(k),), value, n_resamples=RESAMPLES, batch=250, vectorized=True, method="basic", rng=0
    )
    error = 100 * float(made.standard_error) * math.sqrt(k / (k - 1))
    half = quantile(k - 1, (1 + LEVEL) / 2) * error
    return Resampled(unit, k, found, error, found - half, found + half)


def of_recipe(numbers: Numbers, corpus: str, protocol: str, variant: str, metric: str) -> Resampled | None:
    """A recipe's number under other speakers, where several are tested, else under other recordings.

    A recording that several seeds score counts by the mean over them.

    Args:
        numbers: What was run.
        corpus: Its name.
        protocol: Its name.
        variant: As it was run, marks included.
        metric: Its name.

    Returns:
        In per cent, its ends within 0 to 100; None where that cannot be told.
    """
    rows = numbers.scored(corpus, protocol, variant, BY_UTTERANCE if Metric.parse(metric).unit else "")
    if rows.empty or rows.utterance.isna().any():
        return None
    rows = rows.assign(right=rows.label == rows.prediction)
    cluster, unit = clusters_of(corpus, rows)
    found = resampled(rows, cluster, metric, unit=unit)
    if found is None:
        return None
    return replace(found, low=max(found.low, 0.0), high=min(found.high, 100.0))


def clusters_of(corpus: str, rows: pd.DataFrame) -> tuple[pd.Series, str]:
    """What is drawn again of these rows, and its name: speakers where there are several, else recordings.

    Args:
        corpus: Its name.
        rows: Predictions, with the column `utterance`.

    Returns:
        The cluster of each row, and `SPEAKERS` or `RECORDINGS`.
    """
    speakers = {u: named(corpus).speaker_of(u) for u in rows.utterance.unique()}
    if all(speakers.values()) and len(set(speakers.values())) > 1:
        return rows.utterance.map(speakers), SPEAKERS
    return rows.utterance, RECORDINGS
