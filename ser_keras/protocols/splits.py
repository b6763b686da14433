"""Protocols: named ways to divide samples into train, validation and test; and an audit of every division.

A protocol sees the *samples*: one row a training example, with the columns of the utterance table (`utterance`,
`speaker`, `emotion`, `text`, `sha256` ...), the `copy` (original, or the augmentation that made it) and the
`window` within the utterance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.features.extraction import ORIGINAL
from ser_keras.support.errors import SerError

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Positions of samples, three arrays of integers.

    Attributes:
        train: Samples that the model and every scaler are fitted on.
        validation: Samples that choose an epoch; may be empty.
        test: Samples that give the number.
        others: Further parts by name, that only a `ScoredOn` protocol looks at.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    others: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What all protocols share.

    Attributes:
        note: One sentence for readers of the tables: what this protocol tells.
        copies: Augmented copies that stand among the samples, beside "original".
        scored: The part that gives the number.
    """

    note: str
    copies: tuple[str, ...] = ()
    scored: str = "test"

    def splits(self, samples: pd.DataFrame, seed: int) -> list[Split]:
        """The divisions (folds) for one seed.

        Raises:
            SerError: The samples cannot be divided so (too few speakers, say).
        """
        raise TypeError(f"{type(self).__name__} divides nothing")


@dataclass(frozen=True, kw_only=True)
class RandomSplit(Protocol):
    """Parts drawn at random: speakers and sentences stand on both sides, and of recordings what `by` allows.

    Attributes:
        test: Share of the samples.
        validation: Share of what is left after the test part.
        stratify: Keep the shares of the emotions.
        by: What is drawn: "sample", so that copies and windows of one recording may stand on both sides, or
            "utterance", which keeps them together; validation and test then hold originals alone.

    Example:
        >>> samples = pd.DataFrame({"emotion": ["sad", "happy"] * 10})
        >>> split = RandomSplit(note="", test=0.2).splits(samples, seed=0)[0]
        >>> len(split.train), len(split.test)
        (16, 4)
    """

    test: float
    validation: float = 0.0
    stratify: bool = True
    by: str = "sample"

    def splits(self, samples: pd.DataFrame, seed: int) -> list[Split]:
        """One division: `test` of all samples, then `validation` of the rest."""
        everything = np.arange(len(samples))
        train, test = draw(samples, everything, self.test, seed, by=self.by, stratify=self.stratify)
        train, validation = draw(samples, train, self.validation, seed, by=self.by, stratify=self.stratify)
        if self.by != "sample":
            validation, test = originals(samples, validation), originals(samples, test)
        return [Split(train, validation, test)]


@dataclass(frozen=True, kw_only=True)
class StratifiedFolds(Protocol):
    """Folds of samples that keep the shares of the emotions; speakers and sentences stand on both sides.

    Attributes:
        folds: How many.

    Example:
        >>> samples = pd.DataFrame({"emotion": ["sad", "happy"] * 10})
        >>> [len(split.test) for split in StratifiedFolds(note="", folds=5).splits(samples, seed=0)]
        [4, 4, 4, 4, 4]
    """

    folds: int

    def splits(self, samples: pd.DataFrame, seed: int) -> list[Split]:
        """`folds` divisions; the seed deals the samples to them."""
        from sklearn.model_selection import StratifiedKFold

        rarest = samples.emotion.value_counts().min()
        if rarest < self.folds:
            raise SerError(
                f"{self.folds} stratified folds need as many samples of each emotion; the rarest has {rarest}."
            )
        dealt = StratifiedKFold(self.folds, shuffle=True, random_state=seed).split(samples.emotion, samples.emotion)
        return [Split(train, np.array([], dtype=int), test) for train, test in dealt]


