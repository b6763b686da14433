"""Containers of audio: what they say of the sound in them, before and beside decoding it.

libsndfile passes on what is left of a truncated file, and takes any number in a header for true. Here every number
that stands twice is compared, every size set against the file's, and what no speech has is refused.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from ser_keras.features.containers import chunked, flac, mp3, ogg, wave
from ser_keras.features.containers.header import CONVERT, Flaw, Reader, Stated

RATES = (4_000, 384_000)  # Hz
CHANNELS = 32
SECONDS = 3600
BYTES = 1_000_000_000  # of samples in single precision

BY_MAGIC: dict[bytes, Callable[[Reader], Stated]] = {
    b"RIFF": wave.riff,
    b"RIFX": wave.riff,
    b"RF64": wave.rf64,
    b"BW64": wave.rf64,
    b"riff": wave.w64,
    b"FORM": chunked.aiff,
    b".snd": chunked.au,
    b"dns.": chunked.au,
    b"caff": chunked.caf,
    b"Crea": chunked.voc,
    b"NIST": chunked.nist,
    b"OggS": ogg.ogg,
}


def stated(path: Path) -> Stated:
    """What a recording's header says, if it can be true.

    Args:
        path: The recording.

    Returns:
        Rate, channels, length.

    Raises:
        Flaw: It is truncated or damaged as far as its container lets one know, in a container or codec that is not
            read here, or beyond what speech is: 4,000 to 384,000 Hz, 32 channels, an hour, 1 GB decoded.
        OSError: It cannot be opened.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
        raise Flaw("cannot be read as audio (it is no file)")
    with path.open("rb") as file:
        made = _dispatch(Reader(file))
    limit(made.rate, made.channels, made.frames)
    return made


def _dispatch(reader: Reader) -> Stated:
    start = mp3.id3(reader.peek(0, 10))
    magic = reader.peek(start, 4)
    if magic == b"fLaC":
        return flac.flac(reader, start)
    if start or magic[:1] == b"\xff":
        return mp3.mp3(reader, start)
    if magic not in BY_MAGIC:
        raise Flaw("cannot be read as audio (it is neither WAV, FLAC, MP3, Ogg, AIFF, AU, CAF, W64, VOC nor SPHERE)")
    return BY_MAGIC[magic](reader)


def limit(rate: float, channels: int, frames: int | None) -> None:
    """Refuse what no speech is.

    Args:
        rate: Samples a second, in Hz.
        channels: Their number.
        frames: Samples of each channel; None where that is not known.

    Raises:
        Flaw: The rate, the channels, the length or the decoded size is beyond its limit.
    """
    low, high = RATES
    if not low <= rate <= high:
        raise Flaw(f"states a sample rate of {rate:,.0f} Hz, and speech has {low:,} to {high:,}")
    if not 1 <= channels <= CHANNELS:
        raise Flaw(f"states {channels:,} channels, and no more than {CHANNELS} are read")
    if frames is None:
        return
    if frames > SECONDS * rate:
        raise Flaw(f"states a length of {frames / rate:,.0f} s, and no more than an hour is read", "cut it")
    if 4 * frames * channels > BYTES:
        raise Flaw(f"would fill {4 * frames * channels / 1e9:,.1f} GB, and no more than 1 GB is read", CONVERT)


def compare(header: Stated, *, rate: int, channels: int, frames: int) -> None:
    """Set what a decoder tells or gives against the header.

    Args:
        header: What the header says.
        rate: In Hz, as it was decoded.
        channels: As they were decoded.
        frames: Samples of each channel, as they were decoded.

    Raises:
        Flaw: They differ: what was read is shorter than stated, or something else.
    """
    if abs(rate - header.rate) >= 1 or channels != header.channels:
        raise Flaw(
            f"contradicts itself: {header.rate:,.0f} Hz and {header.channels} channels in its header are read as "
            f"{rate:,} Hz and {channels}"
        )
    if header.frames is not None and frames < header.frames:
        raise Flaw(f"is truncated or damaged ({frames:,} samples of {header.frames:,} can be read)")
    if header.frames is not None and header.exact and frames > header.frames:
        raise Flaw(f"contradicts itself: it states {header.frames:,} samples, and {frames:,} are read")
