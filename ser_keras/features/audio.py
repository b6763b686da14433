"""Recordings as mono float32 waveforms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from ser_keras.support.errors import BadAudioError


def load(path: Path | str, *, sample_rate: int, offset: float = 0.0, duration: float | None = None) -> np.ndarray:
    """Decode a recording, mix it to mono and resample it; equal to `librosa.load(path, sr=sample_rate, ...)`.

    Args:
        path: A file that libsndfile reads (WAV, FLAC, MP3, ...), any bit depth, any number of channels.
        sample_rate: Rate of the result in Hz.
        offset: Where to start, in seconds.
        duration: How much to read, in seconds; None reads to the end.

    Returns:
        float32, shape (samples,), full scale at 1.0.

    Raises:
        BadAudioError: The file is unreadable, truncated, empty, silent throughout, or holds values that are
            not finite.

    Example:
        >>> y = load("Actor_01/03-01-01-01-01-01-01.wav", sample_rate=22_050)  # doctest: +SKIP
        >>> y.shape  # 3.3 s
        (72838,)
    """
    path = Path(path)
    try:
        _check_length(path)
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            file.seek(min(int(offset * rate), file.frames))
            samples = file.read(-1 if duration is None else int(duration * rate), "float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadAudioError(f"{path}: cannot be read as audio ({error}); fetch the recording again") from error
    if not len(samples):
        where = f" from second {offset:g} on" if offset else ""
        raise BadAudioError(f"{path}: holds no sound{where} (0 samples); fetch the recording again")
    if not np.isfinite(samples).all():
        raise BadAudioError(f"{path}: holds samples that are not finite (NaN or infinity); export it again")
    if not samples.any():
        raise BadAudioError(f"{path}: is digital silence (every sample is 0); fetch the recording again")
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    return resample(mono, rate, sample_rate)


def resample(waveform: np.ndarray, source_rate: float, target_rate: float) -> np.ndarray:
    """Band-limited resampling as `librosa.resample` does by default (soxr, high quality).

    Args:
        waveform: Shape (samples,).
        source_rate: Its rate in Hz.
        target_rate: The rate of the result in Hz.

    Returns:
        float32, shape (ceil(samples * target_rate / source_rate),).
    """
    if source_rate == target_rate:
        return waveform.astype(np.float32, copy=False)
    length = int(np.ceil(len(waveform) * (target_rate / source_rate)))
    resampled = soxr.resample(waveform.astype(np.float32, copy=False), source_rate, target_rate, quality="HQ")
    return np.pad(resampled[:length], (0, max(0, length - len(resampled))))


def check(path: Path | str) -> None:
    """Tell a recording that cannot be used from its header alone, without decoding it.

    Raises:
        BadAudioError: The file is not audio, truncated, or empty.
    """
    path = Path(path)
    try:
        _check_length(path)
        frames = soundfile.info(path).frames
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadAudioError(f"{path}: cannot be read as audio ({error}); fetch the recording again") from error
    if frames == 0:
        raise BadAudioError(f"{path}: holds no sound (0 samples); fetch the recording again")


def _check_length(path: Path) -> None:
    """Refuse a WAV shorter than its own header says: libsndfile would pass on what is left without a word."""
    with path.open("rb") as file:
        head = file.read(8)
        actual = file.seek(0, 2)
    stated = int.from_bytes(head[4:8], "little") + 8
    # Streaming writers leave 0 or the largest number there, meaning "unknown".
    if head[:4] == b"RIFF" and actual < stated < 0xFFFFFF00:
        raise BadAudioError(f"{path}: is truncated ({actual:,} bytes of {stated:,}); fetch the recording again")
