"""RAVDESS: 24 actors speak (and sing) two sentences in eight emotions, at two intensities, twice."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from ser_keras.corpora.base import Corpus, Remote

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
CHANNELS = ("speech", "song")
INTENSITIES = ("normal", "strong")
TEXTS = ("kids are talking by the door", "dogs are sitting by the door")
# modality (03: audio only) - channel - emotion - intensity - statement - repetition - actor
NAME = re.compile(r"03-0([12])-0([1-8])-0([12])-0([12])-0([12])-(0[1-9]|1\d|2[0-4])")
ZENODO = "https://zenodo.org/records/1188976/files/"


def parse(path: Path) -> dict[str, Any] | None:
    """The row of one recording, spoken or sung; None for a file that is not of RAVDESS.

    Args:
        path: Of a file, below the corpus's folder.

    Returns:
        Columns of the utterance table by name.

    Example:
        >>> row = parse(Path("Actor_07/03-01-03-01-02-01-07.wav"))
        >>> row["emotion"], row["speaker"], row["gender"], row["channel"]
        ('happy', '07', 'male', 'speech')
    """
    match = NAME.fullmatch(path.stem)
    if match is None:
        return None
    channel, emotion, intensity, text, repetition, actor = match.groups()
    return {
        "utterance": path.stem,
        "speaker": actor,
        "gender": "female" if int(actor) % 2 == 0 else "male",
        "emotion": EMOTIONS[int(emotion) - 1],
        "text": TEXTS[int(text) - 1],
        "intensity": INTENSITIES[int(intensity) - 1],
        "repetition": int(repetition),
        "channel": CHANNELS[int(channel) - 1],
    }


def parse_speech(path: Path) -> dict[str, Any] | None:
    """As `parse`, passing over songs.

    Args:
        path: Of a file, below the corpus's folder.

    Returns:
        As `parse`; {} for a song, None for a file that is not of RAVDESS.

    Example:
        >>> parse_speech(Path("03-02-03-01-02-01-07.wav"))
        {}
    """
    return _only("speech", parse(path))


def parse_song(path: Path) -> dict[str, Any] | None:
    """As `parse`, passing over speech.

    Args:
        path: Of a file, below the corpus's folder.

    Returns:
        As `parse`; {} for speech, None for a file that is not of RAVDESS.

    Example:
        >>> parse_song(Path("03-01-03-01-02-01-07.wav"))
        {}
    """
    return _only("song", parse(path))


def _only(channel: str, row: dict[str, Any] | None) -> dict[str, Any] | None:
    return {} if row and row["channel"] != channel else row


CITATION = (
    "Livingstone SR, Russo FA (2018). The Ryerson Audio-Visual Database of Emotional Speech and Song "
    "(RAVDESS). PLoS ONE 13(5): e0196391. https://doi.org/10.1371/journal.pone.0196391"
)
LICENCE = "CC BY-NC-SA 4.0: not for commercial use"

CORPUS = Corpus(
    name="ravdess",
    title="RAVDESS (speech)",
    citation=CITATION,
    licence=LICENCE,
    how_to_get=(
        "Fetch Audio_Speech_Actors_01-24.zip from https://zenodo.org/records/1188976 and unpack it, so that "
        "Actor_01 ... Actor_24 stand in the folder; without --data it is downloaded for you"
    ),
    emotions=EMOTIONS,
    expected=1440,
    folder="ravdess",
    parse=parse_speech,
    remote=(
        Remote(
            ZENODO + "Audio_Speech_Actors_01-24.zip",
            checksum="md5:bc696df654c87fed845eb13823edef8a",
            size=208_468_073,
        ),
    ),
)

STAND_IN = replace(
    CORPUS,
    name="ravdess_standin",
    title="RAVDESS (speech) as a stand-in for IEMOCAP: other people, other labels, another task",
    files_of=CORPUS.name,
)

SONG = Corpus(
    name="ravdess_song",
    title="RAVDESS (song)",
    citation=CITATION,
    licence=LICENCE,
    how_to_get=(
        "Fetch Audio_Song_Actors_01-24.zip from https://zenodo.org/records/1188976 and unpack it, so that "
        "Actor_01 ... Actor_24 stand in the folder (actor 18 has no songs)"
    ),
    emotions=EMOTIONS[:6],
    expected=1012,
    folder="ravdess",
    parse=parse_song,
)

CORPORA = (CORPUS, STAND_IN, SONG)
