"""The rest of what libsndfile reads uncompressed, and speech comes in: AIFF, AU, CAF, VOC, NIST SPHERE."""

from __future__ import annotations

import math
import re

from ser_keras.features.containers.header import (
    CONVERT,
    Chunk,
    Flaw,
    Layout,
    Reader,
    Stated,
    chunks,
    once,
    part,
    unreadable,
    whole_frames,
)

# Codec -> bytes in a sample; None: as many as the header's bits need.
AIFC = dict.fromkeys((b"NONE", b"twos", b"sowt", b"in24", b"in32", b"42n1", b"23ni", b"raw "))
AIFC |= dict.fromkeys((b"fl32", b"FL32"), 4) | dict.fromkeys((b"fl64", b"FL64"), 8)
AIFC |= dict.fromkeys((b"alaw", b"ALAW", b"ulaw", b"ULAW"), 1)
AU = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}
AU_OTHERS = {23: "G.721 ADPCM", 24: "G.722 ADPCM", 25: "G.723 ADPCM (3 bits)", 26: "G.723 ADPCM (5 bits)"}
AU_UNKNOWN = 0xFFFFFFFF
CAF_TO_THE_END = -1
VOC_TEXTS = (4, 5)  # kinds of blocks that hold no sound: marks, comments
VOC_WIDTHS = {0: 1, 4: 2, 6: 1, 7: 1}  # codec -> bytes in a sample