@dataclass(frozen=True, kw_only=True)
class GroupedFolds(Protocol):
    """Folds that keep all samples of a speaker (or session, or text) together: each is tested once, unheard.

    Validation and test hold original recordings alone.

    Attributes:
        folds: How many; None makes one of each group (leave one speaker out).
        by: The column that is kept together.
        validation: Share of the training groups that is set aside for validation.
    """

    folds: int | None
    by: str = "speaker"
    validation: float = 0.0

    def splits(self, samples: pd.DataFrame, seed: int) -> list[Split]:
        """`folds` divisions; the seed deals the groups to them."""
        from sklearn.model_selection import GroupKFold

        groups = samples[self.by].to_numpy()
        there = len(np.unique(groups))
        folds = self.folds or there
        if there < max(folds, 2):
            raise SerError(f"{max(folds, 2)} folds by {self.by} need as many of them; the corpus has {there}.")
        parts = []
        for rest, test in GroupKFold(folds, shuffle=True, random_state=seed).split(groups, groups=groups):
            train, validation = draw(samples, rest, self.validation, seed, by=self.by, stratify=False)
            parts.append(Split(train, originals(samples, validation), originals(samples, test)))
        return parts


@dataclass(frozen=True, kw_only=True)
class LastSpeakers(Protocol):
    """A fixed division by speaker: the last of the corpus's speakers are tested, those before them validate.

    Validation and test hold original recordings alone.

    Attributes:
        test: How many speakers are tested.
        validation: How many are set aside for validation.

    Example:
        >>> samples = pd.DataFrame({"speaker": ["03", "16", "15", "16"], "copy": "original"})
        >>> split = LastSpeakers(note="", test=1, validation=1).splits(samples, seed=0)[0]
        >>> split.train, split.validation, split.test
        (array([0]), array([2]), array([1, 3]))
    """

    test: int
    validation: int = 0

    def splits(self, samples: pd.DataFrame, seed: int) -> list[Split]:
        """The one division, whatever the seed."""
        speakers = sorted(samples.speaker.unique())
        if len(speakers) <= self.test + self.validation:
            raise SerError(f"{self.test + self.validation} held-out speakers leave nobody of {len(speakers)} to train.")
        first_test = len(speakers) - self.test
        groups = (
            speakers[: first_test - self.validation],
            speakers[first_test - self.validation : first_test],
            speakers[first_test:],
        )
        train, validation, test = (np.flatnonzero(samples.speaker.isin(group)) for group in groups)
        return [Split(train, originals(samples, validation), originals(samples, test))]


