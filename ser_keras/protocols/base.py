"""What all protocols share: a split's parts, and the rule that makes splits of a corpus's examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ser_keras.support.errors import ImpossibleError
from ser_keras.support.messages import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Positions of examples, three arrays of integers.

    Attributes:
        train: Examples that the model and every scaler are fitted on.
        validation: Examples that choose an epoch; may be empty.
        test: Examples that give the number.
        others: Further parts by name, that only a `ScoredOn` protocol looks at.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    others: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A named way to divide examples into train, validation and test.

    A protocol of one's own is a frozen dataclass that derives from this one and says what `splits` does.

    Attributes:
        note: One sentence for readers of the tables: what this protocol tells.
        copies: Augmented copies that stand among the examples, beside "original".
        scored: The part that gives the number.
        covers: Every recording is tested once over the splits of a seed, so that the seed counts when all of them
            are finished (cross-validation).

    Example:
        >>> import numpy as np, pandas as pd
        >>> @dataclass(frozen=True, kw_only=True)
        ... class OddEven(Protocol):
        ...     def splits(self, examples, seed):
        ...         places = np.arange(len(examples))
        ...         return [Split(places[::2], np.array([], int), places[1::2])]
        >>> OddEven(note="").splits(pd.DataFrame({"utterance": ["a", "b", "c"]}), seed=0)[0].test
        array([1])
    """

    covers: ClassVar[bool] = False

    note: str
    copies: tuple[str, ...] = ()
    scored: str = "test"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the utterance table that the rule reads."""
        return ()

    def splits(self, examples: pd.DataFrame, seed: int) -> list[Split]:
        """The divisions (folds) for one seed.

        Args:
            examples: One row an example, as `examples_of` makes them.
            seed: Start of every draw.

        Raises:
            ImpossibleError: The examples cannot be divided so (too few speakers, say).
        """
        raise TypeError(f"{type(self).__name__} has no rule: give it a method `splits`")

    def remark(self, examples: pd.DataFrame) -> str:
        """What a reader should know of this protocol on these examples alone; empty where nothing is special.

        Args:
            examples: One row an example, as `Protocol.splits` takes them.

        Returns:
            A sentence without its full stop, or "".
        """
        return ""


def check_columns(table: pd.DataFrame, protocol: Protocol) -> None:
    """See before any training whether a table has what a protocol reads.

    Args:
        table: Utterances or examples; `attrs["corpus"]` names them in the message.
        protocol: The rule.

    Raises:
        ImpossibleError: A column is absent, or a recording has no value in it.

    Example:
        >>> import pandas as pd
        >>> from ser_keras.protocols import GroupKFold
        >>> check_columns(pd.DataFrame({"speaker": ["a", "b"]}), GroupKFold(note="", folds=2))
        >>> check_columns(pd.DataFrame({"speaker": ["a", "b"]}), GroupKFold(note="", folds=2, by="session"))
        Traceback (most recent call last):
            ...
        ser_keras.support.errors.ImpossibleError: GroupKFold reads "session", which the corpus does not tell
    """
    corpus = table.attrs.get("corpus", "the corpus")
    for column in protocol.columns:
        if column not in table:
            near = did_you_mean(column, table.columns)
            raise ImpossibleError(f'{type(protocol).__name__} reads "{column}", which {corpus} does not tell{near}')
        if lacking := int((table[column].isna() | (table[column] == "")).sum()):
            raise ImpossibleError(
                f'{type(protocol).__name__} reads "{column}", which {corpus} does not tell of {lacking:,} of '
                f"{len(table):,} recordings"
            )
