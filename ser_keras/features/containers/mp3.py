"""MP3: no header of its own, but one in each frame, and often a count of frames in the first."""

from __future__ import annotations

from dataclasses import dataclass

from ser_keras.features.containers.header import ANEW, CONVERT, TAGS, Flaw, Reader, Stated, unreadable

LARGEST = 256_000_000  # bytes; an hour at 320 kbit/s is 144 MB
MPEG_1, MPEG_2, MPEG_2_5 = 3, 2, 0
LAYER_3 = 1
RATES = {MPEG_1: (44100, 48000, 32000), MPEG_2: (22050, 24000, 16000), MPEG_2_5: (11025, 12000, 8000)}
KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
DELAY = 1105  # samples that a decoder may leave out at the start and, rounded up to a frame, at the end


@dataclass(frozen=True)
class Frame:
    """The head of one frame."""

    version: int
    rate: int
    channels: int
    kbit: int
    length: int

    @property
    def samples(self) -> int:
        """Samples of each channel in a frame."""
        return 1152 if self.version == MPEG_1 else 576


def id3(head: bytes) -> int:
    """Bytes of an ID3v2 tag that begins so; 0 for none.

    Args:
        head: The first ten bytes of a file, or more.

    Returns:
        Bytes of the whole tag, its head and its footer included.

    Example:
        >>> id3(b"ID3" + bytes([4, 0, 0, 0, 0, 1, 0])), id3(b"RIFF" + bytes(6))
        (138, 0)
    """
    if head[:3] != b"ID3" or len(head) < 10 or max(head[6:10]) > 127:
        return 0
    size = sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    return size + (20 if head[5] & 0x10 else 10)


def mp3(reader: Reader, start: int = 0) -> Stated:
    """Walk through the frames from byte `start` on.

    Args:
        reader: The file.
        start: Byte at which the first frame is looked for, behind a tag.

    Returns:
        Rate, channels, and a length that is not exact.

    Raises:
        Flaw: It is truncated, damaged, too large, or of changing bit rate without a stated length.
    """
    if reader.size - start > LARGEST:
        raise Flaw(f"is an MP3 of {reader.size:,} bytes, which no recording of an hour has")
    data = reader.take(start, reader.size - start)
    place = len(data) - len(data.lstrip(b"\0"))  # padding behind a tag
    first = head = _frame(data, place)
    begin, count, kbits = place, 0, set()
    if first is None:
        raise Flaw(f"is damaged: no MP3 frame begins at byte {start + place:,}")
    while head is not None:
        if (head.version, head.rate, head.channels) != (first.version, first.rate, first.channels):
            raise Flaw(f"is damaged: its sample rate or channels change at byte {start + place:,}")
        if place + head.length > len(data):
            raise Flaw(f"is truncated ({reader.size:,} bytes of {start + place + head.length:,})")
        place, count = place + head.length, count + 1
        kbits.add(head.kbit)
        head = _frame(data, place)
    rest = data[place:]
    if rest.strip(b"\0") and not rest.startswith(TAGS):
        raise Flaw(f"is damaged: no MP3 frame begins at byte {start + place:,}")
    index = _index(data[begin : begin + first.length], first)
    if index is None:
        if len(kbits) > 1:  # libsndfile guesses the length from the first frame's rate, and reads no more
            raise Flaw("is an MP3 of changing bit rate that does not state how long it is", CONVERT)
        stated = count * first.samples - DELAY - first.samples
    else:
        frames, delay = index
        if count < frames:  # some count the first, too
            raise Flaw(f"is truncated ({count:,} frames of {frames:,})")
        if count - 1 > frames:
            raise Flaw(f"contradicts itself: it holds {count - 1:,} frames and states {frames:,}")
        stated = frames * first.samples - delay
    return Stated(rate=first.rate, channels=first.channels, frames=max(0, stated), exact=False, packed=True, talks=True)


def _frame(data: bytes, place: int) -> Frame | None:
    """The frame that begins at a place; None where none does."""
    head = int.from_bytes(data[place : place + 4], "big")
    version, layer, kbit, rate = head >> 19 & 3, head >> 17 & 3, head >> 12 & 15, head >> 10 & 3
    if head >> 21 != 0x7FF or version == 1 or layer == 0 or kbit == 15 or rate == 3:
        return None
    if layer != LAYER_3:
        raise unreadable("MPEG layer I or II")
    if kbit == 0:
        raise unreadable("MP3 of free bit rate")
    hertz = RATES[version][rate]
    bits = 1000 * (KBITS_1 if version == MPEG_1 else KBITS_2)[kbit]
    length = (144 if version == MPEG_1 else 72) * bits // hertz + (head >> 9 & 1)
    return Frame(version, hertz, 1 if head >> 6 & 3 == 3 else 2, kbit, length)


def _index(frame: bytes, head: Frame) -> tuple[int, int] | None:
    """Frames behind the first, and samples that are no sound, as the first states them; None where it does not."""
    if frame[36:40] == b"VBRI":
        return int.from_bytes(frame[50:54], "big"), DELAY + head.samples
    stereo = head.channels == 2
    place = 4 + ((32 if stereo else 17) if head.version == MPEG_1 else (17 if stereo else 9))
    if frame[place : place + 4] not in (b"Xing", b"Info"):
        return None
    flags = int.from_bytes(frame[place + 4 : place + 8], "big")
    if not flags & 1:
        return None
    frames = int.from_bytes(frame[place + 8 : place + 12], "big")
    # Behind frames, bytes, a table of 100 and a quality stands the encoder's name, then its delay and padding.
    encoder = place + 8 + 4 * (flags & 1) + 2 * (flags & 2) + 25 * (flags & 4) + (flags & 8) // 2
    if frame.find(b"LAME", place) not in (-1, encoder):
        raise Flaw("is damaged: its first frame contradicts itself", ANEW)
    if not frame[encoder : encoder + 4].isalnum():
        return frames, DELAY + head.samples
    if frame[encoder : encoder + 4] == b"LAME":
        end = encoder + 34
        if int.from_bytes(frame[end : end + 2], "big") not in (0, _crc16(frame[:end])):
            raise Flaw("is damaged: the sum of its first frame is wrong", ANEW)
    delays = int.from_bytes(frame[encoder + 21 : encoder + 24], "big")
    return frames, (delays >> 12) + (delays & 0xFFF)


def _crc16(data: bytes) -> int:
    """The sum that LAME writes (CRC-16/ARC)."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