def aiff(reader: Reader) -> Stated:
    """AIFF and AIFC.

    Args:
        reader: The file, of which the first four bytes are known to be "FORM".

    Returns:
        Rate, channels, length.

    Raises:
        Flaw: It is truncated, damaged, or in a codec that is not read here.
    """
    size, form = reader.unpack(">I4s", 4)
    if form not in (b"AIFF", b"AIFC"):
        raise unreadable(f"IFF of the kind {form.decode('latin-1')!r}")
    reader.require(size + 8)
    found: dict[bytes, Chunk] = {}
    for chunk in chunks(reader, 12, Layout(head=">4sI", pad=2), data=b"SSND"):
        if chunk.name in (b"COMM", b"SSND"):
            once(found, chunk)
    about, sound = part(found, b"COMM"), part(found, b"SSND")
    channels, frames, bits, exponent, mantissa = reader.unpack(">HIHHQ", about.start)
    codec = reader.take(about.start + 18, 4) if form == b"AIFC" else b"NONE"
    if codec not in AIFC:
        raise unreadable(f"{codec.decode('latin-1')!r} in AIFF")
    width = AIFC[codec] or -(-bits // 8)
    skipped = reader.unpack(">I", sound.start)[0]
    if frames * channels * width != sound.size - 8 - skipped:
        raise Flaw(
            f"contradicts itself: {frames:,} frames of {channels} channels and {bits} bits are not "
            f"{sound.size - 8:,} bytes"
        )
    # The rate is a floating-point number of 80 bits.
    rate = math.ldexp(mantissa, exponent - 16383 - 63) if exponent < 16383 + 64 else math.inf
    return Stated(rate=rate, channels=channels, frames=frames)


def au(reader: Reader) -> Stated:
    """Sun's and NeXT's AU, big-endian or little-endian.

    Args:
        reader: The file.

    Returns:
        Rate, channels, length.

    Raises:
        Flaw: It is truncated, damaged, or in a codec that is not read here.
    """
    order = "<" if reader.take(0, 4) == b"dns." else ">"
    start, size, codec, rate, channels = reader.unpack(f"{order}IIIII", 4)
    if start < 24:
        raise Flaw(f"is damaged: its sound would begin within its header, at byte {start}")
    if codec not in AU:
        raise unreadable(AU_OTHERS.get(codec, f"number {codec} in AU's list of codecs"))
    if size == AU_UNKNOWN:
        size = reader.size - start
    reader.require(start + size)
    if start + size < reader.size:
        raise Flaw(f"is damaged: {reader.size - start - size:,} bytes at its end are no part of its sound")
    return Stated(rate=rate, channels=channels, frames=whole_frames(size, channels * AU[codec]))


def caf(reader: Reader) -> Stated:
    """Apple's CAF.

    Args:
        reader: The file.

    Returns:
        Rate, channels, length.

    Raises:
        Flaw: It is truncated, damaged, or in a codec that is not read here.
    """
    found: dict[bytes, Chunk] = {}
    layout = Layout(head=">4sq")
    for chunk in chunks(reader, 8, layout, data=b"data", unknown=(CAF_TO_THE_END,)):
        if chunk.name in (b"desc", b"data", b"pakt"):
            once(found, chunk)
    about, sound = part(found, b"desc"), part(found, b"data")
    rate, codec, packet, per_packet, channels, bits = reader.unpack(">d4s4xIIII", about.start)
    if codec == b"alac":
        frames = reader.unpack(">qq", part(found, b"pakt").start)[1]
        return Stated(rate=rate, channels=channels, frames=frames, exact=False, packed=True)
    if codec not in (b"lpcm", b"alaw", b"ulaw"):
        raise unreadable(f"{codec.decode('latin-1')!r} in CAF")
    if packet != channels * -(-bits // 8) or per_packet != 1:
        raise Flaw(f"contradicts itself: {channels} channels of {bits} bits are not {packet} bytes")
    return Stated(rate=rate, channels=channels, frames=whole_frames(sound.size - 4, packet))


def voc(reader: Reader) -> Stated:
    """Creative Labs's VOC with one block of sound, as libsndfile reads it.

    Args:
        reader: The file.

    Returns:
        Rate, channels, length.

    Raises:
        Flaw: It is truncated, damaged, without sound, or holds more than one block of it.
    """
    start, version, check = reader.unpack("<HHH", 20)
    if check != (~version + 0x1234) & 0xFFFF:
        raise Flaw("is damaged: the sum in its header is wrong")
    made = None
    while kind := (reader.peek(start, 1) or b"\0")[0]:  # a zero marks the end, if anything does
        low, high = reader.unpack("<HB", start + 1)
        body, size = start + 4, low + (high << 16)
        reader.require(body + size)
        if kind in (1, 9) and made is None:
            made = _voc_sound(reader, kind, body, size)
        elif kind not in VOC_TEXTS:
            raise Flaw(f"holds a block of VOC's kind {kind} (silence, a repetition, a second sound)", CONVERT)
        start = body + size
    if made is None:
        raise Flaw("holds no sound (0 samples)")
    if start + 1 < reader.size:
        raise Flaw(f"is damaged: {reader.size - start - 1:,} bytes at its end are no part of its sound")
    return made


def _voc_sound(reader: Reader, kind: int, body: int, size: int) -> Stated:
    if kind == 1:
        divisor, codec = reader.unpack("BB", body)
        rate, channels, head, bits = 1e6 / (256 - divisor), 1, 2, 8
    else:
        rate, bits, channels, codec = reader.unpack("<IBBH", body)
        head = 12
    if codec not in VOC_WIDTHS:
        raise unreadable(f"number {codec} in VOC's list of codecs")
    if 8 * VOC_WIDTHS[codec] != bits and codec not in (6, 7):
        raise Flaw(f"contradicts itself: {bits} bits a sample do not go with its codec")
    frames = whole_frames(size - head, channels * VOC_WIDTHS[codec])
    return Stated(rate=rate, channels=channels, frames=frames, exact=False)  # libsndfile counts the mark of the end


def nist(reader: Reader) -> Stated:
    """NIST SPHERE, the header of which is text.

    Args:
        reader: The file.

    Returns:
        Rate, channels, length.

    Raises:
        Flaw: It is truncated, damaged, or in a codec that is not read here.
    """
    size = re.fullmatch(rb"NIST_1A\n\s*(\d{1,7})\n", reader.take(0, 16))
    if not size:
        raise Flaw("is damaged: its header is not that of a NIST SPHERE file")
    start = int(size[1])
    text = reader.take(0, start)
    fields = dict(re.findall(rb"^(\w+) -\w+ ([^\n]*)$", text.partition(b"\nend_head")[0], re.MULTILINE))
    codec = fields.get(b"sample_coding", b"pcm").decode("latin-1").strip()
    if codec not in ("pcm", "alaw", "ulaw", "mu-law"):
        raise unreadable(f"{codec!r} in NIST SPHERE")
    try:
        rate, channels, frames, width = (
            int(fields[name]) for name in (b"sample_rate", b"channel_count", b"sample_count", b"sample_n_bytes")
        )
    except (KeyError, ValueError):
        raise Flaw("is damaged: its header lacks the rate, the channels, or the number of samples") from None
    reader.require(start + frames * channels * width)
    if start + frames * channels * width < reader.size:
        raise Flaw(f"contradicts itself: it holds more than the {frames:,} samples of its header")
    return Stated(rate=rate, channels=channels, frames=frames)
