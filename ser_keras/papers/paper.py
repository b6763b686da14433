"""`paper.toml`: what a paper reports, what it leaves open, and where it contradicts itself."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from ser_keras.support.errors import SerError

METRIC = re.compile(
    r"train/accuracy|share/(train|validation|test)"
    r"|(utterance/)?(accuracy|uar|f1_macro|(precision|recall|f1)/[^/]+|confusion/[^/]+/[^/]+)"
)
LOG = re.compile(r"log/(validation_|test_)?(loss|accuracy)")
TAG = re.compile(r"\[(S\d+)\]")


@dataclass(frozen=True, kw_only=True)
class Reported:
    """One number of the paper.

    Attributes:
        table: Where it stands ("Table 2").
        row: The row's heading there.
        column: The column's heading there.
        corpus: Corpus that it was measured on.
        variant: The recipe that rebuilds it.
        metric: accuracy, train/accuracy (of the training part), uar, f1_macro, precision/CLASS, recall/CLASS,
            f1/CLASS, confusion/LABEL/PREDICTION, or share/PART (of the utterances, in train, validation or test).
        value: The number.
        unit: "%" always.
        note: What a reader should know about it.
        headline: It is what the paper is known for: one of the numbers on the front page.
        protocol: The protocol of `run.py` that it belongs to, where that is not the paper's main one.
        part: The part of the data that it belongs to (train, validation, test, or another part's name), where that is
            not the one that the protocol scores.
    """

    table: str
    row: str
    column: str
    corpus: str
    variant: str
    metric: str
    value: float
    unit: str = "%"
    note: str = ""
    headline: bool = False
    protocol: str = ""
    part: str = ""

    @property
    def where(self) -> str:
        """Its place in the paper: "Table 2: RAVDESS, Accuracy"."""
        return f"{self.table}: {self.row}" + (f", {self.column}" if self.column else "")


@dataclass(frozen=True, kw_only=True)
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

    section: str
    text: str
    corpus: str
    variant: str
    metric: str
    above: float | None = None
    below: float | None = None
    rank: int | None = None


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Two recipes whose difference the paper is about.

    Attributes:
        corpus: Corpus that both are run on.
        variant: One recipe.
        against: The other, whose numbers are subtracted.
        metrics: As in `Reported`.
    """

    corpus: str
    variant: str
    against: str
    metrics: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Silence:
    """An open point: what the paper does not say, and what was chosen."""

    id: str
    section: str
    question: str
    choice: str
    because: str
    alternatives: str


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """What the paper says against itself, with the arithmetic."""

    section: str
    claim: str
    against: str
    arithmetic: str


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A whole `paper.toml`.

    Attributes:
        key: The folder's name.
        short: "Jin et al. 2022".
        finding: Plain words on what came out; a Jinja2 template with a lookup for every number in it: `mean(...)`,
            `each(...)`, `highest(...)`, `speakers(...)`, `difference(...)`, `gains(...)`, explained at
            `report.finding`.
    """

    key: str
    short: str
    title: str
    authors: tuple[str, ...]
    year: int
    venue: str
    corpora: tuple[str, ...]
    summary: str
    finding: str
    doi: str = ""
    url: str = ""
    reported: tuple[Reported, ...] = ()
    claims: tuple[Claim, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    silences: tuple[Silence, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()


T = TypeVar("T")


def read(path: Path) -> Paper:
    """Read and validate a `paper.toml`.

    Raises:
        SerError: It is absent, not TOML, lacks a key or has one too many, or an entry makes no sense; the message
            names the entry.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SerError(f"{path} cannot be read: {error}") from error
    unknown = set(raw) - {"paper", "reported", "claim", "contrast", "silence", "contradiction"}
    if unknown:
        raise SerError(f"{path}: unknown section [{', '.join(sorted(unknown))}]")
    entries = {
        "reported": _entries(path, raw, "reported", Reported),
        "claims": _entries(path, raw, "claim", Claim),
        "contrasts": _entries(path, raw, "contrast", Contrast),
        "silences": _entries(path, raw, "silence", Silence),
        "contradictions": _entries(path, raw, "contradiction", Contradiction),
    }
    paper = _entry(path, "paper", Paper, raw.get("paper", {}) | entries)
    for number in paper.reported:
        where = f"{path}: reported {number.table}, {number.row}"
        if not METRIC.fullmatch(number.metric):
            raise SerError(f"{where}: {number.metric!r} is no metric")
        if number.unit != "%" or not 0 <= number.value <= 100:
            raise SerError(f"{where}: {number.value} {number.unit} is not a number of per cent")
    for claim in paper.claims:
        where = f"{path}: claim {claim.text!r}"
        if not METRIC.fullmatch(claim.metric) and not LOG.fullmatch(claim.metric):
            raise SerError(f"{where}: {claim.metric!r} is no metric")
        bounded = claim.above is not None or claim.below is not None
        if bounded == (claim.rank is not None):
            raise SerError(f"{where}: give above, below or both, or else rank")
    for contrast in paper.contrasts:
        if wrong := [metric for metric in contrast.metrics if not METRIC.fullmatch(metric)]:
            raise SerError(f"{path}: contrast of {contrast.variant}: no metrics: {', '.join(wrong)}")
    ids = [silence.id for silence in paper.silences]
    if ids != [f"S{i}" for i in range(1, len(ids) + 1)]:
        raise SerError(f"{path}: silences are numbered S1, S2, ... in order, not {', '.join(ids)}")
    return paper


def tags(path: Path) -> set[str]:
    """Ids of ledger entries that a script's comments name: `BATCH_SIZE = 32  # [S4]`."""
    return set(TAG.findall(path.read_text(encoding="utf-8")))


def _entries(path: Path, raw: dict[str, Any], name: str, kind: type[T]) -> tuple[T, ...]:
    return tuple(_entry(path, f"{name} {i}", kind, entry) for i, entry in enumerate(raw.get(name, []), 1))


def _entry(path: Path, name: str, kind: type[T], values: dict[str, Any]) -> T:
    known = {field.name: field for field in fields(kind)}
    missing = [n for n, f in known.items() if f.default is MISSING and n not in values]
    if missing or set(values) - set(known):
        unknown = sorted(set(values) - set(known))
        raise SerError(f"{path}: [{name}] lacks {missing} and has unknown {unknown}")
    return kind(**{n: tuple(v) if isinstance(v, list) else v for n, v in values.items()})
