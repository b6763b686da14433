"""The audit: what the two sides of a split share that a stranger's voice would not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser_keras.protocols.base import PARTS, Split

if TYPE_CHECKING:
    import pandas as pd


def audit(examples: pd.DataFrame, split: Split, *, scaler: str | None = "train") -> dict[str, int | str | None]:
    """Count what test and training examples share that a stranger's voice would not.

    Args:
        examples: The examples that were divided.
        split: The division.
        scaler: What the scaler was fitted on: "train", "all", or None for no scaler.

    Returns:
        Counts by name: `train`, `validation`, `test` (examples); `shared_speakers`, `shared_texts` (distinct ones
        on both sides); `siblings` (test examples with another example of the same recording in train: an augmented
        copy or an overlapping window); `identical_audio` (test examples whose audio stands, byte for byte, under
        another name in train); `utterances/<part>` (recordings in each part); and `scaler`. A count is None where
        the corpus does not tell what is counted (no texts, say).

    Example:
        >>> import numpy as np, pandas as pd
        >>> examples = pd.DataFrame({"utterance": ["a", "a", "b"], "sha256": ["1", "1", "2"],
        ...                          "speaker": ["x", "x", "x"], "text": ["t", "t", "u"]})
        >>> found = audit(examples, Split(np.array([0]), np.array([], int), np.array([1, 2])))
        >>> found["siblings"], found["shared_speakers"], found["shared_texts"]
        (1, 1, 1)
    """
    train, test = examples.iloc[split.train], examples.iloc[split.test]
    return {
        "train": len(split.train),
        "validation": len(split.validation),
        "test": len(split.test),
        "shared_speakers": _shared(train, test, "speaker"),
        "shared_texts": _shared(train, test, "text"),
        "siblings": int(test.utterance.isin(set(train.utterance)).sum()),
        "identical_audio": _identical(train, test),
        **{f"utterances/{part}": int(examples.utterance.iloc[getattr(split, part)].nunique()) for part in PARTS},
        "scaler": scaler,
    }


def _told(train: pd.DataFrame, test: pd.DataFrame, column: str) -> bool:
    """Whether the column has a value in every row of both sides."""
    return column in train and not any(side[column].isna().any() for side in (train, test))


def _shared(train: pd.DataFrame, test: pd.DataFrame, column: str) -> int | None:
    return len(set(train[column]) & set(test[column])) if _told(train, test, column) else None


def _identical(train: pd.DataFrame, test: pd.DataFrame) -> int | None:
    if not _told(train, test, "sha256"):
        return None
    names = train.groupby("sha256").utterance.agg(set)
    return sum(bool(names.get(row.sha256, set()) - {row.utterance}) for row in test.itertuples())
