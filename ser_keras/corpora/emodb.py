"""Emo-DB: ten actors speak ten German sentences in seven emotions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ser_keras.corpora.base import Corpus, Remote

# W Wut, L Langeweile, E Ekel, A Angst, F Freude, T Trauer, N neutral
CODES = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
GENDERS = {
    "03": "male",
    "08": "female",
    "09": "female",
    "10": "male",
    "11": "male",
    "12": "male",
    "13": "female",
    "14": "female",
    "15": "male",
    "16": "female",
}
# speaker - sentence - emotion - version
NAME = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z])")


def parse(path: Path) -> dict[str, Any] | None:
    """The row of one recording, `wav/03a01Fa.wav`; None for any other file.

    Args:
        path: Of a file, below the corpus's folder.

    Returns:
        Columns of the utterance table by name.

    Example:
        >>> row = parse(Path("wav/16b10Wb.wav"))
        >>> row["speaker"], row["text"], row["emotion"], row["version"]
        ('16', 'b10', 'anger', 'b')
    """
    match = NAME.fullmatch(path.stem)
    if match is None or match[1] not in GENDERS:
        return None
    speaker, text, code, version = match.groups()
    return {
        "utterance": path.stem,
        "speaker": speaker,
        "gender": GENDERS[speaker],
        "emotion": CODES[code],
        "text": text,
        "version": version,
    }


CORPUS = Corpus(
    name="emodb",
    title="Emo-DB",
    citation=(
        "Burkhardt F, Paeschke A, Rolfes M, Sendlmeier W, Weiss B (2005). A database of German emotional speech. "
        "Interspeech 2005, 1517-1520. https://doi.org/10.21437/Interspeech.2005-446"
    ),
    licence="free; audEERING's edition declares CC0",
    how_to_get=(
        "Fetch http://emodb.bilderbar.info/download/download.zip and unpack it, so that wav/03a01Fa.wav stands in "
        "the folder"
    ),
    emotions=tuple(CODES.values()),
    expected=535,
    folder="emodb",
    parse=parse,
    remote=(
        Remote(
            "http://emodb.bilderbar.info/download/download.zip",
            checksum=None,
            size=40_567_066,
            # Version 2.0 has further recordings; its size is a bound.
            second=Remote(
                "https://zenodo.org/records/17651657/files/emodb_2.0.zip",
                checksum=None,
                size=200_000_000,
                only_known=True,
            ),
        ),
    ),
)
