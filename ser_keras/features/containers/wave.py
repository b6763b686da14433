"""WAV and what grew out of it: RIFF, RIFX, RF64, BW64, W64."""

from __future__ import annotations

import struct
from collections.abc import Collection

from ser_keras.features.containers.header import Chunk, Flaw, Layout, Reader, Stated, chunks, once, part, unreadable

UNKNOWN = range(0xFFFFFF00, 0x1_0000_0000)  # sizes that writers leave that stream
PCM, FLOAT, A_LAW, MU_LAW, MS_ADPCM, IMA_ADPCM, EXTENSIBLE = 1, 3, 6, 7, 2, 0x11, 0xFFFE
WIDTHS = {PCM: (8, 16, 24, 32), FLOAT: (32, 64), A_LAW: (8,), MU_LAW: (8,)}  # bits
SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")
OTHERS = {
    0x14: "G.723 ADPCM",
    0x31: "GSM 6.10",
    0x38: "NMS ADPCM",
    0x40: "G.721 ADPCM",
    0x42: "G.723.1",
    0x45: "G.726 ADPCM",
    0x50: "MPEG layer I or II",
    0x55: "MP3",
    0x64: "G.726 ADPCM",
    0x65: "G.722",
    0x83: "G.729",
    0x161: "Windows Media Audio",
    0xFF: "AAC",
    0xF1AC: "FLAC",
    0x674F: "Vorbis",
}
W64_HEAD = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")
W64 = Layout(head="<16sq", pad=8, own=24, tails=(W64_TAIL,))


def riff(reader: Reader) -> Stated:
    """RIFF (little-endian) and RIFX (big-endian).

    Args:
        reader: The file.

    Returns:
        Rate, channels, length.

    Raises:
        Flaw: It is truncated, damaged, or in a codec that is not read here.
    """
    order = ">" if reader.take(0, 4) == b"RIFX" else "<"
    size, form = reader.unpack(f"{order}I4s", 4)
    streamed = size == 0 or size in UNKNOWN
    if not streamed:
        reader.require(size + 8)
    return _wave(reader, form, Layout(head=f"{order}4sI", pad=2), order, unknown=UNKNOWN if streamed else ())


def rf64(reader: Reader) -> Stated:
    """RF64 and BW64: WAV whose sizes stand in 64 bits, in a part of their own.

    Args:
        reader: The file.

    Returns:
        Rate, channels, length.

    Raises:
        Flaw: It is truncated, damaged, or in a codec that is not read here.
    """
    form, name, length, size, data = reader.unpack("<4s4sIQQ", 8)
    if name != b"ds64" or length < 28:
        raise Flaw("is damaged: its part 'ds64' is missing")
    reader.require(size + 8)
    return _wave(reader, form, Layout(head="<4sI", pad=2), "<", unknown=(0xFFFFFFFF,), known=data)


def w64(reader: Reader) -> Stated:
    """Sony's W64: names are GUIDs, sizes have 64 bits and count their own head.

    Args:
        reader: The file.

    Returns:
        Rate, channels, length.

    Raises:
        Flaw: It is truncated, damaged, or in a codec that is not read here.
    """
    guid, size, form = reader.unpack("<16sq16s", 0)
    if guid != W64_HEAD or form[4:] != W64_TAIL:
        raise Flaw("is damaged: its header is not that of a W64 file")
    reader.require(size)
    return _wave(reader, form[:4].upper(), W64, "<", start=40)


def _wave(
    reader: Reader,
    form: bytes,
    layout: Layout,
    order: str,
    *,
    unknown: Collection[int] = (),
    known: int | None = None,
    start: int = 12,
) -> Stated:
    """The parts of a WAV, one behind the other; `unknown` and `known` as in `chunks`."""
    if form != b"WAVE":
        raise unreadable(f"RIFF of the kind {form.decode('latin-1')!r}")
    found: dict[bytes, Chunk] = {}
    for chunk in chunks(reader, start, layout, data=b"data", unknown=unknown, known=known):
        if chunk.name in (b"fmt ", b"data"):
            once(found, chunk)
    sound, about = part(found, b"data"), part(found, b"fmt ")
    return _described(reader, about, sound, order)


def _described(reader: Reader, about: Chunk, sound: Chunk, order: str) -> Stated:
    """What the part `fmt ` says, its redundancies compared: a single wrong bit in it contradicts another number."""
    if about.size < 16:
        raise Flaw("is damaged: its part 'fmt' is too short")
    tag, channels, rate, second, width, bits = reader.unpack(f"{order}HHIIHH", about.start)
    if tag == EXTENSIBLE:
        if about.size < 40:
            raise Flaw("is damaged: its part 'fmt' is too short")
        tag, subformat = struct.unpack(f"{order}H14s", reader.take(about.start + 24, 16))
        if subformat != SUBFORMAT and order == "<":
            raise unreadable(f"a sub-format of WAV ({subformat.hex()})")
    if tag in (MS_ADPCM, IMA_ADPCM):
        if width == 0 or channels == 0:
            raise Flaw("contradicts itself: blocks of 0 bytes")
        # The part `fact` should tell how many frames there are; libsndfile leaves anything in it.
        return Stated(rate=rate, channels=channels, frames=None, packed=True)
    if tag not in WIDTHS:
        raise unreadable(OTHERS.get(tag, f"number {tag:#x} in WAV's list of codecs"))
    if bits not in WIDTHS[tag] and not (tag == PCM and 1 <= bits <= 32):
        raise Flaw(f"contradicts itself: {bits} bits a sample do not go with its codec")
    if width != channels * -(-bits // 8) or width == 0:
        raise Flaw(f"contradicts itself: {channels} channels of {bits} bits are not {width} bytes")
    if second != rate * width:
        raise Flaw(f"contradicts itself: {rate:,} frames of {width} bytes are not {second:,} bytes a second")
    return Stated(rate=rate, channels=channels, frames=sound.size // width)
