"""Open corpora from their publishers: checksum, progress bar, licence notice, resumable by running again."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from ser_keras.corpora.archives import unpack
from ser_keras.corpora.base import Corpus, Remote
from ser_keras.corpora.transfer import fetch
from ser_keras.support.errors import MissingCorpusError, SerError, SourceError
from ser_keras.support.files import reason
from ser_keras.support.names import printable


def download(corpus: Corpus, folder: Path) -> None:
    """Fetch an open corpus and unpack it into `folder`.

    The archive is kept in `folder/.download` until it is unpacked, so that a run that was stopped does not fetch it
    again; files already unpacked are kept. Of two downloads at once the second waits for the first.

    Args:
        corpus: The corpus; it must have a `remote`.
        folder: Its own folder.

    Raises:
        MissingCorpusError: The publisher cannot be reached.
        SourceError: The archive is not the published one, or cannot be unpacked; it is removed.
        SerError: The folder cannot be written, or the disk is full.
    """
    with _alone(folder) as waited:
        if waited and corpus.is_there(folder):
            return
        print(f"{corpus.title} is not in {printable(folder)}; downloading it.", file=sys.stderr)
        print(f"Licence: {corpus.licence}\nPlease cite: {corpus.citation}", file=sys.stderr)
        try:
            for remote in corpus.remote:
                _any_source(remote, corpus, folder)
            shutil.rmtree(folder / ".download", ignore_errors=True)
        finally:
            for place in (folder / ".download", folder):
                with contextlib.suppress(OSError):
                    place.rmdir()  # empty ones only


def _any_source(remote: Remote, corpus: Corpus, folder: Path) -> None:
    """The archive from its first source, or where that fails from its second."""
    try:
        _from(remote, corpus, folder)
    except (MissingCorpusError, SourceError) as error:
        by_hand = f"Run the same command again, or do it by hand: {corpus.how_to_get.rstrip('.')}."
        if remote.second is None:
            raise type(error)(f"{error}. {by_hand}") from error
        print(f"{error}. Another source is tried: {remote.second.url}", file=sys.stderr)
        try:
            _from(remote.second, corpus, folder)
        except (MissingCorpusError, SourceError) as second:
            raise type(error)(f"{error}. {second}. {by_hand}") from second


def _from(remote: Remote, corpus: Corpus, folder: Path) -> None:
    archive = fetch(remote, folder / ".download")
    left_out = unpack(archive, folder, known=corpus.checksums(), only_known=remote.only_known)
    archive.unlink(missing_ok=True)
    if left_out:
        print(f"{left_out:,} recordings there are other files than the published ones: left out.", file=sys.stderr)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Hold the corpus's folder for one download; yields whether another one had to be waited for."""
    import filelock

    lock = filelock.FileLock(folder.parent / f".{folder.name}.lock")
    waited = False
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            waited = True
            print(f"Another download into {printable(folder)} is under way; waiting for it.", file=sys.stderr)
            lock.acquire()
    except OSError as error:
        raise SerError(f"{printable(folder)} cannot be written: {reason(error)}") from error
    try:
        yield waited
    finally:
        lock.release()
