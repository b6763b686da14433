"""A paper as code: its recipes, its protocols, its recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ser_keras.protocols import PARTS, Logged, Protocol, ScoredOn
from ser_keras.support.errors import SerError
from ser_keras.support.messages import did_you_mean
from ser_keras.training.moments import END, NAMED, is_moment
from ser_keras.training.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ser_keras.runs.planning import Data

LOGGED = tuple(f"{part}{what}" for part in ("", "validation_", "test_") for what in ("accuracy", "loss"))
MAIN, NEW_SPEAKERS = "paper", "speaker_independent"
Labels = Callable[["pd.DataFrame"], "pd.DataFrame"]
# Name ("figure-1"), the figure or None for a table, and the numbers.
Picture = tuple[str, "Figure | None", "pd.DataFrame"]
Illustrate = Callable[["pd.DataFrame", Mapping[str, "Data"], Path], Iterator[Picture]]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A paper as code.

    Attributes:
        folder: The paper's folder under `reproductions/`.
        corpora: Corpora that the paper uses.
        variants: Recipes by name, the main one first.
        protocols: Protocols by name; "paper", the paper's own, is one of them, and so is "speaker_independent".
        labels: Utterance table -> the recordings and emotion labels that the paper uses.
        main: Variants that a bare `run.py` runs; the others are readings, run when they are asked for. Empty means all.
        demo_variants: Those that --demo runs unless others are asked for; empty means all.
        readings: Variant -> the protocols that it is run under unless others are asked for; of those not named, all.
        illustrate: The paper's own figures and tables of the data: (utterance table, data by variant, a folder for
            other files) -> name, figure or None, numbers. They are written to `OUT/data/<corpus>/`.

    Raises:
        SerError: A name is misspelt: "paper" is no protocol, or a view looks at runs of a protocol, at a moment, at a
            part or at a column of the log that is not there.
    """

    folder: Path
    corpora: tuple[str, ...]
    variants: Mapping[str, Recipe]
    protocols: Mapping[str, Protocol]
    labels: Labels = lambda table: table
    main: tuple[str, ...] = ()
    demo_variants: tuple[str, ...] = ()
    readings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    illustrate: Illustrate | None = None

    def __post_init__(self) -> None:
        for name in (MAIN, NEW_SPEAKERS):
            if name not in self.protocols:
                raise SerError(f"{self.folder.name}: PROTOCOLS lacks {name!r}{did_you_mean(name, self.protocols)}")
        for name, protocol in self.protocols.items():
            of = getattr(protocol, "of", None)
            if of is not None and (of not in self.protocols or is_view(self.protocols[of])):
                raise SerError(
                    f"{self.folder.name}: protocol {name!r} looks at the runs of {of!r}, which has none"
                    f"{did_you_mean(of, self.protocols)}"
                )
            if (scored := protocol.scored) not in PARTS and (near := did_you_mean(scored, PARTS)):
                raise SerError(f"{self.folder.name}: protocol {name!r} scores a part {scored!r}{near}")
            column = getattr(protocol, "column", "") if isinstance(protocol, Logged) else ""
            if column not in LOGGED and (near := did_you_mean(column, LOGGED)):
                raise SerError(f"{self.folder.name}: protocol {name!r} reads a column {column!r} of the log{near}")
            moment = getattr(protocol, "moment", END)
            if not is_moment(moment):
                raise SerError(
                    f"{self.folder.name}: protocol {name!r} looks at the moment {moment!r}, which there is not: "
                    f"{', '.join(NAMED)} or epoch_N{did_you_mean(moment, NAMED)}"
                )
        for name in (*self.main, *self.demo_variants, *self.readings):
            if name not in self.variants:
                raise SerError(f"{self.folder.name}: there is no variant {name!r}{did_you_mean(name, self.variants)}")
        for variant, names in self.readings.items():
            for name in names:
                if name not in self.protocols:
                    raise SerError(
                        f"{self.folder.name}: {variant} is to run under {name!r}, which is no protocol"
                        f"{did_you_mean(name, self.protocols)}"
                    )

    def run_under(self, variant: str) -> tuple[str, ...]:
        """The protocols that a variant is run under unless others are asked for; views are none.

        Args:
            variant: Its name, without marks.

        Returns:
            Names, each once.
        """
        names = self.readings.get(variant, tuple(self.protocols))
        return tuple(dict.fromkeys(self.source(name) for name in names))

    def source(self, protocol: str) -> str:
        """The protocol whose runs give a protocol's numbers: itself, or for a view the one that it looks at.

        Args:
            protocol: Its name.

        Returns:
            The name of a protocol with runs of its own.
        """
        given = self.protocols[protocol]
        return given.of if is_view(given) else protocol

    def moments(self, protocol: str) -> tuple[str, ...]:
        """The moments of a protocol's runs that some view of them asks for.

        Args:
            protocol: The name of one with runs of its own.

        Returns:
            In order of their names; the end of training is none.
        """
        wanted = [getattr(p, "moment", "") for p in self.protocols.values() if getattr(p, "of", None) == protocol]
        return tuple(sorted({moment for moment in wanted if moment and moment != END}))


def is_view(protocol: Protocol) -> bool:
    """Whether a protocol has no runs of its own.

    Args:
        protocol: The protocol.

    Returns:
        True for `ScoredOn` and `Logged`, and a paper's own kinds of them.
    """
    return isinstance(protocol, (ScoredOn, Logged))
