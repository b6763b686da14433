"""FLAC: states its length and a sum of its samples."""

from __future__ import annotations

from ser_keras.features.containers.header import CONVERT, MOST, Flaw, Reader, Stated

# Sample rates by their code in the head of a frame; other rates stand elsewhere.
RATES = {1: 88200, 2: 176400, 3: 192000, 4: 8000, 5: 16000, 6: 22050, 7: 24000, 8: 32000, 9: 44100, 10: 48000}
RATES |= {11: 96000}


def flac(reader: Reader, start: int = 0) -> Stated:
    """The block STREAMINFO, compared with the first frame.

    Args:
        reader: The file.
        start: Byte at which the stream begins, behind a tag.

    Returns:
        Rate, channels, length, bits, and the MD5 of the samples where it is stated.

    Raises:
        Flaw: It is truncated, damaged, contradicts itself, or does not state its length.
    """
    head, info = reader.unpack(">I34s", start + 4)
    if head & 0x7FFF_FFFF != 34:
        raise Flaw("is damaged: its header is not that of a FLAC file")
    packed = int.from_bytes(info[10:18], "big")
    rate, channels, bits, frames = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1, packed & (1 << 36) - 1
    if frames == 0:
        raise Flaw("does not state how long it is, as if it was never finished", CONVERT)
    place, blocks = start + 42, 0
    while not head >> 31:
        (head,) = reader.unpack(">I", place)
        place, blocks = place + 4 + (head & 0xFF_FFFF), blocks + 1
        reader.require(place)
        if blocks > MOST:
            raise Flaw(f"is damaged: it has more than {MOST:,} parts")
    sync, codes = reader.unpack(">HB", place)
    if sync & 0xFFFE != 0xFFF8:
        raise Flaw(f"is damaged: no FLAC frame begins at byte {place:,}")
    if RATES.get(codes & 15, rate) != rate:
        raise Flaw(f"contradicts itself: {rate:,} Hz in its header, {RATES[codes & 15]:,} Hz in its first frame")
    md5 = info[18:34]
    return Stated(rate=rate, channels=channels, frames=frames, packed=True, md5=md5 if any(md5) else b"", bits=bits)
