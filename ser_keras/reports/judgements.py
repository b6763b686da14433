"""The tables of verdicts: reported beside reproduced, readings side by side, and what would settle what is open."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from ser_keras.evaluation.claims import holds, is_log
from ser_keras.evaluation.clusters import of_recipe
from ser_keras.evaluation.differences import between, difference, reported_difference
from ser_keras.evaluation.intervals import RUNS_NEEDED
from ser_keras.evaluation.judging import Judged, judged
from ser_keras.evaluation.metrics import BY_UTTERANCE
from ser_keras.evaluation.numbers import RECIPE, Numbers
from ser_keras.evaluation.precisions import precisions
from ser_keras.evaluation.readings import MAIN, belongs_to
from ser_keras.evaluation.settling import plans as best_plans
from ser_keras.evaluation.settling import settling as what_settles
from ser_keras.evaluation.together import joint as judged_together
from ser_keras.evaluation.together import tables_as_wholes
from ser_keras.evaluation.verdicts import margin_of
from ser_keras.papers import Paper
from ser_keras.reports.wording import interval, mean_sd, one_digit, shown
from ser_keras.support.variant import Variant


def comparison(paper: Paper, numbers: Numbers) -> pd.DataFrame:
    """Reported beside reproduced, with the verdict; a row a reported number and variant as it was run.

    `mean` is over runs, `h` how far from it the 95 % interval for one further run reaches, and `detectable` the
    smallest difference that would show in four of five cases; all in points.

    Args:
        paper: What the paper reports.
        numbers: What was run.

    Returns:
        Empty where the paper reports nothing.
    """
    rows = []
    for j in judged(paper, numbers):
        row = {
            "Where": j.number.where,
            "Corpus": shown(j.corpus),
            "Metric": j.number.metric,
            "Belongs to": belongs_to(j.number, numbers),
            "Reported": f"{j.number.value:g} %",
            "runs": 0,
            "verdict": j.verdict,
            "Variant": j.variant,
        }
        rows.append(row | _reproduced(j, numbers))
    columns = ["Where", "Corpus", "Metric", "Belongs to", "Reported", "Reproduced"]
    columns += ["By utterance"] if numbers.windows else []
    columns += ["verdict", "detectable", "h", "95 % interval", "mean", "runs", "Variant"]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna("")


def _reproduced(j: Judged, numbers: Numbers) -> dict[str, object]:
    if j.reading is None:
        return {}
    place = (j.corpus, j.reading.protocol, j.variant)
    spread = numbers.spread(*place, j.number.metric)
    row = {
        "Reproduced": mean_sd(spread),
        "By utterance": mean_sd(numbers.spread(*place, BY_UTTERANCE + j.number.metric)),
        "mean": one_digit(spread.mean),
        "runs": spread.n,
    }
    if j.runs and j.runs.n >= RUNS_NEEDED:
        row |= {"95 % interval": interval(j.runs), "h": one_digit(j.runs.h)}
        row |= {"detectable": one_digit(j.runs.detectable, "none")}
    return row


def readings(paper: Paper, numbers: Numbers) -> pd.DataFrame:
    """How likely each headline number is under each reading that was tried.

    Args:
        paper: What the paper reports.
        numbers: What was run.

    Returns:
        One row a headline number and reading.
    """
    rows = []
    for j in judged(paper, numbers):
        if not j.number.headline:
            continue
        best = max((w.density for w in j.readings), default=0.0)
        rows += [
            {
                "Where": j.number.where,
                "Corpus": shown(j.corpus),
                "Reported": f"{j.number.value:g} %",
                "Reading": w.words,
                "runs": w.runs.n,
                "mean": one_digit(w.runs.mean),
                "h": one_digit(w.runs.h),
                "Chance of ±0.5": chance(w.density),
                "Relative to the likeliest": relative(w.density, best),
                "Readings tried": len(j.readings),
                "Variant": w.reading.variant,
            }
            for w in j.readings
        ]
    return pd.DataFrame(rows)


def chance(probability: float) -> str:
    """A probability in per cent, with more digits the smaller it is.

    Args:
        probability: From 0 to 1.

    Example:
        >>> chance(0.2154), chance(0.0042), chance(0.0)
        ('22 %', '0.4 %', 'under 0.1 %')
    """
    percent = 100 * probability
    if percent < 0.1:
        return "under 0.1 %"
    return f"{percent:.0f} %" if percent >= 9.5 else f"{percent:.1f} %"


def relative(density: float, best: float) -> str:
    """A density beside the greatest.

    Args:
        density: Of a reading.
        best: Of the likeliest one.

    Returns:
        Their ratio in words; "" where the greatest is 0.

    Example:
        >>> relative(0.2, 0.2), relative(0.02, 0.25), relative(0.0, 0.25), relative(0.0, 0.0)
        ('1', '0.08', 'under 0.001', '')
    """
    if not best:
        return ""
    return f"{density / best:.2g}" if density > best / 1000 else "under 0.001"


def joint(paper: Paper, numbers: Numbers) -> pd.DataFrame:
    """Numbers of one run judged together: train and test accuracy, cells of one row of a confusion matrix.

    Args:
        paper: What the paper reports.
        numbers: What was run.

    Returns:
        One row a pair, or a row of a confusion matrix.
    """
    return pd.DataFrame(
        [
            {
                "Together": one.what,
                "Corpus": shown(one.judged[0].corpus),
                "Reported": one.reported,
                "Reproduced": one.reproduced,
                "runs": one.judged[0].runs.n,
                "verdict": one.verdict,
                "Variant": one.judged[0].variant,
            }
            for one in judged_together(judged(paper, numbers), numbers)
        ]
    )


def tables(paper: Paper, numbers: Numbers) -> pd.DataFrame:
    """Each table of the paper as a whole.

    Args:
        paper: What the paper reports.
        numbers: What was run.

    Returns:
        One row a table.
    """
    return pd.DataFrame(
        [
            {
                "Table": line.table,
                "Corpus": shown(line.corpus),
                "Rows": line.rows,
                "Different cells": line.distinct,
                "Mean difference": f"{line.difference:+.1f}",
                "95 % interval of it": between(line.low, line.high),
                "Cells outside": line.outside,
                "Expected by chance": f"{line.expected:.1f}",
                "runs": line.seeds,
                "verdict": line.verdict,
            }
            for line in tables_as_wholes(judged(paper, numbers), numbers)
        ]
    )


def settling(paper: Paper, numbers: Numbers) -> pd.DataFrame:
    """What would settle each open verdict, the most certainty an hour first.

    Args:
        paper: What the paper reports.
        numbers: What was run.

    Returns:
        One row an open verdict.
    """
    return pd.DataFrame(
        [
            {
                "Where": s.judged.number.where,
                "Corpus": shown(s.judged.corpus),
                "Metric": s.judged.number.metric,
                "verdict": s.judged.own.text,
                "Reading": s.judged.reading.words(),
                "runs": s.judged.runs.n,
                "More runs": s.more or "no number of runs",
                "Hours": one_digit(s.hours),
                "Chance to settle it": f"{100 * s.chance:.0f} %" if s.more else "",
                "Settled an hour": f"{s.per_hour:.2f}" if s.more else "",
            }
            for s in what_settles(judged(paper, numbers), numbers)
        ]
    )


def plan(paper: Paper, numbers: Numbers) -> pd.DataFrame:
    """Which reading to run next: runs of one serve all of its numbers.

    Args:
        paper: What the paper reports.
        numbers: What was run.

    Returns:
        One row a reading.
    """
    found = best_plans(what_settles(judged(paper, numbers), numbers), numbers)
    return pd.DataFrame(
        [
            {
                "Corpus": shown(p.reading.corpus),
                "Reading": p.reading.words(),
                "More runs": p.more,
                "Hours": one_digit(p.hours),
                "Verdicts settled": one_digit(p.settled),
                "Of open ones": p.open,
            }
            for p in found
        ]
    )


def claims(paper: Paper, numbers: Numbers) -> pd.DataFrame:
    """What the text says without a number: in how many seeds it holds, under each protocol.

    Args:
        paper: What the paper reports.
        numbers: What was run.

    Returns:
        One row a claim and variant, one column a protocol.
    """
    rows = []
    for claim in paper.claims:
        for variant in numbers.variants(claim.corpus, claim.variant):
            row = {"Section": claim.section, "It says": claim.text, "Variant": variant, "Metric": claim.metric}
            for protocol in numbers.protocols:
                seeds = list(numbers.seeds(claim.corpus, protocol, variant).values())
                if not seeds or (is_log(claim) and claim.metric not in seeds[0]):
                    continue
                mean = np.mean([values.get(claim.metric, 0.0) for values in seeds])
                shown_mean = f"{mean:.2f}" if is_log(claim) else f"{100 * mean:.1f} %"
                row[protocol] = f"{sum(holds(claim, values) for values in seeds)} of {len(seeds)} ({shown_mean})"
            rows.append(row)
    return pd.DataFrame(rows).fillna("")


def contrasts(paper: Paper, numbers: Numbers) -> pd.DataFrame:
    """What one recipe changes against another, the paper's own difference beside it; see `differences`.

    Args:
        paper: What the paper reports.
        numbers: What was run.

    Returns:
        One row a contrast, protocol and metric.
    """
    rows = []
    for contrast in paper.contrasts:
        for variant in numbers.variants(contrast.corpus, contrast.variant):
            against = str(replace(Variant.parse(variant), recipe=contrast.against))
            for protocol in numbers.protocols:
                for metric in contrast.metrics:
                    found = difference(
                        numbers, contrast.corpus, protocol, variant, against, metric, resample=protocol == MAIN
                    )
                    if found is None:
                        continue
                    own = reported_difference(paper, contrast, metric) if protocol == MAIN else None
                    low, high = found.pair
                    other = found.resampled
                    rows.append(
                        {
                            "Corpus": shown(contrast.corpus),
                            "Difference": f"{variant} - {against}",
                            "Protocol": protocol,
                            "Metric": metric,
                            "Points": f"{found.points:+.1f}",
                            "95 % interval of the mean": found.interval,
                            "With other speakers or recordings": (
                                f"{between(other.low, other.high)} ({other.units} {other.unit})" if other else ""
                            ),
                            "says": found.says(margin_of(metric)),
                            "One further pair": between(low, high),
                            "Reported": _own(own, contrast.corpus),
                            "Reported lies": _where(own, low, high),
                            "Seeds": found.seeds,
                            "Runs": found.runs,
                        }
                    )
    return pd.DataFrame(rows)


def precision(numbers: Numbers) -> pd.DataFrame:
    """Whether training in another precision gives the same accuracy; see `precisions`.

    Args:
        numbers: What was run.

    Returns:
        One row a recipe that was run in two precisions.
    """
    return pd.DataFrame(
        {
            "Corpus": shown(one.corpus),
            "Variant": one.variant,
            "Beside": one.against,
            "Pairs": one.difference.runs,
            "Points": f"{one.difference.points:+.1f}",
            "95 % interval of the mean": one.difference.interval,
            "Deviation of a pair": _points(one.difference.deviation),
            "Excluded above": _points(one.difference.at_most),
            "says": one.says,
        }
        for one in precisions(numbers)
    )


def _points(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.1f}"


def _where(own: tuple[float, str] | None, low: float, high: float) -> str:
    if own is None or math.isnan(low):
        return ""
    return "inside" if low <= own[0] <= high else "outside"


def _own(own: tuple[float, str] | None, corpus: str) -> str:
    if own is None:
        return ""
    return f"{own[0]:+.1f}" + (f" ({own[1]})" if own[1] != corpus else "")


def sampling(numbers: Numbers) -> pd.DataFrame:
    """How far numbers would move with other test speakers or recordings, where seeds do not draw them anew.

    Args:
        numbers: What was run.

    Returns:
        One row a recipe and metric.
    """
    rows = []
    metrics = ["accuracy", "uar"] + [BY_UTTERANCE + "accuracy", BY_UTTERANCE + "uar"] * numbers.windows
    for recipe in numbers.table[RECIPE].drop_duplicates().itertuples(index=False, name=None):
        if not (numbers.windows or numbers.tests_new_speakers(*recipe) or numbers.same_test(*recipe)):
            continue
        for metric in metrics:
            found = of_recipe(numbers, *recipe, metric)
            if found is None:
                continue
            rows.append(
                {
                    "Corpus": shown(recipe[0]),
                    "Variant": recipe[2],
                    "Protocol": recipe[1],
                    "Metric": metric,
                    "Value": f"{found.value:.1f} %",
                    "Drawn again": f"{found.units} {found.unit}",
                    "Standard error": one_digit(found.error),
                    "95 % interval": f"{found.low:.1f} to {found.high:.1f} %",
                }
            )
    return pd.DataFrame(rows)
