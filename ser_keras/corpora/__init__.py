"""The corpora: one module each, found here, not listed.

A module of this package is a corpus if it has a constant `CORPUS` (or a tuple `CORPORA`). They are imported when
`CORPORA` is first asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

from ser_keras.corpora.base import OPEN, Corpus, Validation
from ser_keras.corpora.folders import locate
from ser_keras.support.errors import SerError
from ser_keras.support.messages import did_you_mean
from ser_keras.support.names import printable

if TYPE_CHECKING:
    CORPORA: dict[str, Corpus]

__all__ = ["CORPORA", "OPEN", "Corpus", "Validation", "find", "locate", "named"]

_own: dict[str, Corpus] = {}  # tables of one's own that this process has read


def __getattr__(name: str) -> dict[str, Corpus]:
    """`CORPORA`, the corpora by name."""
    if name != "CORPORA":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault("CORPORA", _found())


def find(name: str | Path) -> Corpus:
    """The corpus that a name stands for, or a CSV file of one's own recordings.

    Args:
        name: A corpus's name, or the path of a CSV file (see `own.from_csv`).

    Returns:
        The corpus; one of a CSV file is known by its name from then on.

    Raises:
        SerError: There is no such corpus, or the file cannot be used; the message says what is wrong.

    Example:
        >>> find("emodb").title
        'Emo-DB'
        >>> find("emo-db")
        Traceback (most recent call last):
            ...
        ser_keras.support.errors.SerError: There is no corpus "emo-db"; did you mean 'emodb'? Known are demo, \
emodb, iemocap, ravdess, ravdess_standin, ravdess_song, savee, and CSV files of one's own recordings.
    """
    corpora = __getattr__("CORPORA")
    if str(name) in corpora:
        return corpora[str(name)]
    if Path(name).suffix.lower() != ".csv":
        raise SerError(
            f'There is no corpus "{printable(name)}"{did_you_mean(str(name), corpora) or "."} Known are '
            f"{', '.join(corpora)}, and CSV files of one's own recordings."
        )
    from ser_keras.corpora.own import from_csv

    corpus = from_csv(name)
    _own[corpus.name] = corpus
    return corpus


def named(name: str) -> Corpus:
    """The corpus of a finished run, by its name alone: for tables, which want a title and terms of use.

    Args:
        name: As a run's record has it.

    Returns:
        A known corpus, or the table of one's own that this process has read; else one of which only the name is
        known.

    Example:
        >>> named("emodb").title, named("mine").title
        ('Emo-DB', 'recordings of mine')
    """
    corpora = __getattr__("CORPORA")
    return (
        corpora.get(name)
        or _own.get(name)
        or Corpus(
            name=name,
            title=f"recordings of {printable(name)}",
            citation="Recordings of one's own.",
            licence="their owner's",
            how_to_get="They are listed in a table of one's own",
            emotions=(),
            expected=0,
            folder="",
            speaker=lambda utterance: "",
        )
    )


def _found() -> dict[str, Corpus]:
    corpora: dict[str, Corpus] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        if module.name.endswith("__main__"):
            continue
        made = importlib.import_module(module.name)
        for corpus in getattr(made, "CORPORA", [getattr(made, "CORPUS", None)]):
            if corpus is None:
                continue
            if corpus.name in corpora:
                raise ValueError(f"two corpora are named {corpus.name!r}")
            corpora[corpus.name] = corpus
    return corpora
