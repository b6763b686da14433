"""The names of metrics: their grammar, in one place.

name    = [unit "/"] scored | "share/" part | "log/" column
scored  = "accuracy" | "uar" | "f1_macro" | "loss" | "train/accuracy"
        | ("precision" | "recall" | "f1") "/" label
        | "confusion/" label "/" prediction
unit    = "utterance"
part    = "train" | "validation" | "test"
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ser_keras.support.messages import did_you_mean, shortened

UTTERANCE = "utterance"  # windows of an utterance are put together before they are scored
PARTS = ("train", "validation", "test")
PLAIN = ("accuracy", "uar", "f1_macro", "loss")
OF_A_CLASS = ("precision", "recall", "f1")


@dataclass(frozen=True)
class Metric:
    """A metric, taken apart; `str()` puts its name together again.

    Attributes:
        kind: accuracy, uar, f1_macro, loss, precision, recall, f1, confusion (the share of a label's examples that
            was given a prediction), share (of the utterances that stand in a part), or log (what the training log
            says in its last epoch).
        label: The class, of precision, recall, f1 and confusion.
        prediction: The class that a confusion was taken for.
        part: "train" for the accuracy on the training part; the part of a share.
        column: The column of a log.
        unit: "utterance" where windows are scored and this is of whole utterances; else empty.
    """

    kind: str
    label: str = ""
    prediction: str = ""
    part: str = ""
    column: str = ""
    unit: str = ""

    @staticmethod
    @functools.lru_cache(maxsize=4096)
    def parse(name: str) -> Metric:
        """Take a metric's name apart.

        Args:
            name: As `results.csv` has it.

        Raises:
            ValueError: It is none; the message says what could have been meant.

        Example:
            >>> Metric.parse("utterance/recall/sad").label, str(Metric("confusion", "sad", "happy"))
            ('sad', 'confusion/sad/happy')
        """
        if (found := _parsed(name)) is None:
            raise ValueError(f"{shortened(name)} is no metric{_meant(name)}")
        return found

    def __str__(self) -> str:
        kind = (self.part, self.kind) if self.kind == "accuracy" else (self.kind, self.part)
        return "/".join(filter(None, (self.unit, *kind, self.label, self.prediction, self.column)))

    @property
    def is_log(self) -> bool:
        """Whether it is read from the training log."""
        return self.kind == "log"

    @property
    def per_cent(self) -> bool:
        """Whether it is a fraction that tables show in per cent; losses and logs are in their own unit."""
        return self.kind not in ("loss", "log")

    @property
    def absent(self) -> float:
        """Its value where a run has none: a confusion that never happened is 0, anything else is undefined (NaN)."""
        return 0.0 if self.kind == "confusion" else math.nan

    @property
    def short(self) -> str:
        """What it is called among its like: the class, or the last word of its name.

        Example:
            >>> Metric.parse("recall/sad").short, Metric.parse("utterance/uar").short
            ('sad', 'uar')
        """
        return str(self).rpartition("/")[2]

    @property
    def cell(self) -> tuple[str, str] | None:
        """Its cell (label, prediction) of the confusion matrix in per cent of the labels; None where it has none.

        A recall stands in the diagonal. Of whole utterances there is no matrix.
        """
        if self.unit or self.kind not in ("confusion", "recall"):
            return None
        return self.label, self.prediction or self.label

    def of_unit(self, unit: str) -> Metric:
        """The same of whole utterances (`UTTERANCE`), or of what is scored ("").

        Args:
            unit: `UTTERANCE` or "".

        Returns:
            A metric; this one stays as it is.

        Example:
            >>> str(Metric.parse("accuracy").of_unit(UTTERANCE))
            'utterance/accuracy'
        """
        return replace(self, unit=unit)

    def rivals(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that a rank is taken among, this one left out.

        A class's recall has those of the other classes; a confusion the other wrong predictions of its label.

        Args:
            names: Of metrics.

        Returns:
            In their order.

        Raises:
            ValueError: A name is none.

        Example:
            >>> names = ["recall/sad", "recall/calm", "f1/calm", "confusion/sad/sad", "confusion/sad/calm", "log/epoch"]
            >>> Metric.parse("recall/sad").rivals(names), Metric.parse("confusion/sad/fear").rivals(names)
            (['recall/calm'], ['confusion/sad/calm'])
        """
        return [name for name in names if self._has_rival(Metric.parse(name))]

    def _has_rival(self, other: Metric) -> bool:
        if other == self or (other.unit, other.kind, other.part) != (self.unit, self.kind, self.part):
            return False
        if self.kind == "confusion":
            return other.label == self.label and other.prediction != other.label
        return bool(self.label)


def _parsed(name: str) -> Metric | None:
    unit, names = "", name.split("/")
    if names[0] == UTTERANCE:
        unit, names = UTTERANCE, names[1:]
    match names:
        case [kind] if kind in PLAIN:
            return Metric(kind, unit=unit)
        case ["train", "accuracy"]:
            return Metric("accuracy", part="train", unit=unit)
        case [kind, label] if kind in OF_A_CLASS and _is_word(label):
            return Metric(kind, label, unit=unit)
        case ["confusion", label, prediction] if _is_word(label) and _is_word(prediction):
            return Metric("confusion", label, prediction, unit=unit)
        case ["share", part] if part in PARTS and not unit:
            return Metric("share", part=part)
        case ["log", column] if _is_word(column) and not unit:
            return Metric("log", column=column)
    return None


def _is_word(name: str) -> bool:
    return bool(name) and name.isprintable() and name == name.strip()


def _meant(name: str) -> str:
    """The suggestion for a name that is none: the nearest that one other word makes a metric of."""
    words = (UTTERANCE, *PLAIN, *OF_A_CLASS, "confusion", "share", "log", *PARTS)
    names = name.split("/")[:4]
    changed = ("/".join([*names[:i], word, *names[i + 1 :]]) for i in range(len(names)) for word in words)
    return did_you_mean(name, filter(_parsed, changed))
