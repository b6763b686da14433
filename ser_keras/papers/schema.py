"""What a `paper.toml` holds: each entry's keys, their types and the rules that join them.

An object of these classes is valid: whoever makes one, a reader of a file or a test, gets pydantic's ValidationError
otherwise. `reading.read` turns those into sentences.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from ser_keras.papers import finding as findings
from ser_keras.support.messages import did_you_mean, shortened
from ser_keras.support.metric import Metric

ENTRIES = 1_000  # of one list: no paper has so many, and each costs a sentence where all are wrong
LOGS = tuple(f"log/{part}{column}" for part in ("", "validation_", "test_") for column in ("loss", "accuracy"))
# Links that Markdown would make, with any scheme but these. Pages escape HTML by themselves.
BAD_LINK = re.compile(r"(?:\]\(|<|^[ ]*\[[^\]\n]*\]:)\s*(?!https?:)[a-z][a-z0-9+.-]*:\S", re.IGNORECASE | re.MULTILINE)
# No `kw_only`: validators of such fields are not told the values of earlier ones.
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


def sentences(*told: str) -> PydanticCustomError:
    """An error whose sentences stand for themselves, without the name of the key.

    Args:
        told: A sentence each, without its full stop.

    Returns:
        The error, to be raised by a validator.

    Example:
        >>> sentences("it is empty").message()
        'it is empty'
    """
    return PydanticCustomError("sentences", "{together}", {"together": "; ".join(told), "told": list(told)})


def _harmless(text: str, *, breaks: str = "") -> str:
    for character in text:
        if character not in breaks and _is_control(character):
            raise ValueError("must stand on one line" if character == "\n" else f"must not hold {character!r}")
    if found := BAD_LINK.search(text):
        raise ValueError(f"must link to http or https alone, not {shortened(found[0])}")
    return text


def _is_control(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(character) in BIDIRECTIONAL


BIDIRECTIONAL = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")  # text that reads otherwise than it is


def _prose(text: str) -> str:
    return _harmless(text, breaks="\n\t")


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _link(text: str) -> str:
    try:
        valid = bool(re.fullmatch(r"""https?://[^\s<>"'`\\^{|}]+""", text) and urlsplit(text).hostname)
    except ValueError:  # half of an IPv6 address
        valid = False
    if text and not valid:
        raise ValueError(f"must be a link to http or https, not {shortened(text)}")
    return text


