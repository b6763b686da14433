"""Where corpora lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ser_keras.corpora.listing import kind
from ser_keras.support.folders import user_data_folder

if TYPE_CHECKING:
    from ser_keras.corpora.base import Corpus

DEPTH = 2  # folders below the one given in which a corpus's own files are looked for


def data_folder(given: Path | None) -> Path:
    """Where corpora lie: the folder given, else $SER_KERAS_DATA, else the per-user data folder.

    Args:
        given: The folder of a flag or argument; None where there is none.

    Returns:
        A path; whether anything is there is not looked at.

    Example:
        >>> data_folder(Path("corpora")).name
        'corpora'
    """
    if given is not None:
        return given
    if from_environment := os.environ.get("SER_KERAS_DATA"):
        return Path(from_environment)
    return user_data_folder()


def locate(corpus: Corpus, data: Path) -> Path:
    """The corpus's own folder.

    Args:
        corpus: The corpus.
        data: The folder that holds corpora (`DATA/ravdess`, in upper or lower case), or the corpus's own one.

    Returns:
        The folder; where there is none, that in which it should lie.

    Example:
        >>> from ser_keras.corpora import find
        >>> locate(find("ravdess"), Path("nowhere")).as_posix()
        'nowhere/ravdess'
    """
    folder = data / corpus.folder
    if kind(folder) == "a directory":
        return folder
    try:
        inside = sorted(path for path in data.iterdir() if path.name.lower() == corpus.folder.lower())
    except OSError:
        return folder
    for path in inside:
        if kind(path) == "a directory":
            return path
    return data if data.absolute().name.lower() == corpus.folder.lower() or _holds(corpus, data) else folder


def _holds(corpus: Corpus, folder: Path) -> bool:
    """Whether one of the corpus's own files lies in the folder, or little deeper: a data folder may be large."""
    if corpus.parse is None:
        return bool(corpus.listing(folder).rows)
    for place, folders, files in os.walk(folder):
        relative = Path(place).relative_to(folder)
        if len(relative.parts) >= DEPTH:
            folders.clear()
        if any(corpus.parse(relative / name) for name in files):
            return True
    return False
