"""What would settle a verdict: how many more runs of which reading, at what cost, and how surely."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import special

from ser_keras.evaluation.intervals import RUNS_NEEDED
from ser_keras.evaluation.judging import Judged
from ser_keras.evaluation.numbers import Numbers
from ser_keras.evaluation.predictive import Predictive
from ser_keras.evaluation.readings import Reading
from ser_keras.evaluation.verdicts import (
    INCONCLUSIVE,
    NONE,
    ROWS,
    TELLING,
    concludes,
    rounding_of,
)
from ser_keras.support.variant import Variant

MOST = 500  # runs that anyone might make
DRAWS = 500


@dataclass(frozen=True)
class Settling:
    """What would settle one verdict.

    Attributes:
        judged: The reported number and its verdict.
        more: Further runs of its own reading that would make the verdict "agrees" or "differs", were mean and deviation
            as they are now; None where no number of runs would.
        hours: What they take, on the machines that made the present ones.
        chance: How likely they settle it, given what is not known of mean and deviation; 0 without `more`.
    """

    judged: Judged
    more: int | None
    hours: float
    chance: float

    @property
    def per_hour(self) -> float:
        """Certainty bought an hour."""
        return self.chance / max(self.hours, 1e-6) if self.more else 0.0


@dataclass(frozen=True)
class Plan:
    """The best use of runs of one reading, which serve all of its numbers at once.

    Attributes:
        reading: Of which.
        more: How many.
        hours: What they take.
        settled: Verdicts that they settle, in expectation.
        open: Verdicts of the reading that are open.
    """

    reading: Reading
    more: int
    hours: float
    settled: float
    open: int


def settling(found: Iterable[Judged], numbers: Numbers) -> list[Settling]:
    """What would settle each verdict that is inconclusive or lacks runs; what buys most certainty an hour first.

    Args:
        found: Judged numbers.
        numbers: What was run.

    Returns:
        One for each open verdict.
    """
    made = [_settling(j, numbers) for j in found if is_open(j)]
    return sorted(made, key=lambda s: -s.per_hour)


def is_open(j: Judged) -> bool:
    """Whether further runs could give a verdict that there is not: it is inconclusive, or rests on one or two runs.

    Args:
        j: A judged number.

    Returns:
        False for a number that was not run.
    """
    few = j.own.kind == NONE and j.runs is not None and j.own.text in ("one run", "two runs")
    return few or j.own.kind == INCONCLUSIVE


def _settling(j: Judged, numbers: Numbers) -> Settling:
    more = None if math.isnan(j.runs.s) else needed(j.number.value, j.runs, j.margin, j.others)
    if more is None:
        return Settling(j, None, math.nan, 0.0)
    hours = more * numbers.hours(j.reading.corpus, j.reading.protocol, j.reading.variant)
    return Settling(j, more, hours, chance(j.number.value, j.runs, j.margin, j.others, more=more))


def needed(reported: float, runs: Predictive, margin: float, others: tuple[float, ...] = ()) -> int | None:
    """The least number of further runs that settles a verdict, were mean and deviation as they are now.

    Args:
        reported: In per cent.
        runs: Where one further run would fall.
        margin: What `h` may be at most, in points.
        others: The paper's other numbers of the kind, in per cent.

    Returns:
        The number; None where none does, or more than `MOST`.

    Example:
        >>> from ser_keras.evaluation.intervals import SHARES
        >>> runs = Predictive(n=3, mean=70.0, centre=SHARES.to(70.0), s=0.025, nu=8)
        >>> needed(70.0, runs, 5.0)
        14
    """
    least = max(RUNS_NEEDED - int(runs.n), 1)

    def settled(more: float) -> bool:
        return concludes(reported, runs.after(more), margin, others)

    if not settled(MOST):
        return None
    low, high = least - 1, MOST  # of intervals that only get narrower: not settled at low, settled at high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return high


def chance(
    reported: float, runs: Predictive, margin: float, others: tuple[float, ...] = (), *, more: int, seed: int = 0
) -> float:
    """How likely further runs settle a verdict, given what the present ones leave open.

    A mean and a deviation are drawn from those that the runs leave room for, then the further runs, and the verdict is
    taken on all of them.

    Args:
        reported: In per cent.
        runs: Where one further run would fall.
        margin: What `h` may be at most, in points.
        others: The paper's other numbers of the kind, in per cent.
        more: How many further runs, from 1.
        seed: Of the draws.

    Returns:
        A probability.

    Example:
        >>> from ser_keras.evaluation.intervals import SHARES
        >>> runs = Predictive(n=3, mean=70.0, centre=SHARES.to(70.0), s=0.025, nu=8)
        >>> [round(chance(70.0, runs, 5.0, more=more), 1) for more in (1, 14, 50)]
        [0.0, 0.4, 0.5]
    """
    rng = np.random.default_rng(seed)
    known = runs.nu if math.isfinite(runs.nu) else 1e6
    s = runs.s * np.sqrt(known / rng.chisquare(known, DRAWS))
    mean = runs.centre + rng.normal(size=DRAWS) * s / math.sqrt(runs.n)
    new = mean + rng.normal(size=DRAWS) * s / math.sqrt(more)
    n, nu = runs.n + more, known + more
    centre = (runs.n * runs.centre + more * new) / n
    within = s**2 * rng.chisquare(more - 1, DRAWS) if more > 1 else np.zeros(DRAWS)
    apart = (new - runs.centre) ** 2 * runs.n * more / n
    estimated = np.sqrt((known * runs.s**2 + within + apart) / nu)
    half = special.stdtrit(nu, 0.975) * np.maximum(estimated, runs.floor) * math.sqrt(1 + 1 / n)
    low, middle, high = (runs.scale.back(at) for at in (centre - half, centre, centre + half))
    rounding = rounding_of(reported)
    outside = (reported < low - rounding) | (reported > high + rounding)
    narrow = np.maximum(middle - low, high - middle) <= margin
    if len(others) + 1 >= ROWS:
        numbers = np.array(others)[:, None]
        narrow &= ((low <= numbers) & (numbers <= high)).sum(axis=0) <= TELLING * len(others)
    return float((outside | narrow).mean())


def plans(found: Iterable[Settling], numbers: Numbers) -> list[Plan]:
    """For each reading with open verdicts the number of runs that settles most of them an hour, the best first.

    More runs of a shortened training settle nothing about a paper: those readings are left out.

    Args:
        found: What would settle each open verdict.
        numbers: What was run.

    Returns:
        At most one a reading.
    """
    groups: dict[Reading, list[Settling]] = {}
    for s in found:
        reading = s.judged.reading
        runs = numbers.runs_behind(reading.corpus, reading.protocol, reading.variant)
        if not Variant.parse(reading.variant).epochs:
            groups.setdefault(Reading(*runs), []).append(s)
    made = [plan for reading, of in groups.items() if (plan := _plan(reading, of, numbers))]
    return sorted(made, key=lambda plan: -plan.settled / max(plan.hours, 1e-6))


def _plan(reading: Reading, of: list[Settling], numbers: Numbers) -> Plan | None:
    hours = numbers.hours(reading.corpus, reading.protocol, reading.variant)
    options = []
    for more in sorted({s.more for s in of if s.more}):
        settled = sum(
            chance(j.number.value, j.runs, j.margin, j.others, more=more)
            for j in (s.judged for s in of if s.more is not None)
        )
        options.append(Plan(reading, more, more * hours, settled, len(of)))
    return max(options, key=lambda plan: plan.settled / max(plan.hours, 1e-6), default=None)
