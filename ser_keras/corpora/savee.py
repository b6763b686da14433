"""SAVEE: four men speak 120 sentences each in seven emotions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ser_keras.corpora.base import Corpus

EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgust", "surprised")
CODES = {
    "a": "angry",
    "d": "disgust",
    "f": "fearful",
    "h": "happy",
    "n": "neutral",
    "sa": "sad",
    "su": "surprised",
}
SPEAKERS = ("DC", "JE", "JK", "KL")
NAME = re.compile(r"(?:(DC|JE|JK|KL)_)?(sa|su|[adfhn])(\d\d)")
SENTENCES = {code: 30 if code == "n" else 15 for code in CODES}  # numbered from 01, for each speaker
COMMON = 3  # sentences 01-03 of every emotion are the same ones


def parse(path: Path) -> dict[str, Any] | None:
    """The row of one recording, from any of the layouts in use.

    The speaker stands in the folder (`AudioData/DC/a01.wav`, `DC/a01.wav`) or in the name (`ALL/DC_a01.wav`,
    `DC_a01.wav`). Sentences 01 to 03 are common to all emotions; the others belong to one emotion, and neutral's
    are the emotions' own, so that `text` is exact for the common three only.

    Args:
        path: Of a file, below the corpus's folder.

    Returns:
        Columns of the utterance table by name; None for a file that is not of SAVEE.

    Example:
        >>> row = parse(Path("AudioData/DC/sa07.wav"))
        >>> row["utterance"], row["speaker"], row["emotion"]
        ('DC_sa07', 'DC', 'sad')
    """
    match = NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker, code, number = match.groups()
    speaker = speaker or path.parent.name
    if speaker not in SPEAKERS:
        return None
    return {
        "utterance": f"{speaker}_{code}{number}",
        "speaker": speaker,
        "gender": "male",
        "emotion": CODES[code],
        "text": f"common{number}" if int(number) <= COMMON else f"{code}{number}",
    }


CORPUS = Corpus(
    name="savee",
    title="SAVEE",
    citation=(
        "Haq S, Jackson PJB (2010). Multimodal emotion recognition. In: Machine Audition: Principles, Algorithms "
        "and Systems, IGI Global, 398-423. http://kahlan.eps.surrey.ac.uk/savee/"
    ),
    licence="free for research after registration; not to be passed on",
    access="needs registration",
    how_to_get=(
        "Ask for it at http://kahlan.eps.surrey.ac.uk/savee/Register.html, then unpack "
        "AudioData.zip there, so that AudioData/DC ... AudioData/KL stand in the folder"
    ),
    emotions=EMOTIONS,
    expected=480,
    names=tuple(
        f"{speaker}_{code}{number:02}"
        for speaker in SPEAKERS
        for code, sentences in SENTENCES.items()
        for number in range(1, sentences + 1)
    ),
    folder="savee",
    parse=parse,
)
