"""Open corpora from their publishers: checksum, progress bar, licence notice, resumable by running again."""

from __future__ import annotations

import hashlib
import shutil
import sys
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pooch

from ser_keras.corpora.base import Corpus, Remote
from ser_keras.support.errors import MissingCorpusError, SerError
from ser_keras.support.files import atomic
from ser_keras.support.progress import Progress


def download(corpus: Corpus, folder: Path) -> None:
    """Fetch an open corpus and unpack it into `folder`.

    The archive is kept in `folder/.download` until it is unpacked, so that a run that was stopped between the two
    does not fetch it again; files already unpacked are kept.

    Args:
        corpus: The corpus; it must have a `remote`.
        folder: Its own folder.

    Raises:
        MissingCorpusError: The publisher cannot be reached.
        SerError: The archive is not the published one, or cannot be unpacked; it is removed.
    """
    print(f"{corpus.title} is not in {folder}; downloading it.", file=sys.stderr)
    print(f"Licence: {corpus.licence}\nPlease cite: {corpus.citation}", file=sys.stderr)
    kept = folder / ".download"
    for remote in corpus.remote:
        archive = fetch(remote, kept, corpus)
        unpack(archive, folder, known=corpus.checksums())
    shutil.rmtree(kept, ignore_errors=True)


def fetch(remote: Remote, folder: Path, corpus: Corpus) -> Path:
    """One archive, checked against its published sum.

    Raises:
        MissingCorpusError: The publisher cannot be reached.
        SerError: What came is not the published file; it is removed.
    """
    name = remote.url.rsplit("/", 1)[-1]
    try:
        with Progress("downloading (MB)", max(1, remote.size // 10**6), every=10) as progress:
            get = pooch.HTTPDownloader(progressbar=_Bar(progress), chunk_size=2**16)
            # pooch writes to a temporary file and moves it only when the sum is right.
            path = pooch.retrieve(remote.url, remote.checksum, name, folder, downloader=get)
    except ValueError as error:
        (folder / name).unlink(missing_ok=True)
        raise SerError(
            f"{remote.url} did not arrive as published (its checksum differs); it was removed. Run the same command "
            f"again, or do it by hand: {corpus.how_to_get}."
        ) from error
    except OSError as error:  # what requests raises is one, too
        reason = type(error).__name__  # its text is a page long and tells no more
        raise MissingCorpusError(f"{remote.url} cannot be reached ({reason}). {corpus.how_to_get}.") from error
    return Path(path)


def unpack(archive: Path, folder: Path, *, known: Mapping[str, str]) -> None:
    """Unpack a ZIP archive into `folder`, each file whole or not at all.

    Args:
        archive: The ZIP file.
        folder: Where its members go.
        known: First digits of each recording's SHA-256 by utterance; members that it does not name are not checked.

    Raises:
        SerError: The archive is damaged or altered (it is removed), or a member would land outside the folder.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [m for m in opened.infolist() if not m.is_dir()]
            for member in members:
                inside = PurePosixPath(member.filename.replace("\\", "/"))
                if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
                    archive.unlink()
                    raise SerError(
                        f"{archive.name} is refused: {member.filename!r} would land outside {folder}; it was removed"
                    )
            for member in members:
                target = folder / member.filename
                if target.exists() and target.stat().st_size == member.file_size:
                    continue
                content = opened.read(member)
                published = known.get(target.stem, "")
                if not hashlib.sha256(content).hexdigest().startswith(published):
                    raise zipfile.BadZipFile(f"{member.filename} is not the published recording")
                with atomic(target) as partial:
                    partial.write_bytes(content)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        archive.unlink(missing_ok=True)
        raise SerError(
            f"{archive} is damaged ({error}); it was removed. Run the same command again to fetch it anew."
        ) from error


class _Bar:
    """The progress display in the form that pooch asks for: `total`, `update`, `reset`, `close`."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.total = progress.total  # pooch sets it to what the server says
        self._bytes = 0

    def update(self, count: int) -> None:
        """`count` more bytes have come."""
        before, self._bytes = self._bytes, self._bytes + count
        if megabytes := self._bytes // 10**6 - before // 10**6:
            self.progress.step(by=megabytes)

    def reset(self) -> None:
        """Part of pooch's interface: the count starts again, to be filled up; nothing to show."""
        self._bytes = 0

    def close(self) -> None:
        """Part of pooch's interface; the display is closed by whoever opened it."""