def draw(
    samples: pd.DataFrame, pool: np.ndarray, share: float, seed: int, *, by: str, stratify: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Set a share of samples, or of the groups that they form, aside at random.

    Args:
        samples: All samples.
        pool: Positions to draw from.
        share: Share of the samples or groups; 0 draws none.
        seed: Start of the draw.
        by: "sample", or the column whose values are drawn.
        stratify: Keep the shares of the emotions; groups must then have one emotion each.

    Returns:
        Positions kept and positions drawn, both in ascending order.

    Raises:
        SerError: There are too few to draw from.
    """
    from sklearn.model_selection import train_test_split

    if not share:
        return pool, np.array([], dtype=int)
    chosen = samples.iloc[pool]
    units = pool if by == "sample" else chosen[by].drop_duplicates().to_numpy()
    labels = chosen.emotion if by == "sample" else chosen.drop_duplicates(by).emotion
    try:
        _, drawn = train_test_split(units, test_size=share, stratify=labels if stratify else None, random_state=seed)
    except ValueError as error:
        raise SerError(f"Too few recordings to set {share:.0%} aside: {error}") from error
    aside = np.isin(pool if by == "sample" else chosen[by].to_numpy(), drawn)
    return pool[~aside], pool[aside]


def originals(samples: pd.DataFrame, positions: np.ndarray) -> np.ndarray:
    """Those of the positions that are unchanged recordings, not augmented copies."""
    return positions[(samples["copy"].to_numpy()[positions] == ORIGINAL)]


@dataclass(frozen=True, kw_only=True)
class ScoredOn(Protocol):
    """No runs of its own: the runs of another protocol, scored on another part of their data.

    Attributes:
        of: The protocol whose runs are scored.
        scored: "train", "validation", "test" or the name of a further part.
        moment: The moment of training whose predictions are scored: "end", "last", "best_on_validation",
            "best_on_test", "epoch_N" or "recalibrated"; see `ser_keras.training.moments`.
    """

    of: str
    moment: str = "end"


@dataclass(frozen=True, kw_only=True)
class Logged(Protocol):
    """No runs of its own, and no predictions: what the training log of another protocol says of an epoch.

    Keras's "accuracy" while training is a mean over the epoch's batches, each scored before its own update, with
    dropout on and batch normalisation by the batch. It is no property of the final model; papers quote it still.

    Attributes:
        of: The protocol whose runs are read.
        column: The column of `history.csv`.
        epoch: The epoch that is read; None for the last.
    """

    of: str
    column: str = "accuracy"
    epoch: int | None = None
    scored: str = "log"


def audit(samples: pd.DataFrame, split: Split, *, scaler: str | None = "train") -> dict[str, int | str | None]:
    """Count what test and training samples share that a stranger's voice would not.

    Args:
        samples: The samples that were divided.
        split: The division.
        scaler: What the scaler was fitted on: "train", "all", or None for no scaler.

    Returns:
        Counts by name: `train`, `validation`, `test` (samples); `shared_speakers`, `shared_texts` (distinct ones
        on both sides); `siblings` (test samples with another sample of the same recording in train: an augmented
        copy or an overlapping window); `identical_audio` (test samples whose audio stands, byte for byte, under
        another name in train); `utterances/<part>` (recordings in each part); and `scaler`.

    Example:
        >>> samples = pd.DataFrame({"utterance": ["a", "a", "b"], "sha256": ["1", "1", "2"],
        ...                         "speaker": ["x", "x", "x"], "text": ["t", "t", "u"]})
        >>> found = audit(samples, Split(np.array([0]), np.array([], int), np.array([1, 2])))
        >>> found["siblings"], found["shared_speakers"], found["shared_texts"]
        (1, 1, 1)
    """
    train, test = samples.iloc[split.train], samples.iloc[split.test]
    names = train.groupby("sha256").utterance.agg(set)
    elsewhere = [
        bool(names.get(row.sha256, set()) - {row.utterance}) for row in test[["sha256", "utterance"]].itertuples()
    ]
    return {
        "train": len(split.train),
        "validation": len(split.validation),
        "test": len(split.test),
        "shared_speakers": len(_shared(train, test, "speaker")),
        "shared_texts": len(_shared(train, test, "text")),
        "siblings": int(test.utterance.isin(set(train.utterance)).sum()),
        "identical_audio": sum(elsewhere),
        **{f"utterances/{part}": int(samples.utterance.iloc[getattr(split, part)].nunique()) for part in PARTS},
        "scaler": scaler,
    }


def _shared(one: pd.DataFrame, other: pd.DataFrame, column: str) -> set[str]:
    return set(one[column]) & set(other[column])


def samples_of(table: pd.DataFrame, lengths: np.ndarray, copies: Sequence[str]) -> pd.DataFrame:
    """One row a sample, in the order of the features: utterances, within them copies, within them windows.

    Args:
        table: The utterance table.
        lengths: Samples of each (utterance, copy), as `extraction.Features.lengths`.
        copies: Names of the copies.

    Returns:
        The utterance table's columns, `copy` and `window`.
    """
    rows = np.repeat(np.repeat(np.arange(len(table)), len(copies)), lengths)
    samples = table.iloc[rows].reset_index(drop=True)
    samples["copy"] = np.repeat(np.tile(np.array(copies), len(table)), lengths)
    samples["window"] = np.concatenate([np.arange(n) for n in lengths]) if len(lengths) else []
    return samples
