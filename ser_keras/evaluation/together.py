"""Numbers that belong together, judged together: train and test accuracy, rows of a confusion matrix, whole tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ser_keras.evaluation import moderation
from ser_keras.evaluation.intervals import LEVEL, POINTS, RUNS_NEEDED
from ser_keras.evaluation.judging import Judged
from ser_keras.evaluation.kinds import cell_of, emotion_of, is_mistake
from ser_keras.evaluation.numbers import RECIPE, Numbers
from ser_keras.evaluation.predictive import Predictive, quantile
from ser_keras.evaluation.verdicts import AGREES, DIFFERS, MARGIN, outcome, rounding_of
from ser_keras.support.metric import Metric
from ser_keras.support.variant import Variant

RESAMPLES = 2000
ALL_TABLES = "all tables"


@dataclass(frozen=True)
class Joint:
    """Numbers of one run, judged as such: each may lie in its own interval, and no run have both.

    Attributes:
        what: Which numbers.
        judged: Them.
        reported: What the paper has, in words.
        reproduced: What came out, in words.
        verdict: Both together.
    """

    what: str
    judged: tuple[Judged, ...]
    reported: str
    reproduced: str
    verdict: str


def joint(found: Iterable[Judged], numbers: Numbers) -> list[Joint]:
    """All pairs of train and test accuracy, and all rows of confusion matrices with two cells or more.

    Args:
        found: Judged numbers.
        numbers: What was run.

    Returns:
        One for each pair and row.
    """
    found = [j for j in found if j.runs and j.readings]
    return [*_gaps(found, numbers), *_rows(found)]


def _gaps(found: Sequence[Judged], numbers: Numbers) -> Iterator[Joint]:
    """Train and test accuracy of one row of a table: their difference is a number of its own.

    Over runs both rise and fall together, so that their difference is steadier than either.
    """
    trains = {_row(j): j for j in found if j.number.metric == "train/accuracy"}
    gaps = None
    for test in found:
        if test.number.metric != "accuracy" or _row(test) not in trains:
            continue
        train = trains[_row(test)]
        gaps = _gap_predictives(numbers) if gaps is None else gaps
        reported = train.number.value - test.number.value
        runs = gaps[test.corpus, test.reading.protocol, test.variant]
        rounding = rounding_of(train.number.value) + rounding_of(test.number.value)
        of = f"train {train.number.value:g} %, test {test.number.value:g} %: {reported:.1f} apart"
        came = f"train {train.runs.mean:.1f} %, test {test.runs.mean:.1f} %: {runs.mean:.1f} apart (h {runs.h:.1f})"
        verdict = outcome(reported, runs, MARGIN, rounding=rounding).text
        if runs.holds(reported, rounding=rounding) and (wrong := [j for j in (train, test) if j.own.kind == DIFFERS]):
            verdict = f"the distance is within reach; {_names(wrong)} {'differ' if len(wrong) > 1 else 'differs'}"
        yield Joint(f"{test.number.table}: {test.number.row}, train and test", (train, test), of, came, verdict)


def _row(j: Judged) -> tuple[str, ...]:
    return j.number.table, j.number.row, j.corpus, j.variant, j.reading.protocol


def _gap_predictives(numbers: Numbers) -> dict[tuple[str, ...], Predictive]:
    """Where the difference of train and test accuracy of one further run would fall, in points, for each recipe."""
    groups = {}
    for recipe in numbers.table[RECIPE].drop_duplicates().itertuples(index=False, name=None):
        gaps = (numbers.values(*recipe, "train/accuracy") - numbers.values(*recipe, "accuracy")).dropna()
        if len(gaps):
            groups[recipe] = gaps.to_numpy()
    deviations = moderation.moderate(groups, lambda recipe: numbers.runs_behind(*recipe))
    return {
        recipe: Predictive(len(gaps), float(gaps.mean()), float(gaps.mean()), *deviations[recipe], scale=POINTS)
        for recipe, gaps in groups.items()
    }


def _rows(found: Sequence[Judged]) -> Iterator[Joint]:
    """What one emotion was taken for: each cell at the level that leaves a chance of 5 % to the whole row."""
    rows: dict[tuple[str, ...], dict[str, Judged]] = {}
    for j in found:
        cell = cell_of(j.number.metric)
        if cell.startswith("recall/") or is_mistake(cell):
            key = (j.corpus, j.variant, j.reading.protocol, emotion_of(cell))
            rows.setdefault(key, {}).setdefault(cell, j)
    for (*_, label), cells in rows.items():
        members = tuple(cells.values())
        if len(members) < 2 or any(math.isnan(j.runs.s) or j.runs.n < RUNS_NEEDED for j in members):
            continue
        level = 1 - (1 - LEVEL) / len(members)
        wrong = [
            j for j in members if not j.runs.holds(j.number.value, level=level, rounding=rounding_of(j.number.value))
        ]
        if wrong:
            verdict = f"differs: {_names(wrong)} outside at the level of {len(members)} cells"
        elif all(j.own.kind == AGREES for j in members):
            verdict = f"agrees: all {len(members)} cells"
        else:
            verdict = f"inconclusive: no cell outside at the level of {len(members)} cells"
        names = [_cell_name(j) for j in members]
        yield Joint(
            f"{label}, {len(members)} cells of its row",
            members,
            ", ".join(f"{name} {j.number.value:g} %" for name, j in zip(names, members, strict=True)),
            ", ".join(f"{name} {j.runs.mean:.1f} %" for name, j in zip(names, members, strict=True)),
            verdict,
        )


def _cell_name(j: Judged) -> str:
    return "right" if not is_mistake(j.number.metric) else f"as {Metric.parse(j.number.metric).short}"


def _names(members: Sequence[Judged]) -> str:
    short = {"train/accuracy": "train", "accuracy": "test"}
    return " and ".join(short.get(j.number.metric) or _cell_name(j) for j in members)


@dataclass(frozen=True)
class TableLine:
    """A table of the paper as a whole.

    Attributes:
        table: Its name.
        corpus: Corpus.
        rows: Rows with a verdict.
        distinct: Different cells among them: what a paper reports twice counts once.
        outside: Cells whose reported number lies outside our interval.
        expected: As many would by chance, were the paper's recipe ours.
        difference: Mean of ours less reported over the cells, in points; wrong predictions are left out, as in a row
            they make up for what is right.
        low: Lower end of its 95 % interval, by seed.
        high: Its upper end.
        seeds: Seeds that it rests on.
        verdict: Whether one further table of ours could lie so far off on the whole.
    """

    table: str
    corpus: str
    rows: int
    distinct: int
    outside: int
    expected: float
    difference: float
    low: float
    high: float
    seeds: int
    verdict: str


def tables_as_wholes(found: Iterable[Judged], numbers: Numbers) -> list[TableLine]:
    """One line a table with two cells or more, and one for all tables where there are several.

    Args:
        found: Judged numbers.
        numbers: What was run.

    Returns:
        Lines of tables, then those of all tables together.
    """
    found = [j for j in found if j.runs and j.readings]
    groups: dict[tuple[str, ...], list[Judged]] = {}
    for j in found:
        marks = Variant.parse(j.variant).marks
        groups.setdefault((j.number.table, j.corpus, *marks), []).append(j)
        groups.setdefault((ALL_TABLES, j.corpus, *marks), []).append(j)
    alone = [(corpus, *marks) for table, corpus, *marks in groups if table != ALL_TABLES]
    lines = []
    for (table, corpus, *marks), members in sorted(groups.items(), key=lambda group: group[0][0] == ALL_TABLES):
        cells = {(j.variant, j.reading.protocol, cell_of(j.number.metric)): j for j in reversed(members)}
        if len(cells) > 1 and (table != ALL_TABLES or alone.count((corpus, *marks)) > 1):
            lines.append(_line(table, corpus, len(members), list(cells.values())[::-1], numbers))
    return lines


def _line(table: str, corpus: str, rows: int, cells: Sequence[Judged], numbers: Numbers) -> TableLine:
    over = [j for j in cells if not is_mistake(j.number.metric)] or cells
    by_seed = [numbers.values(j.corpus, j.reading.protocol, j.variant, j.number.metric) - j.number.value for j in over]
    seeds = sorted(set().union(*(values.index for values in by_seed)))
    matrix = np.array([values.reindex(seeds).to_numpy() for values in by_seed])  # cells x seeds
    mean, low, high = mean_by_seed(matrix)
    outside = sum(j.own.kind == DIFFERS for j in cells)
    expected = len(cells) * (1 - LEVEL)
    # Roundings of several numbers make up for each other.
    rounding = float(np.mean([rounding_of(j.number.value) for j in over])) / math.sqrt(len(over))
    verdict = outcome(0.0, further_table(matrix), MARGIN, rounding=rounding).text
    return TableLine(table, corpus, rows, len(cells), outside, expected, mean, low, high, len(seeds), verdict)


def mean_by_seed(matrix: np.ndarray) -> tuple[float, float, float]:
    """The mean over cells, and its 95 % interval from a bootstrap that draws seeds.

    Runs of equal seeds share their split, so that a seed is drawn for all cells at once. Of the bootstrap the standard
    error is taken, with sqrt(n / (n - 1)) and Student's t: the percentiles of three or five seeds would be too narrow.

    Args:
        matrix: Values in points, shape (cells, seeds); NaN where a cell lacks a seed.

    Returns:
        The mean and both ends, in points; ends are NaN for fewer seeds than give a verdict.

    Example:
        >>> mean, low, high = mean_by_seed(np.array([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]]))
        >>> mean, round((high - low) / 2, 1)
        (3.0, 2.5)
    """
    n = matrix.shape[1]

    def mean(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        chosen = matrix[:, drawn.astype(int)]  # cells x ... x seeds
        there = np.isfinite(chosen)
        counts = there.sum(axis=-1)
        sums = np.where(there, chosen, 0.0).sum(axis=-1)
        cells = np.where(counts > 0, sums / np.maximum(counts, 1), 0.0)
        return cells.sum(axis=0) / np.maximum((counts > 0).sum(axis=0), 1)

    point = float(mean(np.arange(n)))
    if n < RUNS_NEEDED:
        return point, math.nan, math.nan
    drawn = stats.bootstrap((np.arange(n),), mean, n_resamples=RESAMPLES, vectorized=True, method="basic", rng=0)
    half = quantile(n - 1, (1 + LEVEL) / 2) * float(drawn.standard_error) * math.sqrt(n / (n - 1))
    return point, point - half, point + half


def further_table(matrix: np.ndarray) -> Predictive:
    """Where the mean over cells of one further seed would fall, in points.

    Args:
        matrix: As for `mean_by_seed`.

    Returns:
        The prediction; its spread is NaN for one seed.

    Example:
        >>> further_table(np.array([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]])).mean
        3.0
    """
    level = np.nanmean(matrix, axis=1, keepdims=True)
    by_seed = np.nanmean(matrix - level, axis=0) + level.mean()
    n, mean = len(by_seed), float(by_seed.mean())
    s = float(by_seed.std(ddof=1)) if n > 1 else math.nan
    return Predictive(n, mean, mean, s, n - 1, scale=POINTS, equal=n > 1 and s == 0)
