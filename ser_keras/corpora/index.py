"""An index of a corpus: the sums of its recordings, by which a copy is later known to be whole."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ser_keras.corpora.base import Corpus
from ser_keras.corpora.listing import AUDIO_SUFFIXES, walk
from ser_keras.support.errors import SerError
from ser_keras.support.files import sha256, write_text
from ser_keras.support.names import printable

DIGITS = 16  # of each sum: enough to tell recordings apart
PUBLISHED = Path(__file__).parent / "checksums"


def make_index(corpus: Corpus, source: Path, target: Path | None = None) -> Path:
    """Write the sums of a complete copy as `checksums/NAME.csv`.

    Args:
        corpus: The corpus; its `parse` names the recordings.
        source: Its folder, or the ZIP archive as published.
        target: The file to write; None writes where the suite looks for it.

    Returns:
        The file written: `utterance,sha256`, sorted.

    Raises:
        SerError: The source cannot be read, holds another number of recordings than the corpus has, or two different
            files under one recording's name.

    Example:
        >>> make_index(find("emodb"), Path("download.zip"))  # doctest: +SKIP
        PosixPath('.../ser_keras/corpora/checksums/emodb.csv')
    """
    if corpus.parse is None:
        raise SerError(f"{corpus.name} does not name recordings by their files; it has no index")
    try:
        files = list(_zipped(source) if source.is_file() else _unpacked(source))
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise SerError(f"{printable(source)} cannot be read ({error}); give the corpus's folder or ZIP file") from error
    sums: dict[str, str] = {}
    for path, checksum in files:
        row = corpus.parse(path)
        if row and sums.setdefault(row["utterance"], checksum) != checksum:
            raise SerError(f"{printable(source)}: there are two different files of {row['utterance']}")
    if len(sums) != corpus.expected:
        raise SerError(f"{printable(source)} holds {len(sums):,} recordings of {corpus.title}'s {corpus.expected:,}")
    target = target or PUBLISHED / f"{corpus.name}.csv"
    write_text(target, "".join(["utterance,sha256\n", *(f"{name},{sums[name][:DIGITS]}\n" for name in sorted(sums))]))
    return target


def _unpacked(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in walk(folder):
        if path.is_file():
            yield path.relative_to(folder), sha256(path)


def _zipped(archive: Path) -> Iterator[tuple[Path, str]]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            path = Path(member.filename)
            if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith("."):
                with opened.open(member) as file:
                    yield path, hashlib.file_digest(file, "sha256").hexdigest()
