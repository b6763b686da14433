"""Every reported number judged: by its own reading, and then beside every other reading that was tried."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ser_keras.corpora import named
from ser_keras.evaluation.intervals import RUNS_NEEDED
from ser_keras.evaluation.kinds import OVERALL, cell_of, emotion_of, is_share, kind_of
from ser_keras.evaluation.numbers import Numbers
from ser_keras.evaluation.predictive import Best, Predictive
from ser_keras.evaluation.readings import Reading, home, readings_of
from ser_keras.evaluation.verdicts import (
    DIFFERS,
    NONE,
    TENFOLD,
    Outcome,
    is_narrow,
    margin_of,
    outcome,
    rounding_of,
)
from ser_keras.papers import Paper, Reported
from ser_keras.support.metric import Metric

SYNTHETIC = "SYNTHETIC"
BEST_OF = 5  # runs: papers rarely say that they report a typical one
NAMED = 4  # readings that a verdict names at most


@dataclass(frozen=True)
class Weighed:
    """A reading beside a reported number.

    Attributes:
        words: What tables call it.
        reading: The protocol and variant whose runs it rests on.
        runs: Where one further run, or the best of several, would fall.
        density: The probability that it lies within half a point of the reported number.
    """

    words: str
    reading: Reading
    runs: Predictive | Best
    density: float


@dataclass(frozen=True)
class Judged:
    """A reported number and what was found of it with one variant as it was run.

    Attributes:
        number: The reported number.
        corpus: Corpus that was run: the paper's, or the synthetic one.
        variant: The variant as run, marks included; the paper's where nothing was run.
        reading: The number's own reading; None where nothing was run.
        runs: Where one further run of it would fall; None where nothing was run, and of shares of the recordings.
        others: The paper's other numbers of the kind.
        readings: All readings, the own one first; empty without a verdict.
        own: What the own reading's runs say.
    """

    number: Reported
    corpus: str
    variant: str
    reading: Reading | None
    runs: Predictive | None
    others: tuple[float, ...]
    readings: tuple[Weighed, ...]
    own: Outcome

    @cached_property
    def margin(self) -> float:
        """How near is near enough to agree, in points."""
        return margin_of(self.number.metric)

    @cached_property
    def verdict(self) -> str:
        """The whole verdict: what the own reading says, and where it differs what other readings do."""
        if self.own.kind != DIFFERS:
            return self.own.text
        if cause := self.explanation:
            return f"{self.own.text}; explained by {cause.words}"
        found = [_counted(w) for w in self.compatible]
        if not found:
            return self.own.text
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        return f"{self.own.text}; compatible with {', '.join(found[:NAMED])}{more}"

    @cached_property
    def compatible(self) -> tuple[Weighed, ...]:
        """The other readings whose interval holds the reported number, the likeliest first."""
        value = self.number.value
        found = [w for w in self.readings[1:] if w.runs.holds(value, rounding=rounding_of(value))]
        return tuple(sorted(found, key=lambda w: -w.density))

    @cached_property
    def explanation(self) -> Weighed | None:
        """The reading that explains a difference: it agrees, narrowly, and is ten times as likely as every other."""
        if self.own.kind != DIFFERS or not self.compatible:
            return None
        first = self.compatible[0]
        rest = [w.density for w in self.readings if w is not first]
        narrow = first.runs.n >= RUNS_NEEDED and is_narrow(first.runs, self.margin, self.others)
        return first if narrow and all(first.density >= TENFOLD * density for density in rest) else None


def _counted(w: Weighed) -> str:
    few = {1: " (one run)", 2: " (two runs)"}
    return w.words + few.get(w.runs.n, "")


@lru_cache(maxsize=2)
def judged(paper: Paper, numbers: Numbers) -> tuple[Judged, ...]:
    """Every reported number, once for each variant that was run of its recipe, in the paper's order.

    Numbers of a run on the synthetic corpus stand beside the reported ones only where there is no real one, and
    bear no verdict.

    Args:
        paper: What the paper reports.
        numbers: What was run.

    Returns:
        One or more for each number; of one that was not run the reason.
    """
    found = []
    for number in paper.reported:
        corpora = [number.corpus] if number.corpus in numbers.results.corpora else []
        if not corpora and numbers.synthetic:
            corpora = numbers.results.corpora
        runs = [(corpus, variant) for corpus in corpora for variant in numbers.variants(corpus, number.variant)]
        found += [_judged(number, corpus, variant, paper, numbers) for corpus, variant in runs]
        if not runs:
            reason = numbers.results.not_run.get(number.corpus, "not part of this run")
            found.append(_without(number, number.corpus, number.variant, f"not run: {reason}"))
    return tuple(found)


def _without(number: Reported, corpus: str, variant: str, text: str) -> Judged:
    return Judged(number, corpus, variant, None, None, (), (), Outcome(NONE, text))


def _judged(number: Reported, corpus: str, variant: str, paper: Paper, numbers: Numbers) -> Judged:
    protocol = home(number, numbers)
    if protocol is None:
        return _without(number, corpus, variant, f"not run: no protocol scores the {number.part} part")
    reading = Reading(corpus, protocol, variant)
    runs = numbers.predictive(corpus, protocol, variant, number.metric) if protocol in numbers.protocols else None
    if is_share(number.metric):
        return _share(number, reading, numbers)
    if runs is None:
        return _without(number, corpus, variant, _why_none(number, reading, numbers))
    if named(corpus).synthetic:
        return Judged(number, corpus, variant, reading, runs, (), (), Outcome(NONE, f"none: {SYNTHETIC}"))
    others = others_of(number, paper, numbers)
    own = outcome(number.value, runs, margin_of(number.metric), others)
    weighed = () if own.kind == NONE else tuple(weigh(number, variant, paper, numbers))
    return Judged(number, corpus, variant, reading, runs, others, weighed, own)


def _share(number: Reported, reading: Reading, numbers: Numbers) -> Judged:
    """A share of the recordings is no outcome of a run: it is as reported or not, and counts in no tally."""
    found = numbers.values(reading.corpus, reading.protocol, reading.variant, number.metric)
    if found.empty:
        return _without(number, reading.corpus, reading.variant, _why_none(number, reading, numbers))
    mean = float(found.mean())
    same = abs(mean - number.value) <= 2 * rounding_of(number.value)
    text = f"as reported: the division gives {mean:.1f} %" if same else f"the division gives {mean:.1f} %"
    return Judged(number, reading.corpus, reading.variant, reading, None, (), (), Outcome(NONE, text))


def _why_none(number: Reported, reading: Reading, numbers: Numbers) -> str:
    """Why a number has nothing to stand beside it though its variant was run."""
    emotion = emotion_of(number.metric)
    ran = numbers.predictive(reading.corpus, reading.protocol, reading.variant, "accuracy")
    if ran is None:
        return f"not run: no run under {reading.protocol}"
    if emotion and emotion not in numbers.results.classes[reading.corpus]:
        return f"none: {emotion} is no class of the runs"
    if emotion and Metric.parse(number.metric).kind == "precision":
        return f"none: {emotion} was never predicted"
    return f"none: no recording of {emotion} was tested" if emotion else "not run: the runs do not give it"


def others_of(number: Reported, paper: Paper, numbers: Numbers) -> tuple[float, ...]:
    """The paper's other numbers of a number's kind on its corpus; a cell that is reported twice counts once.

    Args:
        number: The reported number.
        paper: What the paper reports.
        numbers: What was run.

    Returns:
        In per cent.
    """

    def place(n: Reported) -> tuple[str, ...]:
        return (n.corpus, n.variant, cell_of(n.metric), getattr(n, "protocol", ""), getattr(n, "part", ""))

    def kind(n: Reported) -> tuple[str, str]:
        known = numbers.protocols.get(home(n, numbers) or "")
        return n.corpus, kind_of(n.metric, known.scored if known else "test")

    alike = {place(n): n.value for n in paper.reported if kind(n) == kind(number) and place(n) != place(number)}
    return tuple(alike.values())


def weigh(number: Reported, variant: str, paper: Paper, numbers: Numbers) -> Sequence[Weighed]:
    """All readings of a number with the probability that each gives it, its own first.

    One of them is the best of five runs of the own reading, for numbers over all recordings, which are what a best run
    is chosen by.

    Args:
        number: The reported number.
        variant: As it was run, marks included.
        paper: What the paper reports.
        numbers: What was run.

    Returns:
        Readings whose spread is known, each with its density by the point.
    """
    found = []
    for reading in readings_of(number, variant, paper, numbers):
        runs = numbers.predictive(reading.corpus, reading.protocol, reading.variant, number.metric)
        if not math.isnan(runs.s):
            found.append(Weighed(reading.words(variant), reading, runs, runs.density(number.value)))
    if found and number.metric in OVERALL:
        best = found[0].runs.best_of(BEST_OF)
        words = f"best of {BEST_OF} runs of {found[0].words}"
        found.append(Weighed(words, found[0].reading, best, best.density(number.value)))
    return found
