"""The audit of anyone's split: two lists of recordings, and what they share that a stranger's voice would not."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_keras.leaks import listing, matching, worth
from ser_keras.protocols import Split
from ser_keras.protocols import audit as counted
from ser_keras.support.names import printable, some

if TYPE_CHECKING:
    import pandas as pd

CLEAN, LEAK, UNDECIDED = 0, 1, 2
SHOWN = 5  # examples in the text
COPY_COLUMNS = ("test", "train", "identical", "likeness", "speed")
WINDOW_COLUMNS = ("test", "train", "overlap")


@dataclass(frozen=True)
class Leaks:
    """What two sides of a split share.

    Attributes:
        train: Examples that are trained on.
        test: Examples that are tested.
        speakers: Speakers on both sides; None where nobody says who speaks.
        texts: Sentences on both sides; None where nobody says what is spoken.
        copies: One row a pair of recordings made from one: `test` and `train` (paths), `identical` (every sample is
            the same), `likeness` (1 for the same), `speed` (how much faster the test recording is).
        windows: One row a pair of windows of one recording on both sides: `test` and `train` (rows of the lists, from
            1, with their seconds), `overlap` in seconds, 0 for windows that lie apart.
        test_copies: Test examples with a copy, or a window of the same recording, in train.
        unusable: Path and reason of each recording that cannot be read.
        undecided: What could not be judged, a sentence each.
        worth: What such leaks were worth in the five papers; see `worth.worth`.
        texts_count: Whether shared sentences count as a leak.
    """

    train: int
    test: int
    speakers: list[str] | None
    texts: list[str] | None
    copies: pd.DataFrame
    windows: pd.DataFrame
    test_copies: int
    unusable: dict[str, str]
    undecided: list[str]
    worth: pd.DataFrame = field(repr=False)
    texts_count: bool = False

    @property
    def leaks(self) -> list[str]:
        """What leaks, a sentence each; empty where nothing does."""
        told = []
        if self.speakers:
            told.append(_sentence(f"Speakers on both sides: {len(self.speakers):,}", self.worth, "speakers"))
        if identical := int(self.copies.identical.sum()):
            told.append(_sentence(f"Pairs of recordings that are the same sound: {identical:,}", self.worth, "copies"))
        if made := len(self.copies) - identical:
            told.append(_sentence(f"Pairs of recordings made from one another: {made:,}", self.worth, "copies"))
        if len(self.windows):
            over = int((self.windows.overlap > 0).sum())
            told.append(
                _sentence(
                    f"Pairs of windows of one recording: {len(self.windows):,}, of which {over:,} overlap",
                    self.worth,
                    "windows",
                )
            )
        if self.texts and self.texts_count:
            told.append(f"Sentences on both sides: {len(self.texts):,}.")
        return told

    @property
    def code(self) -> int:
        """0 for a clean split, 1 for a leak, 2 where neither can be said."""
        return LEAK if self.leaks else UNDECIDED if self.undecided else CLEAN

    def lines(self) -> list[str]:
        """The findings as text, verdict first."""
        verdict = {
            LEAK: "LEAK: the test side is not new to what is trained.",
            UNDECIDED: "NOT JUDGED: no leak was found, but not all could be looked at.",
            CLEAN: "CLEAN: nothing is shared that was looked for.",
        }
        made = [verdict[self.code], f"{self.train:,} examples in train, {self.test:,} in test."]
        made += [f"- {sentence}" for sentence in self.leaks]
        if self.test_copies:
            share = 100 * self.test_copies / self.test
            made.append(f"- Test examples with a copy or a window in train: {self.test_copies:,} ({share:.1f} %)")
        if self.texts is not None and not self.texts_count:
            made.append(f"- Sentences on both sides: {len(self.texts):,} (told, not counted: see --texts)")
        if self.speakers:
            made.append(f"Speakers: {some(self.speakers)}")
        if self.texts:
            made.append(f"Sentences: {some(self.texts)}")
        if len(self.copies):
            made.append("To listen to (test | train):")
            for row in self.copies.head(SHOWN).itertuples():
                how = "the same" if row.identical else f"likeness {row.likeness:.2f}, speed {row.speed:g}"
                made.append(f"  {printable(row.test)} | {printable(row.train)} ({how})")
        for row in self.windows.head(SHOWN).itertuples():
            made.append(f"  {printable(row.test)} | {printable(row.train)} ({row.overlap:.2f} s in common)")
        made += [f"Not judged: {sentence}" for sentence in self.undecided]
        return made

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            "verdict": {CLEAN: "clean", LEAK: "leak", UNDECIDED: "not judged"}[self.code],
            "train": self.train,
            "test": self.test,
            "leaks": self.leaks,
            "shared_speakers": self.speakers,
            "shared_texts": self.texts,
            "texts_count": self.texts_count,
            "test_examples_with_a_copy": self.test_copies,
            "copies": self.copies.to_dict("records"),
            "windows": self.windows.to_dict("records"),
            "not_judged": self.undecided,
            "unusable": self.unusable,
            "worth": self.worth.to_dict("records"),
        }


def audit(
    train: pd.DataFrame | Path | str,
    test: pd.DataFrame | Path | str | Split,
    *,
    texts: bool = False,
    speakers: bool = True,
    jobs: int = -1,
    papers: Path | str | None = None,
    scaler: str | None = "train",
) -> Leaks | dict[str, Any]:
    """Is a split leaked?

    Looked for are speakers and sentences on both sides (where the lists tell them), the same sound under any name,
    copies made from one recording (noise, shift, trimming, re-encoding, stretching, pitch) by a fingerprint of the
    audio, and windows of one recording.

    Args:
        train: What is trained on: a CSV file, JSON lines, a folder of recordings, or a table; see `listing.read`.
        test: What is tested; or the `Split` of the examples in `train`, whose counts `protocols.audit` gives.
        texts: Count shared sentences as a leak.
        speakers: Say that it cannot be judged where nobody says who speaks.
        jobs: Workers; -1 for every core.
        papers: The folder of all papers; None looks where `runs.script.named` does.
        scaler: Of a `Split`: what the scaler was fitted on.

    Returns:
        The findings; their `code` is 0 for clean, 1 for a leak, 2 where it cannot be judged. Counts for a `Split`.

    Raises:
        SerError: A list cannot be read.

    Example:
        >>> audit("train.csv", "test.csv").code  # doctest: +SKIP
        1
    """
    if isinstance(test, Split):
        return counted(train, test, scaler=scaler)
    import pandas as pd

    one, other = (
        table.assign(key=table.path.map(_key))
        for table in (listing.read(train, side="train"), listing.read(test, side="test"))
    )
    ours, theirs = (dict(iter(table.groupby("key"))) for table in (one, other))  # rows of each recording
    first, second = _unique(one), _unique(other)
    known = matching.know(first, jobs=jobs)
    found, unusable = matching.copies(known, first, second, jobs=jobs)
    copies, pairs = [], []
    for copy in sorted(found, key=lambda c: (not c.identical, -c.likeness)):
        rows = _windows(ours[_key(first[copy.train])], theirs[_key(second[copy.test])])
        if copy.identical and rows is not None:
            pairs += rows
        else:
            likeness = round(copy.likeness, 3)
            copies.append((second[copy.test], first[copy.train], copy.identical, likeness, copy.speed))
    reasons = {first[p]: reason for p, reason in known.unusable.items()}
    reasons |= {second[p]: reason for p, reason in unusable.items()}
    table = pd.DataFrame(copies, columns=list(COPY_COLUMNS)).astype({"identical": bool})
    windows = pd.DataFrame([pair[1:] for pair in pairs], columns=list(WINDOW_COLUMNS))
    copied = other.key.isin({_key(path) for path in table.test})
    undecided = [f"{len(reasons):,} recordings cannot be read: {some(list(reasons.values()))}"] if reasons else []
    who = _shared(one, other, "speaker")
    if who is None and speakers:
        undecided.append("who speaks: the column 'speaker' is missing or has gaps (--no-speakers leaves that aside)")
    what = _shared(one, other, "text")
    if what is None and texts:
        undecided.append("what is spoken: the column 'text' is missing or has gaps")
    return Leaks(
        train=len(one),
        test=len(other),
        speakers=who,
        texts=what,
        copies=table,
        windows=windows,
        test_copies=int((copied | other.index.isin({pair[0] for pair in pairs})).sum()),
        unusable=reasons,
        undecided=undecided,
        worth=worth.worth(papers),
        texts_count=texts,
    )


def _key(path: str) -> str:
    return os.path.realpath(path)


def _unique(table: pd.DataFrame) -> list[str]:
    """The recordings of a list, each once."""
    return list(dict(zip(table.key, table.path, strict=True)).values())


def _shared(one: pd.DataFrame, other: pd.DataFrame, column: str) -> list[str] | None:
    """Values on both sides; None where a row has none."""
    if one[column].isna().any() or other[column].isna().any():
        return None
    return sorted(set(one[column]) & set(other[column]))


def _windows(ours: pd.DataFrame, others: pd.DataFrame) -> list[tuple[int, str, str, float]] | None:
    """Pairs of windows of one recording; None where a list does not say where its windows lie."""
    if any(rows[["start", "end"]].isna().any().any() for rows in (ours, others)):
        return None
    made = []
    for theirs in others.itertuples():
        for mine in ours.itertuples():
            overlap = max(0.0, min(theirs.end, mine.end) - max(theirs.start, mine.start))
            shown = [f"{row.path} {row.start:g}-{row.end:g} s" for row in (theirs, mine)]
            made.append((theirs.Index, *shown, round(overlap, 3)))
    return made


def _sentence(what: str, table: pd.DataFrame, leak: str) -> str:
    told = worth.sentence(table, leak)
    return f"{what}; {told}." if told else f"{what}."
