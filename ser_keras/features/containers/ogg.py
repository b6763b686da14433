"""Ogg: pages with a number and a sum each, the last one marked."""

from __future__ import annotations

import zlib

from ser_keras.features.containers.header import Flaw, Reader, Stated, unreadable

LARGEST = 256_000_000  # bytes
HEAD = 27  # bytes of a page before its table
FIRST, LAST = 2, 4  # flags
OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)  # Hz; Opus counts in the last whatever it decodes to
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def ogg(reader: Reader) -> Stated:
    """Walk through the pages: each sum right, none missing, the last one marked as such.

    Args:
        reader: The file.

    Returns:
        What the codec's own head says, and the length by the last page.

    Raises:
        Flaw: It is truncated, damaged, too large, of several streams, or in a codec that is not read here.
    """
    if reader.size > LARGEST:
        raise Flaw(f"is an Ogg file of {reader.size:,} bytes, which no recording of an hour has")
    data = reader.take(0, reader.size)
    place, number, serial, position, flags = 0, 0, b"", 0, 0
    packet = b""
    while place < len(data):
        head = data[place : place + HEAD]
        if head[:4] != b"OggS" or flags & LAST:
            several = flags & LAST and data[place : place + 4] == b"OggS"
            raise Flaw("holds several streams, one behind the other" if several else _damaged(place))
        table = data[place + HEAD : place + HEAD + head[-1]] if len(head) == HEAD else b""
        end = place + HEAD + len(table) + sum(table)
        if len(head) < HEAD or len(table) < head[-1] or end > len(data):
            raise Flaw(f"is truncated (its last page ends behind byte {len(data):,})")
        page = data[place:end]
        if _sum(page[:22] + bytes(4) + page[26:]) != int.from_bytes(page[22:26], "little"):
            raise Flaw(_damaged(place))
        if number == 0:
            serial, packet = page[14:18], page[HEAD + len(table) :]
        elif page[14:18] != serial:
            raise Flaw("holds several streams, side by side")
        if int.from_bytes(page[18:22], "little") != number:
            raise Flaw(f"is damaged: a page is missing before byte {place:,}")
        flags, granule = page[5], int.from_bytes(page[6:14], "little", signed=True)
        position = max(position, granule)
        place, number = end, number + 1
    if not flags & LAST:
        raise Flaw("is truncated (its last page is missing)")
    return _described(packet, position)


def _described(packet: bytes, position: int) -> Stated:
    """What the first packet says, and the position that the last page ends at."""
    if packet[:7] == b"\x01vorbis" and len(packet) >= 16:
        rate = int.from_bytes(packet[12:16], "little")
        return Stated(rate=rate, channels=packet[11], frames=position, exact=False, packed=True)
    if packet[:8] == b"OpusHead" and len(packet) >= 16:
        rate = next((r for r in OPUS_RATES if r >= int.from_bytes(packet[12:16], "little") > 0), OPUS_RATES[-1])
        frames = (position - int.from_bytes(packet[10:12], "little")) * rate // OPUS_RATES[-1]
        return Stated(rate=rate, channels=packet[9], frames=frames, exact=False, packed=True)
    codec = {b"\x7fFLAC": "FLAC", b"Speex": "Speex", b"\x80theo": "Theora"}.get(packet[:5], "something unknown")
    raise unreadable(f"{codec} in Ogg")


def _damaged(place: int) -> str:
    return f"is damaged: the page at byte {place:,} is not what was written"


def _sum(page: bytes) -> int:
    """Ogg's checksum: zlib's, with the bits of each byte and of the sum the other way round, and no inversion."""
    mirrored = zlib.crc32(page.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(REVERSED), "big")
