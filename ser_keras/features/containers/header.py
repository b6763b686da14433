"""What a recording's own header says, and how it is read: a few bytes at a time, trusting none of them."""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO

FETCH = "fetch the recording again"
ANEW = f"{FETCH}, or write it anew (ffmpeg -i IN -c:a pcm_s16le OUT.wav)"
CONVERT = "convert it to WAV of 16 bits (ffmpeg -i IN -c:a pcm_s16le OUT.wav)"

MOST = 10_000  # chunks in a file
TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")  # what players write behind a recording
SEEN = 65_536  # bytes that are looked at where nothing should stand


class Flaw(Exception):  # noqa: N818 - a property of a file, which becomes an error where its name is known
    """Why a recording cannot be used: what follows its name in a message, and the remedy."""

    def __init__(self, what: str, remedy: str = FETCH) -> None:
        super().__init__(f"{what}; {remedy}")


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What a header says of the sound.

    Attributes:
        rate: Sample rate in Hz.
        channels: Number of channels.
        frames: Samples of each channel; None where the container does not tell.
        exact: Decoding gives just as many frames; otherwise at least as many.
        packed: Compressed: what is lost shows only when all of it is decoded.
        md5: Of the samples as integers of `bits` bits; empty where the container has none.
        bits: Bits in a sample, where `md5` is given.
        talks: The decoder writes to standard error.
    """

    rate: float
    channels: int
    frames: int | None
    exact: bool = True
    packed: bool = False
    md5: bytes = b""
    bits: int = 0
    talks: bool = False


class Reader:
    """A file by offsets."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = os.fstat(file.fileno()).st_size

    def take(self, start: int, count: int) -> bytes:
        """`count` bytes from `start` on.

        Args:
            start: First byte.
            count: How many.

        Returns:
            Exactly `count` bytes.

        Raises:
            Flaw: The file ends before.
        """
        found = self.peek(start, count)
        if len(found) < count:
            raise Flaw(f"ends within its header (at byte {self.size:,})")
        return found

    def peek(self, start: int, count: int) -> bytes:
        """Up to `count` bytes from `start` on.

        Args:
            start: First byte.
            count: How many at most.

        Returns:
            Fewer, or none, where the file ends before.
        """
        if start >= self.size:
            return b""
        self.file.seek(start)
        return self.file.read(min(count, self.size - start))

    def unpack(self, form: str, start: int) -> tuple:
        """Numbers at `start`, in the notation of `struct`.

        Args:
            form: As for `struct.unpack`.
            start: First byte.

        Returns:
            One value an entry of `form`.

        Raises:
            Flaw: The file ends before.
        """
        return struct.unpack(form, self.take(start, struct.calcsize(form)))

    def require(self, end: int) -> None:
        """Tell a file that ends before byte `end`.

        Args:
            end: The first byte that need not be there.

        Raises:
            Flaw: It does.
        """
        if end > self.size:
            raise Flaw(f"is truncated ({self.size:,} bytes of {end:,})")


@dataclass(frozen=True)
class Chunk:
    """A named part of a file: where its body begins, and how many bytes it has."""

    name: bytes
    start: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a family of containers writes the head of a chunk.

    Attributes:
        head: Name and size, in the notation of `struct`.
        pad: Chunks begin at multiples of so many bytes.
        own: Bytes of the head that the size counts, too.
        tails: What may follow the four letters of a name (W64 makes GUIDs of them).
    """

    head: str
    pad: int = 1
    own: int = 0
    tails: Collection[bytes] = (b"",)

    def named(self, name: bytes) -> bool:
        """Whether the bytes can be a chunk's name: four letters.

        Args:
            name: The bytes where a name should stand.

        Returns:
            Whether they are one, tail included.
        """
        return len(name) >= 4 and all(32 <= byte < 127 for byte in name[:4]) and name[4:] in self.tails


def chunks(
    reader: Reader,
    start: int,
    layout: Layout,
    *,
    data: bytes,
    unknown: Collection[int] = (),
    known: int | None = None,
) -> Iterator[Chunk]:
    """The chunks of a file, in order. Nothing but chunks may stand there, zeros and known tags excepted.

    Args:
        reader: The file.
        start: Where the first chunk begins.
        layout: How heads are written.
        data: Name of the chunk that holds the sound.
        unknown: Sizes of that chunk that are none: what writers leave that stream.
        known: Its size where it is told elsewhere; None: then up to the end of the file.

    Raises:
        Flaw: A chunk reaches over the end of the file, or something that is no chunk lies between or behind them.
    """
    length = struct.calcsize(layout.head)
    for _ in range(MOST):
        rest = reader.peek(start, SEEN)
        if not any(rest) or rest.startswith(TAGS):
            return
        if layout.pad == 2 and not layout.named(rest[:4]) and layout.named(reader.peek(start - 1, 4)):
            start -= 1  # some writers forget to fill up a chunk of odd size
        elif len(rest) < length or not layout.named(struct.unpack_from(layout.head, rest)[0]):
            raise Flaw(
                f"is damaged: {reader.size - start:,} bytes from byte {start:,} on are no part of its sound", ANEW
            )
        name, size = reader.unpack(layout.head, start)
        body, size = start + length, size - layout.own
        if name[:4] == data and size + layout.own in unknown:
            size = reader.size - body if known is None else known
        if size < 0:
            raise Flaw(f"is damaged: the size of a part, {size:,} bytes, is below zero")
        reader.require(body + size)
        yield Chunk(name[:4], body, size)
        start = body + size
        start += -start % layout.pad
    raise Flaw(f"is damaged: it has more than {MOST:,} parts")


def once(found: dict[bytes, Chunk], chunk: Chunk) -> None:
    """Note a chunk of which there must be one.

    Args:
        found: Chunks by name, to which it is added.
        chunk: The chunk.

    Raises:
        Flaw: It is the second.
    """
    if chunk.name in found:
        raise Flaw(f"is damaged: it holds two parts called {chunk.name.decode('latin-1').strip()!r}")
    found[chunk.name] = chunk


def part(found: dict[bytes, Chunk], name: bytes) -> Chunk:
    """A chunk that must be there.

    Args:
        found: Chunks by name.
        name: Which of them.

    Raises:
        Flaw: It is not.
    """
    if name not in found:
        raise Flaw(f"is damaged: its part {name.decode('latin-1').strip()!r} is missing")
    return found[name]


def whole_frames(size: int, width: int) -> int:
    """How many frames of `width` bytes a number of bytes makes.

    Args:
        size: Bytes of sound.
        width: Bytes of one sample of all channels.

    Returns:
        The number of frames.

    Raises:
        Flaw: It is no whole number.

    Example:
        >>> whole_frames(12, 4)
        3
    """
    if width <= 0 or size % width:
        raise Flaw(f"contradicts itself: {size:,} bytes are no whole number of frames of {width} bytes")
    return size // width


def unreadable(codec: str) -> Flaw:
    """A codec that is refused, by its name.

    Args:
        codec: Its name.

    Returns:
        The error, to be raised.
    """
    return Flaw(f"is coded as {codec}, which cannot be read here", CONVERT)