def _shaped(pattern: str, what: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(f"must be {what}, not {shortened(text)}")
        return text

    return AfterValidator(check)


def _tuple(values: Any) -> Any:
    if isinstance(values, list) and len(values) > ENTRIES:
        raise ValueError(f"must have no more than {ENTRIES:,} entries, not {len(values):,}")
    return tuple(values) if isinstance(values, list) else values


def _measured(name: str) -> str:
    try:
        metric = Metric.parse(name)
    except ValueError as error:
        raise sentences(str(error)) from error
    if not metric.per_cent:
        raise sentences(f"{shortened(name)} is not in per cent")
    return name


def _claimed(name: str) -> str:
    if not name.startswith("log/"):
        return _measured(name)
    if name not in LOGS:
        raise sentences(f"{shortened(name)} is no column of the training log{did_you_mean(name, LOGS)}")
    return name


Note = Annotated[str, Field(max_length=5_000), AfterValidator(_harmless)]
Text = Annotated[Note, AfterValidator(_filled)]
Prose = Annotated[str, Field(max_length=findings.LONGEST), AfterValidator(_prose), AfterValidator(_filled)]
Name = Annotated[str, _shaped(r"[a-z0-9_]{1,64}", "a plain name (a-z, 0-9, _)")]
OptionalName = Annotated[str, _shaped(r"[a-z0-9_]{0,64}", "a plain name (a-z, 0-9, _)")]
Variant = Annotated[str, _shaped(r"[A-Za-z0-9][\w.-]{0,63}", "the name of a variant, without marks")]
Measured = Annotated[str, Field(max_length=200), AfterValidator(_measured)]
Claimed = Annotated[str, Field(max_length=200), AfterValidator(_claimed)]
Percentage = Annotated[float, Field(ge=0, le=100)]
Link = Annotated[str, Field(max_length=2_000), AfterValidator(_link)]
List = BeforeValidator(_tuple)
Some = Field(min_length=1)


@dataclass(frozen=True, config=STRICT)
class Reported:
    """One number of the paper.

    Attributes:
        table: Where it stands ("Table 2").
        row: The row's heading there.
        column: The column's heading there.
        corpus: Corpus that it was measured on.
        variant: The recipe that rebuilds it.
        metric: accuracy, train/accuracy (of the training part), uar, f1_macro, precision/CLASS, recall/CLASS,
            f1/CLASS, confusion/LABEL/PREDICTION, or share/PART (of the utterances, in train, validation or test); see
            `support.metric`.
        value: The number.
        unit: "%" always.
        note: What a reader should know about it.
        headline: It is what the paper is known for: one of the numbers on the front page.
        protocol: The protocol of `run.py` that it belongs to, where that is not the paper's main one.
        part: The part of the data that it belongs to (train, validation, test, or another part's name), where that is
            not the one that the protocol scores.
    """

    table: Text
    row: Text
    column: Note
    corpus: Name
    variant: Variant
    metric: Measured
    value: Percentage
    unit: Literal["%"] = "%"
    note: Note = ""
    headline: bool = False
    protocol: OptionalName = ""
    part: OptionalName = ""

    @property
    def where(self) -> str:
        """Its place in the paper: "Table 2: RAVDESS, Accuracy"."""
        return f"{self.table}: {self.row}" + (f", {self.column}" if self.column else "")


@dataclass(frozen=True, config=STRICT)
class Claim:
    """A sentence of the paper that can be checked without a number of its own.

    Attributes:
        section: Where it stands.
        text: The sentence.
        corpus: Corpus that it is said of.
        variant: The recipe that it is said of.
        metric: As in `Reported`; or log/COLUMN, what `history.csv` has in its last epoch ("log/loss", in nats).
        above: It holds where the metric is higher than this (in per cent; of a log, in its own unit).
        below: It holds where the metric is lower than this; with `above`, where it is between the two.
        rank: In place of bounds: it holds where the metric is among this many highest of its kind, of the classes'
            recalls, say, or of the wrong predictions of a label.
    """

    section: Text
    text: Text
    corpus: Name
    variant: Variant
    metric: Claimed
    above: float | None = None
    below: float | None = None
    rank: Annotated[int, Field(ge=1)] | None = Field(default=None, validate_default=True)

    @field_validator("above", "below")
    @classmethod
    def _could_hold(cls, bound: float | None, info: ValidationInfo) -> float | None:
        metric, above = info.data.get("metric"), info.data.get("above")
        if bound is not None and metric is not None and Metric.parse(metric).per_cent and not 0 <= bound <= 100:
            raise ValueError(f"must be a number of per cent, not {bound:g}")
        if info.field_name == "below" and None not in (above, bound) and above >= bound:
            raise ValueError(f"must be higher than above, {above:g}")
        return bound

    @field_validator("rank")
    @classmethod
    def _bounds_or_rank(cls, rank: int | None, info: ValidationInfo) -> int | None:
        known = info.data  # what was valid: of a bound that was not, its own error tells
        bounded = any(known.get(name, 0) is not None for name in ("above", "below"))
        if bounded == (rank is not None):
            raise sentences("give above, below or both, or else rank")
        if rank is not None and "metric" in known and not Metric.parse(known["metric"]).label:
            raise sentences(f"{shortened(known['metric'])} has no rank: it is of no single class")
        return rank


@dataclass(frozen=True, config=STRICT)
class Contrast:
    """Two recipes whose difference the paper is about.

    Attributes:
        corpus: Corpus that both are run on.
        variant: One recipe.
        against: The other, whose numbers are subtracted.
        metrics: As in `Reported`.
    """

    corpus: Name
    variant: Variant
    against: Variant
    metrics: Annotated[tuple[Measured, ...], List, Some]

    @field_validator("against")
    @classmethod
    def _another(cls, against: str, info: ValidationInfo) -> str:
        if against == info.data.get("variant"):
            raise ValueError("must be another recipe than variant")
        return against


@dataclass(frozen=True, config=STRICT)
class Silence:
    """An open point: what the paper does not say, and what was chosen."""

    id: Annotated[str, _shaped(r"S[1-9][0-9]{0,3}", "S1, S2 ...")]
    section: Text
    question: Text
    choice: Text
    because: Text
    alternatives: Note


@dataclass(frozen=True, config=STRICT)
class Contradiction:
    """What the paper says against itself, with the arithmetic."""

    section: Text
    claim: Text
    against: Text
    arithmetic: Text


@dataclass(frozen=True, config=STRICT)
class Paper:
    """A whole `paper.toml`.

    Attributes:
        key: The folder's name.
        short: "Jin et al. 2022".
        finding: Plain words on what came out; a template with a lookup for every number in it: `mean(...)`,
            `each(...)`, `highest(...)`, `speakers(...)`, `difference(...)`, `gains(...)`, explained at
            `reports.report.finding`. What else it may hold, `papers.finding` says.
    """

    key: Name
    short: Text
    title: Text
    authors: Annotated[tuple[Text, ...], List, Some]
    year: Annotated[int, Field(ge=1900, le=2100)]
    venue: Text
    corpora: Annotated[tuple[Name, ...], List, Some]
    summary: Prose
    finding: Prose
    doi: Annotated[Note, _shaped(r"(10\.\d{4,9}/\S+)?", "a DOI (10.NNNN/...)")] = ""
    url: Link = ""
    reported: tuple[Reported, ...] = ()
    claims: tuple[Claim, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    silences: tuple[Silence, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()

    @field_validator("finding")
    @classmethod
    def _can_be_told(cls, finding: str) -> str:
        if wrong := findings.faults(finding):
            raise sentences(*(f"finding: {sentence}" for sentence in wrong))
        return finding

    @field_validator("reported")
    @classmethod
    def _each_once(cls, reported: tuple[Reported, ...]) -> tuple[Reported, ...]:
        seen, twice = set(), []
        for n in reported:
            number = (n.where, n.corpus, n.variant, n.metric, n.protocol, n.part)
            if number in seen:
                twice.append(f"{n.where} ({n.metric}) is reported twice")
            seen.add(number)
        if twice:
            raise sentences(*twice)
        return reported

    @field_validator("silences")
    @classmethod
    def _numbered(cls, silences: tuple[Silence, ...]) -> tuple[Silence, ...]:
        ids = [silence.id for silence in silences]
        if ids != [f"S{i}" for i in range(1, len(ids) + 1)]:
            raise sentences(f"silences are numbered S1, S2, ... in order, not {', '.join(ids[:20])}")
        return silences
