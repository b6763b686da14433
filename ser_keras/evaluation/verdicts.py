"""The verdict on a reported number: a rule that can fail.

The margins stand here alone, the same for every paper, and do not depend on what our runs gave.

- 5 points, of a number over all recordings. Papers on speech emotion call a gain of a few points an advance, so that
  within 5 points is the least precise statement that says something of a method; and five runs of a steady recipe (a
  standard deviation of 2 points) can just make it.
- 10 points, of a single emotion (recall, precision, F1): it rests on an eighth to a quarter of the recordings, so that
  its deviation is two to three times as large, and papers discuss differences of that size.
- 5 points, of a wrong prediction's share: all that is wrong of an emotion is shared out among the others, 5 to 10
  points each, and 10 points would agree with none as with twice as many.

An interval may be narrow and still hold most of what the paper reports: where a table's rows differ by less than our
runs do, "agrees" would tell nothing of the row. So a number agrees only if the interval holds at most three in ten of
the paper's other numbers of that kind (asked from five numbers on). Then reported numbers that are shuffled among the
rows hardly agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ser_keras.evaluation.intervals import RUNS_NEEDED
from ser_keras.evaluation.kinds import emotion_of, is_mistake
from ser_keras.evaluation.predictive import Best, Predictive

MARGIN = 5.0  # points
EMOTION_MARGIN = 10.0
TELLING = 0.3  # of the paper's other numbers of the kind, at most so many may lie in the interval
ROWS = 5  # from so many numbers on
TENFOLD = 10.0  # a reading explains a number only if it is so much likelier than every other

AGREES, INCONCLUSIVE, DIFFERS, NONE = "agrees", "inconclusive", "differs", "none"


@dataclass(frozen=True)
class Outcome:
    """What a reading's runs say of a reported number.

    Attributes:
        kind: AGREES, INCONCLUSIVE, DIFFERS, or NONE where there is no verdict.
        text: The verdict in words.
    """

    kind: str
    text: str


def margin_of(metric: str) -> float:
    """How near is near enough to agree, in points.

    Args:
        metric: Its name.

    Returns:
        10 for a single emotion's recall, precision or F1, else 5.

    Raises:
        ValueError: There is no such metric.

    Example:
        >>> margin_of("accuracy"), margin_of("recall/sad"), margin_of("confusion/sad/happy")
        (5.0, 10.0, 5.0)
    """
    return EMOTION_MARGIN if emotion_of(metric) and not is_mistake(metric) else MARGIN


def rounding_of(value: float) -> float:
    """Half a unit of a reported number's last digit: 74 stands for 73.5 to 74.5.

    Args:
        value: As the paper has it; a final 0 behind the point is not seen.

    Returns:
        In the units of `value`.

    Example:
        >>> rounding_of(74.0), rounding_of(97.3), rounding_of(98.26)
        (0.5, 0.05, 0.005)
    """
    return 0.5 * 10.0 ** -len(f"{value:g}".partition(".")[2])


def is_narrow(runs: Predictive | Best, margin: float, others: Sequence[float] = ()) -> bool:
    """Whether the interval is so narrow that to lie in it tells something.

    Args:
        runs: Where one further run would fall.
        margin: What `h` may be at most, in points.
        others: The paper's other numbers of the kind, in per cent.

    Returns:
        False where the spread is not known.
    """
    if not runs.h <= margin:
        return False
    if len(others) + 1 < ROWS:
        return True
    return sum(runs.holds(value) for value in others) <= TELLING * len(others)


def outcome(
    reported: float,
    runs: Predictive,
    margin: float,
    others: Sequence[float] = (),
    *,
    rounding: float | None = None,
) -> Outcome:
    """The verdict of one reading's runs on a reported number.

    Args:
        reported: The paper's number, in per cent (of a difference: in points).
        runs: Where one further run would fall.
        margin: What the half-width may be at most, for the number to agree; in points.
        others: The paper's other numbers of the kind.
        rounding: How far the number may lie from what it was rounded from; by default `rounding_of` it.

    Returns:
        "agrees within ±h" (inside, and narrow), "inconclusive: differences under G would not show" (inside, and so
        would too many numbers be), "inconclusive: no number of runs could tell" (the same, and so it would be after
        any number of runs, even if the deviation is as small as the runs leave room for), "differs by d (from to)"
        (outside), "one run" or "two runs"; or that the number is no share, or the deviation is not known.

    Example:
        >>> from dataclasses import replace
        >>> from ser_keras.evaluation.intervals import SHARES
        >>> five = Predictive(n=5, mean=70.0, centre=SHARES.to(70.0), s=0.0218, nu=30)
        >>> outcome(72.0, five, MARGIN).text, outcome(58.0, five, MARGIN).text
        ('agrees within ±4.6', 'differs by +12.0 (+7.4 to +16.4)')
        >>> outcome(72.0, replace(five, s=0.03), MARGIN).text
        'inconclusive: differences under 9.0 would not show'
        >>> outcome(72.0, replace(five, s=0.09), MARGIN).text
        'inconclusive: no number of runs could tell'
    """
    if not runs.scale.low <= reported <= runs.scale.high:
        return Outcome(NONE, f"none: {reported:g} % is no share")
    if runs.n < RUNS_NEEDED:
        return Outcome(NONE, {1: "one run", 2: "two runs"}[int(runs.n)])
    if math.isnan(runs.s):
        return Outcome(NONE, "none: the deviation is not known")
    rounding = rounding_of(reported) if rounding is None else rounding
    equal = f" (all {runs.n:.0f} runs equal)" if runs.equal else ""
    if not runs.holds(reported, rounding=rounding):
        low, high = runs.ends()
        between = f"{low - reported:+.1f} to {high - reported:+.1f}"
        return Outcome(DIFFERS, f"differs by {runs.mean - reported:+.1f} ({between}){equal}")
    if is_narrow(runs, margin, others):
        return Outcome(AGREES, f"agrees within ±{runs.h:.1f}{equal}")
    if not could_tell(reported, runs, margin, others):
        return Outcome(INCONCLUSIVE, f"inconclusive: no number of runs could tell{equal}")
    if math.isinf(runs.detectable):
        return Outcome(INCONCLUSIVE, f"inconclusive: no difference would show{equal}")
    return Outcome(INCONCLUSIVE, f"inconclusive: differences under {runs.detectable:.1f} would not show{equal}")


def could_tell(reported: float, runs: Predictive, margin: float, others: Sequence[float] = ()) -> bool:
    """Whether endlessly many runs could end in "agrees" or "differs", were their mean as it is now.

    Not where one run of the recipe spreads so far that the paper's one number lies within in any case. Asked with the
    least deviation that the runs leave room for, so that "never" is not said too early.

    Args:
        reported: In per cent.
        runs: Where one further run would fall.
        margin: What `h` may be at most, in points.
        others: The paper's other numbers of the kind, in per cent.

    Returns:
        False where no number of runs can.
    """
    return concludes(reported, runs.quietest().after(math.inf), margin, others)


def concludes(reported: float, runs: Predictive, margin: float, others: Sequence[float] = ()) -> bool:
    """Whether the outcome is "agrees" or "differs".

    Args:
        reported: In per cent.
        runs: Where one further run would fall.
        margin: What `h` may be at most, in points.
        others: The paper's other numbers of the kind, in per cent.

    Returns:
        False for "inconclusive".
    """
    return not runs.holds(reported, rounding=rounding_of(reported)) or is_narrow(runs, margin, others)
