"""Protocols: named ways to divide samples into train, validation and test; and an audit of every division.

A protocol sees the *samples*: one row a training example, with the columns of the utterance table (`utterance`,
`speaker`, `emotion`, `text`, `sha256` ...), the `copy` (original, or the augmentation that made it) and the
`window` within the utterance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.errors import SerError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Split:
    """Positions of samples, three arrays of integers.

    Attributes:
        train: Samples that the model and every scaler are fitted on.
        validation: Samples that choose an epoch; may be empty.
        test: Samples that give the number.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


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
    """Samples drawn at random: speakers, sentences and, where there are copies, recordings stand on both sides.

    Attributes:
        test: Share of the samples.
        validation: Share of what is left after the test part.
        stratify: Keep the shares of the emotions.

    Example:
        >>> samples = pd.DataFrame({"emotion": ["sad", "happy"] * 10})
        >>> split = RandomSplit(note="", test=0.2).splits(samples, seed=0)[0]
        >>> len(split.train), len(split.test)
        (16, 4)
    """

    test: float
    validation: float = 0.0
    stratify: bool = True

    def splits(self, samples: pd.DataFrame, seed: int) -> list[Split]:
        """One division: `test` of all samples, then `validation` of the rest."""
        rest, test = self._draw(samples, np.arange(len(samples)), self.test, seed)
        validation = np.array([], dtype=int)
        if self.validation:
            rest, validation = self._draw(samples, rest, self.validation, seed)
        return [Split(rest, validation, test)]

    def _draw(self, samples: pd.DataFrame, pool: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.model_selection import train_test_split

        labels = samples.emotion.to_numpy()[pool] if self.stratify else None
        try:
            kept, drawn = train_test_split(pool, test_size=share, stratify=labels, random_state=seed)
        except ValueError as error:
            raise SerError(f"Too few recordings to set {share:.0%} aside: {error}") from error
        return np.sort(kept), np.sort(drawn)


@dataclass(frozen=True, kw_only=True)
class GroupedFolds(Protocol):
    """Folds that keep all samples of a speaker (or session, or text) together: each is tested once, unheard.

    Attributes:
        folds: How many.
        by: The column that is kept together.
    """

    folds: int
    by: str = "speaker"

    def splits(self, samples: pd.DataFrame, seed: int) -> list[Split]:
        """`folds` divisions; the seed deals the groups to them."""
        from sklearn.model_selection import GroupKFold

        groups = samples[self.by].to_numpy()
        there = len(np.unique(groups))
        if there < self.folds:
            raise SerError(f"{self.folds} folds by {self.by} need as many of them; the corpus has {there}.")
        folds = GroupKFold(self.folds, shuffle=True, random_state=seed).split(groups, groups=groups)
        return [Split(train, np.array([], dtype=int), test) for train, test in folds]


@dataclass(frozen=True, kw_only=True)
class ScoredOn(Protocol):
    """No runs of its own: the runs of another protocol, scored on another part of their data.

    Attributes:
        of: The protocol whose runs are scored.
        scored: "train" or "validation".
    """

    of: str


@dataclass(frozen=True, kw_only=True)
class Logged(Protocol):
    """No runs of its own, and no predictions: what the training log of another protocol's last epoch says.

    Keras's "accuracy" while training is a mean over the epoch's batches, each scored before its own update, with
    dropout on and batch normalisation by the batch. It is no property of the final model; papers quote it still.

    Attributes:
        of: The protocol whose runs are read.
        column: The column of `history.csv`.
    """

    of: str
    column: str = "accuracy"
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
        another name in train); and `scaler`.

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
