"""Views: protocols without runs of their own, which read another's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ser_keras.protocols.base import Protocol, Split
from ser_keras.support.errors import SerError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class View(Protocol):
    """No runs of its own.

    Attributes:
        of: The protocol whose runs are read.
    """

    of: str

    def splits(self, examples: pd.DataFrame, seed: int) -> list[Split]:
        """There are none.

        Args:
            examples: Not used.
            seed: Not used.

        Raises:
            SerError: Always.
        """
        raise SerError(f'{type(self).__name__} divides nothing: it reads the runs of the protocol "{self.of}"')


@dataclass(frozen=True, kw_only=True)
class ScoredOn(View):
    """The runs of another protocol, scored on another part of their data.

    Attributes:
        scored: "train", "validation", "test" or the name of a further part.
        moment: The moment of training whose predictions are scored: "end", "last", "best_on_validation",
            "best_on_test", "epoch_N" or "recalibrated"; see `ser_keras.training.moments`.
    """

    moment: str = "end"


@dataclass(frozen=True, kw_only=True)
class Logged(View):
    """What the training log of another protocol says of an epoch; there are no predictions.

    Keras's "accuracy" while training is a mean over the epoch's batches, each scored before its own update, with
    dropout on and batch normalisation by the batch. It is no property of the final model; papers quote it still.

    Attributes:
        column: The column of `history.csv`.
        epoch: The epoch that is read; None for the last.
    """

    column: str = "accuracy"
    epoch: int | None = None
    scored: str = "log"
