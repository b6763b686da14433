"""Which corpora are here, whether they are whole, and how to get each: in a row, or in full."""

from __future__ import annotations

from pathlib import Path

from ser_keras.corpora.base import Corpus
from ser_keras.corpora.folders import locate
from ser_keras.corpora.validation import Validation
from ser_keras.support.errors import SerError
from ser_keras.support.folders import user_cache_folder
from ser_keras.support.names import printable


def real() -> list[Corpus]:
    """The corpora that have files of their own to be got.

    Example:
        >>> "demo" in [corpus.name for corpus in real()]
        False
    """
    from ser_keras.corpora import CORPORA

    return [corpus for corpus in CORPORA.values() if not corpus.synthetic and not corpus.files_of]


def state(found: Validation) -> str:
    """A word for it: MISSING, INCOMPLETE or valid.

    Args:
        found: What validating the corpus has found.
    """
    return "MISSING" if found.table.empty else "INCOMPLETE" if found.unusable else "valid"


def row(corpus: Corpus, data: Path) -> str:
    """One corpus in a line: its state, how many recordings of how many, where, or what to do.

    Args:
        corpus: The corpus.
        data: Where corpora lie.

    Returns:
        A line without its end; of a corpus whose own lists make no sense, with the reason.
    """
    folder = locate(corpus, data)
    try:
        found = corpus.validate(folder)
    except SerError as error:
        return f"{corpus.name:<14}INCOMPLETE  {error}"
    get = f"--get {corpus.name}" if corpus.remote else f"{corpus.access}; see {corpus.name}"
    where = printable(folder) if state(found) != "MISSING" else get
    return f"{corpus.name:<14}{state(found):<12}{len(found.table):>7,} of {corpus.expected:>6,}  {where}"


def details(corpus: Corpus, data: Path) -> str:
    """All of one corpus: what is wrong with it, counts, licence, and how to get it.

    Args:
        corpus: The corpus.
        data: Where corpora lie.

    Returns:
        Lines, all but the first indented.

    Raises:
        SerError: The corpus's own lists make no sense.
    """
    folder = locate(corpus, data)
    found = corpus.validate(folder)
    lines = [f"{corpus.name}: {state(found)}"]
    if state(found) != "MISSING":
        emotions = found.table.emotion.value_counts()
        counts = ", ".join(f"{e} {emotions[e]:,}" for e in corpus.emotions if e in emotions)
        lines += found.told(user_cache_folder() / "lists").splitlines()
        lines += [f"  {counts}; {found.table.speaker.nunique()} speakers"]
    if state(found) != "valid":
        lines += [f"How to get it: {corpus.how_to_get}.", f"Folder: {printable(folder)}"]
        if corpus.remote:
            lines += [f"Or: python -m ser_keras.corpora --get {corpus.name}"]
    return "\n  ".join([*lines, f"Licence: {corpus.licence}", f"Cite: {corpus.citation}"])
