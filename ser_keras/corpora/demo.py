"""A synthetic corpus: five voices "say" two texts in nine emotions, twice. No person speaks in it.

Each syllable is a train of harmonics through three formant resonators, led by a burst of noise. A speaker sets
the pitch, the vocal-tract length and the breathiness; an emotion moves pitch, melody, energy, rate and timbre
(directions as in Scherer 2003, doi:10.1016/S0167-6393(02)00084-5, table 2); every utterance varies around both,
so that emotions overlap and a network learns them well above chance but not perfectly.
"""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ser_keras.corpora.base import Corpus, checksum
from ser_keras.corpora.listing import kind
from ser_keras.support.files import atomic, read_json, write_json

SAMPLE_RATE = 16_000
REPETITIONS = 2
SUMS = ".sums.json"


@dataclass(frozen=True)
class Voice:
    """A speaker: pitch in Hz, formant scale (shorter vocal tract, higher formants), share of breath noise."""

    gender: str
    pitch: float
    formants: float
    breath: float


@dataclass(frozen=True)
class Manner:
    """An emotion: factors on pitch, melody (semitones), level in dB, rate, and spectral tilt in dB an octave."""

    pitch: float
    melody: float
    level: float
    rate: float
    tilt: float
    tremor: float = 0.0


VOICES = {
    "f1": Voice("female", 205, 1.16, 0.03),
    "f2": Voice("female", 230, 1.20, 0.05),
    "f3": Voice("female", 185, 1.12, 0.02),
    "m1": Voice("male", 112, 1.00, 0.03),
    "m2": Voice("male", 135, 1.04, 0.02),
}
MANNERS = {
    "neutral": Manner(1.00, 2.0, 0, 1.00, -12),
    "calm": Manner(0.96, 1.5, -4, 0.88, -14),
    "happy": Manner(1.28, 6.0, 4, 1.10, -9),
    "sad": Manner(0.92, 1.5, -8, 0.76, -16),
    "angry": Manner(1.22, 4.0, 10, 1.14, -5),
    "fearful": Manner(1.45, 3.0, 2, 1.26, -8, tremor=0.8),
    "disgust": Manner(0.90, 3.5, 1, 0.82, -8),
    "surprised": Manner(1.50, 9.0, 4, 0.98, -9),
    "bored": Manner(0.86, 0.8, -6, 0.68, -13),
}
# Vowels as first three formants in Hz (Peterson & Barney 1952, men).
VOWELS = {
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
TEXTS = {"t1": "aioea", "t2": "uaeio"}
BANDWIDTHS = (80, 110, 160)  # Hz


def utterance(speaker: str, emotion: str, text: str, repetition: int) -> np.ndarray:
    """One synthetic utterance; the same arguments give the same samples.

    Args:
        speaker: One of `VOICES`.
        emotion: One of `MANNERS`.
        text: One of `TEXTS`.
        repetition: From 0.

    Returns:
        float32, shape (samples,), about one to two seconds at 16 kHz.

    Example:
        >>> y = utterance("f1", "angry", "t2", 0)
        >>> y.dtype.name, 0.5 < len(y) / SAMPLE_RATE < 3
        ('float32', True)
    """
    voice, manner = VOICES[speaker], MANNERS[emotion]
    seed = [list(VOICES).index(speaker), list(MANNERS).index(emotion), list(TEXTS).index(text), repetition]
    rng = np.random.default_rng([2022, *seed])
    pitch = voice.pitch * manner.pitch * np.exp(rng.normal(0, 0.07))
    rate = manner.rate * np.exp(rng.normal(0, 0.08))
    tilt = manner.tilt + rng.normal(0, 1.5)
    level = -20 + manner.level + rng.normal(0, 2.0)
    melody = manner.melody * np.exp(rng.normal(0, 0.2))
    syllables = [
        _syllable(vowel, place, pitch, melody, tilt, rate, voice, manner, rng)
        for place, vowel in zip(np.linspace(0, 1, len(TEXTS[text])), TEXTS[text], strict=True)
    ]
    pause = np.zeros(int(0.12 * SAMPLE_RATE))
    speech = np.concatenate([pause, *syllables, pause])
    speech *= 10 ** (level / 20) / np.sqrt(np.mean(speech**2))
    room = rng.normal(0, 10 ** (-62 / 20), len(speech))
    return np.clip(speech + room, -1, 1).astype(np.float32)


def _syllable(
    vowel: str,
    place: float,
    pitch: float,
    melody: float,
    tilt: float,
    rate: float,
    voice: Voice,
    manner: Manner,
    rng: np.random.Generator,
) -> np.ndarray:
    from scipy.signal import lfilter

    n = int(0.21 * SAMPLE_RATE / rate * np.exp(rng.normal(0, 0.1)))
    t = np.arange(n) / SAMPLE_RATE
    # Declination over the utterance, a rise and fall in the syllable, and the tremor of fear.
    semitones = melody * (0.5 - place + 0.5 * np.sin(np.pi * t / t[-1]) + rng.normal(0, 0.2))
    semitones = semitones + manner.tremor * np.sin(2 * np.pi * 8 * t) + rng.normal(0, 0.1)
    f0 = pitch * 2 ** (semitones / 12)
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE
    harmonics = np.arange(1, int(SAMPLE_RATE / 2 / f0.max()))
    gains = 10 ** (tilt * np.log2(harmonics) / 20)
    source = gains @ np.sin(harmonics[:, None] * phase)
    source += voice.breath * np.std(source) * rng.normal(size=n) * 4
    burst = rng.normal(0, np.std(source), n) * np.exp(-t / 0.012)
    sound = source + burst
    for formant, width in zip(VOWELS[vowel], BANDWIDTHS, strict=True):
        frequency = formant * voice.formants * np.exp(rng.normal(0, 0.03))
        radius = np.exp(-np.pi * width / SAMPLE_RATE)
        poles = [1, -2 * radius * np.cos(2 * np.pi * frequency / SAMPLE_RATE), radius**2]
        sound = lfilter([sum(poles)], poles, sound)  # unit gain at 0 Hz
    return sound * np.sin(np.pi * (t + 1 / SAMPLE_RATE) / (t[-1] + 2 / SAMPLE_RATE)) ** 0.5


def make(folder: Path) -> None:
    """Write the corpus's 180 WAV files (16 kHz, 16 bit) into `folder`.

    Files already there are kept if they are as they were made: their sums stand beside them.

    Args:
        folder: Made where it is absent.

    Raises:
        SerError: The folder cannot be written, or the disk is full.
    """
    found = read_json(folder / SUMS)
    kept = found if isinstance(found, dict) else {}
    sums = {}
    for speaker, emotion, text, repetition in itertools.product(VOICES, MANNERS, TEXTS, range(REPETITIONS)):
        path = folder / f"{speaker}_{emotion}_{text}_{repetition}.wav"
        sums[path.name] = checksum(path) if kind(path) == "" else ""
        if not sums[path.name] or sums[path.name] != kept.get(path.name):
            made = io.BytesIO()  # not the file: the library's own errors do not say that a disk is full
            soundfile.write(made, utterance(speaker, emotion, text, repetition), SAMPLE_RATE, "PCM_16", format="WAV")
            with atomic(path) as partial:
                partial.write_bytes(made.getvalue())
            sums[path.name] = checksum(path)
    if sums != found:
        write_json(folder / SUMS, sums)


def parse(path: Path) -> dict[str, Any] | None:
    """The row of one file, `f1_angry_t2_0.wav`; None for any other.

    Args:
        path: Of a file, below the corpus's folder.

    Returns:
        Columns of the utterance table by name.

    Example:
        >>> parse(Path("f1_angry_t2_0.wav"))["emotion"]
        'angry'
    """
    match path.stem.split("_"):
        case [speaker, emotion, text, repetition] if speaker in VOICES and emotion in MANNERS and text in TEXTS:
            return {
                "utterance": path.stem,
                "speaker": speaker,
                "gender": VOICES[speaker].gender,
                "emotion": emotion,
                "text": text,
                "repetition": int(repetition),
            }
    return None


CORPUS = Corpus(
    name="demo",
    title="SYNTHETIC demo corpus",
    citation="Made by ser_keras.corpora.demo; no recording of a person.",
    licence="none needed: the sounds are computed",
    how_to_get="It is made when asked for: pass --demo",
    emotions=tuple(MANNERS),
    expected=len(VOICES) * len(MANNERS) * len(TEXTS) * REPETITIONS,
    folder="demo",
    parse=parse,
    make=make,
    synthetic=True,
)
