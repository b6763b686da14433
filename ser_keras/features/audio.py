"""Recordings as mono float32 waveforms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ser_keras.features import containers
from ser_keras.features.containers.header import FETCH, Flaw, Stated
from ser_keras.support.errors import BadAudioError
from ser_keras.support.names import printable
from ser_keras.support.stderr import held

BLOCK = 65_536  # frames decoded at a time
MPG123 = r"libmpg123|^(Note|Warning): "  # what libsndfile's MP3 decoder writes to standard error


def load(path: Path | str, *, sample_rate: int, offset: float = 0.0, duration: float | None = None) -> np.ndarray:
    """Decode a recording, mix it to mono and resample it; equal to `librosa.load(path, sr=sample_rate, ...)`.

    Args:
        path: WAV, FLAC, MP3, Ogg, AIFF, AU, CAF, W64, VOC or NIST SPHERE, any bit depth, up to 32 channels, an hour
            and 1 GB of samples, 4,000 to 384,000 Hz.
        sample_rate: Rate of the result in Hz.
        offset: Where to start, in seconds.
        duration: How much to read, in seconds; None reads to the end.

    Returns:
        float32, shape (samples,), full scale at 1.0.

    Raises:
        BadAudioError: The file is unreadable, truncated or damaged as far as its container lets one know, beyond
            what speech is, empty, silent throughout, or holds values that are not finite.

    Example:
        >>> y = load("Actor_01/03-01-01-01-01-01-01.wav", sample_rate=22_050)  # doctest: +SKIP
        >>> y.shape  # doctest: +SKIP
        (72838,)
    """
    with _named(path):
        mono, rate = _decoded(Path(path), offset, duration)
        return resample(mono, rate, sample_rate)


def resample(waveform: np.ndarray, source_rate: float, target_rate: float) -> np.ndarray:
    """Band-limited resampling as `librosa.resample` does by default (soxr, high quality).

    Args:
        waveform: Shape (samples,).
        source_rate: Its rate in Hz.
        target_rate: The rate of the result in Hz.

    Returns:
        float32, shape (ceil(samples * target_rate / source_rate),).

    Example:
        >>> resample(np.zeros(100), 16_000, 22_050).shape
        (138,)
    """
    if source_rate == target_rate:
        return waveform.astype(np.float32, copy=False)
    length = int(np.ceil(len(waveform) * (target_rate / source_rate)))
    resampled = soxr.resample(waveform.astype(np.float32, copy=False), source_rate, target_rate, quality="HQ")
    return np.pad(resampled[:length], (0, max(0, length - len(resampled))))


def check(path: Path | str) -> None:
    """Tell a recording that cannot be used from its headers alone, without decoding it.

    Args:
        path: The recording.

    Raises:
        BadAudioError: The file is not audio, truncated as far as its headers tell, beyond what speech is, or empty.
    """
    with _named(path):
        header = containers.stated(Path(path))
        with _opened(Path(path), header) as file:
            if file.frames == 0:
                raise Flaw("holds no sound (0 samples)")


@contextmanager
def _named(path: Path | str) -> Iterator[None]:
    """Whatever is wrong with a recording, as one sentence that begins with its path."""
    try:
        yield
    except Flaw as flaw:
        raise BadAudioError(f"{printable(path)}: {flaw}") from flaw
    except soundfile.LibsndfileError as error:
        reason = printable(error.error_string.rstrip("."))
        raise BadAudioError(f"{printable(path)}: cannot be read as audio ({reason}); {FETCH}") from error
    except MemoryError as error:
        raise BadAudioError(f"{printable(path)}: is too large for the memory that is left; cut it") from error
    except OSError as error:
        raise BadAudioError(f"{printable(path)}: cannot be read ({error.strerror or error}); {FETCH}") from error
    except ValueError as error:  # a zero byte in its name
        raise BadAudioError(f"{printable(path)}: cannot be read ({error}); {FETCH}") from error


@contextmanager
def _opened(path: Path, header: Stated) -> Iterator[soundfile.SoundFile]:
    """The recording, open; what its decoder says of it is what its header says."""
    # What it says is no sign of damage: it complains of sound streams, too.
    with held(MPG123) if header.talks else nullcontext(), soundfile.SoundFile(path) as file:
        if not file.seekable():
            raise Flaw(f"is coded as {file.subtype_info}, which cannot be read here", containers.CONVERT)
        containers.limit(file.samplerate, file.channels, file.frames)
        frames = file.frames if header.frames is None or not header.packed else max(file.frames, header.frames)
        containers.compare(header, rate=file.samplerate, channels=file.channels, frames=frames)
        yield file


def _decoded(path: Path, offset: float, duration: float | None) -> tuple[np.ndarray, int]:
    """The mean of all channels, float32, shape (frames,), and its rate."""
    header = containers.stated(path)
    with _opened(path, header) as file:
        start = min(int(offset * file.samplerate), file.frames)
        end = file.frames if duration is None else min(file.frames, start + int(duration * file.samplerate))
        # Of what is compressed, only the whole shows whether something is missing.
        first, last = (0, file.frames) if header.packed else (start, end)
        file.seek(first)
        mono = np.empty(last - first, np.float32)
        done = _read(file, mono, header)
        if header.packed and header.frames is not None:
            containers.compare(header, rate=file.samplerate, channels=file.channels, frames=done)
        elif done < len(mono):
            raise Flaw(f"is truncated or damaged ({done:,} samples of {len(mono):,} can be read)")
        mono = mono[start - first : min(done, end - first)]
        if not len(mono):
            where = f" from second {offset:g} on" if offset else ""
            raise Flaw(f"holds no sound{where} (0 samples)")
        return mono, file.samplerate


def _read(file: soundfile.SoundFile, mono: np.ndarray, header: Stated) -> int:
    """Fill `mono` a block at a time, check what is read, and return how much it was."""
    done, sound, md5 = 0, False, hashlib.md5(usedforsecurity=False)
    while done < len(mono):
        block = file.read(min(BLOCK, len(mono) - done), "int32" if header.md5 else "float32", always_2d=True)
        if not len(block):
            break
        if header.md5:
            md5.update(_packed(block, header.bits))
            block = block.astype(np.float32) * np.float32(2.0**-31)
        if not np.isfinite(block).all():
            raise Flaw("holds samples that are not finite (NaN or infinity)", "export it again")
        sound = sound or block.any()
        mono[done : done + len(block)] = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)
        done += len(block)
    if header.md5 and md5.digest() != header.md5:
        raise Flaw("is damaged: its samples are not those that were written")
    if done and not sound:
        raise Flaw("is digital silence (every sample is 0)")
    return done


def _packed(samples: np.ndarray, bits: int) -> bytes:
    """Integers at the top of 32 bits, as FLAC sums them: whole bytes of `bits` bits each, the lowest first."""
    low = (samples >> (32 - bits)).astype("<i4")
    return low.view(np.uint8).reshape(-1, 4)[:, : (bits + 7) // 8].tobytes()
