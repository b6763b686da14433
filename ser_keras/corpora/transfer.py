"""One file over HTTP, within limits: nobody's server can fill the disk, keep a run waiting, or slip in another file.

What has come is kept as `NAME.part`, and the next attempt asks for the rest only. The connection is read by a thread,
so that a server that sends nothing at all, not even a heading, is left in time.
"""

from __future__ import annotations

import contextlib
import hashlib
import queue
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ser_keras.corpora.base import Remote
from ser_keras.support.errors import MissingCorpusError, SerError, SourceError
from ser_keras.support.files import reason
from ser_keras.support.names import printable
from ser_keras.support.progress import Progress

CHUNK = 2**16  # bytes
MB = 10**6


@dataclass(frozen=True)
class Limits:
    """What is expected of a server.

    Attributes:
        margin: Bytes above the published size.
        seconds: For all of a file.
        rate: Least bytes a second, over `window`.
        window: Seconds.
        attempts: Connections that may be lost one after the other before it is given up.
    """

    margin: int = 10**6
    seconds: float = 3 * 3600
    rate: float = 2000
    window: float = 30
    attempts: int = 4


LIMITS = Limits()


class LostError(Exception):
    """The connection ended before the file did."""


class TooLargeError(Exception):
    """More comes than was published."""


@dataclass(frozen=True)
class Answer:
    """A server's heading: the byte that it begins with, and how many there are in all (None: it does not say)."""

    start: int
    total: int | None


class Pace:
    """Keeps the time of one file, over all connections that it takes."""

    def __init__(self, url: str) -> None:
        self.url, self.came = url, 0
        now = time.monotonic()
        self.end, self.window_ends = now + LIMITS.seconds, now + LIMITS.window

    def wait(self) -> float:
        """Seconds until something has to be looked at.

        Raises:
            MissingCorpusError: It has taken too long, or came too slowly.
        """
        now = time.monotonic()
        kept = "what came is kept, and the same command goes on"
        if now > self.end:
            raise MissingCorpusError(f"{self.url} takes longer than {LIMITS.seconds:,.3g} seconds; {kept}")
        if now > self.window_ends:
            if self.came < LIMITS.rate * LIMITS.window:
                came = f"{self.came:,} bytes" if self.came else "nothing"
                raise MissingCorpusError(f"{self.url} is too slow ({came} in {LIMITS.window:,.3g} seconds); {kept}")
            self.window_ends, self.came = now + LIMITS.window, 0
        return min(self.end, self.window_ends, now + 1) - now + 1e-3


def fetch(remote: Remote, folder: Path) -> Path:
    """The file that a remote names, as published.

    Args:
        remote: Address, sum and size.
        folder: Where it goes; a part that came before is continued.

    Returns:
        The file's path.

    Raises:
        MissingCorpusError: The server cannot be reached, does not have it, is too slow, or breaks off; what came is
            kept.
        SourceError: What came is not the published file; nothing is kept of it.
        SerError: The folder cannot be written, or the disk is full.
    """
    target = folder / remote.url.rsplit("/", 1)[-1]
    if target.exists() and _is_published(target, remote):
        return target
    part = target.with_name(f"{target.name}.part")
    continued = part.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _all_of_it(remote, part)
        if not _is_published(part, remote) and continued:  # the old part may be of another file
            part.unlink()
            _all_of_it(remote, part)
        if not _is_published(part, remote):
            part.unlink()
            raise SourceError(f"{remote.url} did not arrive as published (its checksum differs); it was removed")
        part.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise SerError(f"{part} cannot be written: {reason(error)}") from error
    return target


def _is_published(path: Path, remote: Remote) -> bool:
    if remote.checksum is None:
        return True
    kind, _, wanted = remote.checksum.partition(":")
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest() == wanted


def _all_of_it(remote: Remote, part: Path) -> None:
    """Connect, and again for the rest, as long as each connection brings some."""
    pace, lost = Pace(remote.url), 0
    while lost < LIMITS.attempts:
        before = _size(part)
        try:
            _once(remote, part, pace)
            return
        except LostError as error:
            why = error
        except TooLargeError as error:
            part.unlink(missing_ok=True)
            raise SourceError(
                f"{remote.url} is not the published file: it sends {error} in place of {remote.size / MB:,.1f} MB; it "
                "was removed"
            ) from None
        lost = 0 if _size(part) > before else lost + 1
    raise MissingCorpusError(f"{remote.url} breaks off ({why}); what came is kept, and the same command goes on")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _once(remote: Remote, part: Path, pace: Pace) -> None:
    """One connection; what comes is added to the part."""
    arrived: queue.Queue[Answer | bytes | Exception | None] = queue.Queue(maxsize=16)
    stop = threading.Event()
    threading.Thread(target=_read, args=(remote.url, _size(part), arrived, stop), daemon=True).start()
    try:
        answer = _next(arrived, pace)
        if answer.start > _size(part):
            part.unlink(missing_ok=True)
            raise LostError("the server goes on elsewhere")
        largest = remote.size + LIMITS.margin
        if (answer.total or 0) > largest:
            raise TooLargeError(f"{answer.total / MB:,.1f} MB")
        written, total = answer.start, answer.total or remote.size
        with (
            part.open("r+b" if written else "wb") as file,
            Progress("downloading (MB)", max(1, total // MB), every=10) as progress,
        ):
            file.seek(written)
            progress.step(by=written // MB)
            while (chunk := _next(arrived, pace)) is not None:
                if written + len(chunk) > largest:
                    raise TooLargeError("more")
                file.write(chunk)
                progress.step(by=(written + len(chunk)) // MB - written // MB)
                written, pace.came = written + len(chunk), pace.came + len(chunk)
    finally:
        stop.set()


def _next(arrived: queue.Queue, pace: Pace) -> Answer | bytes | None:
    """What the thread has read, as soon as it is there."""
    while True:
        try:
            item = arrived.get(timeout=pace.wait())
        except queue.Empty:
            continue
        if isinstance(item, Exception):
            raise item
        return item


def _read(url: str, start: int, arrived: queue.Queue, stop: threading.Event) -> None:
    """Put what a server answers into the queue: `Answer`, then bytes, then None; or an error."""
    import requests

    def put(item: Answer | bytes | Exception | None) -> None:
        while not stop.is_set():
            try:
                arrived.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    answered = False
    try:
        with requests.get(url, stream=True, headers=headers, timeout=LIMITS.window) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:  # all of it is here
                put(Answer(start, None))
                put(None)
                return
            if not response.ok:
                put(MissingCorpusError(f"{url} answers {response.status_code} ({printable(response.reason)})"))
                return
            put(_answer(response.status_code, response.headers, start))
            answered = True
            while not stop.is_set() and (chunk := response.raw.read1(CHUNK, decode_content=False)):
                put(chunk)
            put(None)
    except Exception as error:  # of requests, urllib3, http.client, ssl: their text is a page long and tells no more
        why = type(error).__name__
        put(LostError(why) if answered else MissingCorpusError(f"{url} cannot be reached ({why})"))


def _answer(status: int, headers: Mapping[str, str], start: int) -> Answer:
    """Where the answer begins: at the first byte, where a server has no ranges."""
    length = headers.get("Content-Length", "")
    length = int(length) if length.isdecimal() else None
    if status != 206:
        return Answer(0, length)
    first = headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    if first != str(start):
        return Answer(sys.maxsize, None)
    return Answer(start, None if length is None else start + length)
