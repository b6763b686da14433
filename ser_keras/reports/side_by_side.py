"""Readings side by side: for a headline number every run of every reading, and where one further run would fall."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from ser_keras.evaluation.intervals import RUNS_NEEDED
from ser_keras.evaluation.judging import Judged, Weighed
from ser_keras.evaluation.numbers import Numbers
from ser_keras.evaluation.predictive import Best
from ser_keras.reports.wording import shown

OWN_COLOUR, OTHER_COLOUR, REPORTED_COLOUR = "#0072B2", "#6e7781", "#D55E00"


def readings(j: Judged, numbers: Numbers) -> tuple[Figure, pd.DataFrame]:
    """A row a reading: a dot each run, a band where one further run falls (95 %), a line at the reported number.

    Args:
        j: A number with a verdict.
        numbers: The runs.

    Returns:
        The figure and its numbers (`reading`, `runs`, `seed`, `value`, `low`, `high`, `reported`).
    """
    # The best of several runs beside what it is the best of.
    order = sorted(j.readings, key=lambda w: w.reading != j.reading)
    figure = Figure(figsize=(9, 0.46 * len(order) + 1.7), layout="constrained")
    axis = figure.subplots()
    rows = []
    for place, w in enumerate(order):
        low, high = w.runs.ends()
        own = w.reading == j.reading
        colour = OWN_COLOUR if own else OTHER_COLOUR
        faint = 0.28 if w.runs.n >= RUNS_NEEDED else 0.12
        axis.barh(place, high - low, left=low, height=0.7, color=colour, alpha=faint, linewidth=0)
        values = _values(w, j, numbers)
        if isinstance(w.runs, Best):
            axis.plot([w.runs.mean] * 2, [place - 0.35, place + 0.35], color=colour, linewidth=2)
        axis.plot(values, [place] * len(values), "o", color=colour, markersize=6, alpha=0.85, markeredgecolor="white")
        entry = {"reading": w.words, "runs": int(w.runs.n), "low": low, "high": high, "reported": j.number.value}
        rows += [entry | {"seed": seed, "value": value} for seed, value in values.items()] or [entry]
    axis.axvline(j.number.value, color=REPORTED_COLOUR, linewidth=2, zorder=1, label=f"reported: {j.number.value:g} %")
    axis.set_yticks(range(len(order)), [label(w) for w in order], fontsize=9)
    axis.set(ylim=(len(order) - 0.4, -0.6), xlabel=f"{j.number.metric} in %", xlim=_limits(pd.DataFrame(rows)))
    axis.grid(axis="x", alpha=0.3)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=9)
    figure.suptitle(f"{j.number.where} ({shown(j.corpus)}), {j.variant}\n{first_words(j.verdict)}", fontsize=10)
    columns = ["reading", "runs", "seed", "value", "low", "high", "reported"]
    table = pd.DataFrame(rows, columns=columns).round(2)
    return figure, table.assign(seed=table.seed.astype("Int64"))


def _values(w: Weighed, j: Judged, numbers: Numbers) -> pd.Series:
    """The runs of a reading by seed; none of the best of several, which was not run."""
    if isinstance(w.runs, Best):
        return pd.Series(dtype=float)
    return numbers.values(w.reading.corpus, w.reading.protocol, w.reading.variant, j.number.metric)


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    ends = rows[["low", "high", "value", "reported"]].to_numpy(dtype=float)
    ends = ends[ends == ends]
    return max(ends.min() - 3, -1), min(ends.max() + 3, 101)


def label(w: Weighed) -> str:
    """A reading and its number of runs in words.

    Args:
        w: The reading as it was weighed.
    """
    if isinstance(w.runs, Best):
        return w.words
    runs = {1: "one run", 2: "two runs"}.get(w.runs.n, f"{w.runs.n} runs")
    return f"{w.words}: {runs}"


def first_words(verdict: str, width: int = 110) -> str:
    """A verdict on one line: what does not fit is left to the table.

    Args:
        verdict: Words.
        width: Characters kept at most.

    Returns:
        The verdict, or its first whole words and an ellipsis.

    Example:
        >>> first_words("compatible with paper, split_first", 24)
        'compatible with paper …'
    """
    return verdict if len(verdict) <= width else verdict[: verdict.rindex(" ", 0, width)].rstrip(" ,;") + " …"
