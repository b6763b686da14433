"""What lies in a corpus's folder, by names alone: nothing is opened here, so that nothing can hang."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]
# Endings under which sound is kept. Only those: Emo-DB's labels bear the names of its recordings, too.
AUDIO_SUFFIXES = frozenset(
    f".{ending}"
    for ending in (
        *("wav", "wave", "w64", "rf64", "flac", "mp3", "ogg", "oga", "opus", "aif", "aiff", "aifc", "au", "snd", "caf"),
        *("m4a", "mp4a", "aac", "wma", "webm", "sph", "raw", "amr", "voc"),
    )
)
KINDS = {
    stat.S_ISDIR: "a directory",
    stat.S_ISFIFO: "a FIFO",
    stat.S_ISSOCK: "a socket",
    stat.S_ISLNK: "a broken link",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


@dataclass(kw_only=True)
class Listing:
    """The recordings of a folder and their files.

    Attributes:
        rows: Row of the utterance table by utterance, without `path`.
        files: The files of each of them; none where the corpus names a recording that is not there.
        extra: Audio files whose name is not the corpus's.
        odd: What stands under a recording's name and is no file: "a.wav (a directory)".
        repeated: Places where a recording is named again; it counts once.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    files: dict[str, list[Path]] = field(default_factory=dict)
    extra: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)

    def add(self, row: Row, path: Path, name: str) -> None:
        """A recording, or a further file of one; `name` is how messages call the file.

        Args:
            row: Columns of the utterance table by name.
            path: The file; one that is absent leaves no trace.
            name: The file's name in messages.
        """
        what = kind(path)
        if what == "":
            self.rows.setdefault(row["utterance"], row)
            self.files.setdefault(row["utterance"], []).append(path)
        elif what != "absent":
            self.odd.append(f"{name} ({what})")


def listed(folder: Path, parse: Callable[[Path], Row | None], names: Collection[str]) -> Listing:
    """Sort a folder's files by what their names say.

    Args:
        folder: The corpus's own folder; it may be absent.
        parse: As `Corpus.parse`.
        names: All utterances that the corpus has; empty where that is not known.

    Returns:
        Rows and files by utterance, and what else lies there.
    """
    listing = Listing()
    for path in walk(folder):
        relative = path.relative_to(folder)
        row = parse(relative)
        if row == {}:
            continue
        if row and (not names or row["utterance"] in names):
            listing.add(row, path, str(relative))
        elif kind(path) == "":
            listing.extra.append(str(relative))
    return listing


def walk(folder: Path) -> Iterator[Path]:
    """What has an audio file's ending below a folder, in order; nothing hidden ("._x.wav" is left by macOS).

    Args:
        folder: It may be absent.

    Yields:
        Paths that begin with `folder`.
    """
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted((*folders, *files)):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES:
                yield Path(place) / name


def kind(path: Path) -> str:
    """What stands there: "" for a file (or a link to one), "absent", or "a directory", "a FIFO", "a broken link" ...

    Args:
        path: What is looked at; links are followed.

    Returns:
        Words for behind "is", or "".

    Example:
        >>> kind(Path(".")), kind(Path("no such file"))
        ('a directory', 'absent')
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # a name that no file can have is a ValueError
        try:
            mode = path.lstat().st_mode
        except (OSError, ValueError):
            return "absent"
    return next((what for test, what in KINDS.items() if test(mode)), "")
