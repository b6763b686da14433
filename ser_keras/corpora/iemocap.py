"""IEMOCAP: ten actors in five sessions of two, acting scripts and improvising; labels in EmoEvaluation files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ser_keras.corpora.base import Corpus
from ser_keras.support.errors import SerError

CODES = {
    "neu": "neutral",
    "hap": "happiness",
    "sad": "sadness",
    "ang": "anger",
    "exc": "excitement",
    "fru": "frustration",
    "fea": "fear",
    "sur": "surprise",
    "dis": "disgust",
    "oth": "other",
    "xxx": "no agreement",
}
NUMBER = r"\s*(-?\d+(?:\.\d+)?)\s*"
# [start - end]  utterance  emotion  [valence, activation, dominance]
SUMMARY = re.compile(rf"\[{NUMBER}-{NUMBER}\]\s+(\S+)\s+([a-z]{{3}})\s+\[{NUMBER},{NUMBER},{NUMBER}\]")
DIALOG = re.compile(r"Ses0([1-5])([FM])_((?:impro|script)\w+)")


def speaker(utterance: str) -> str:
    """Who speaks: the session and the letter behind the last underscore; the first letter says who wore markers.

    Example:
        >>> speaker("Ses01F_impro05_M019")
        'Ses01M'
    """
    return utterance[:5] + utterance.rsplit("_", 1)[1][0]


def table(folder: Path) -> list[dict[str, Any]]:
    """The rows of the release unpacked in `folder` (or in one folder below it).

    Raises:
        SerError: A summary line has a label that IEMOCAP does not have; file and line are named.
    """
    return [row for session in sorted(_root(folder).glob("Session[1-5]")) for row in _session(session)]


def _root(folder: Path) -> Path:
    below = sorted(folder.glob("*/Session1"))
    return below[0].parent if below and not (folder / "Session1").is_dir() else folder


def _session(session: Path) -> Iterator[dict[str, Any]]:
    # Sub-folders (Attribute, Categorical, Self-evaluation) hold single raters' sheets.
    for file in sorted((session / "dialog" / "EmoEvaluation").glob("Ses*.txt")):
        dialog = DIALOG.fullmatch(file.stem)
        if dialog is None:
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            match = SUMMARY.fullmatch(line.strip())
            if match is None:  # headings, raters' lines, blank lines
                continue
            start, end, utterance, code, valence, activation, dominance = match.groups()
            if code not in CODES:
                raise SerError(f"{file}, line {number}: {code!r} is no label of IEMOCAP; unpack the release again")
            who = speaker(utterance)
            yield {
                "utterance": utterance,
                "path": str(session / "sentences" / "wav" / file.stem / f"{utterance}.wav"),
                "speaker": who,
                "gender": "female" if who.endswith("F") else "male",
                "emotion": CODES[code],
                "text": dialog[3],
                "session": dialog[1],
                "improvised": dialog[3].startswith("impro"),
                "valence": float(valence),
                "activation": float(activation),
                "dominance": float(dominance),
                "start": float(start),
                "end": float(end),
            }


CORPUS = Corpus(
    name="iemocap",
    title="IEMOCAP",
    citation=(
        "Busso C, Bulut M, Lee C-C, et al. (2008). IEMOCAP: Interactive emotional dyadic motion capture database. "
        "Language Resources and Evaluation 42, 335-359. https://doi.org/10.1007/s10579-008-9076-6"
    ),
    licence="for research, under a licence from the University of Southern California; not to be passed on",
    access="needs a licence",
    how_to_get=(
        "Ask for it at https://sail.usc.edu/iemocap/iemocap_release.htm, then unpack IEMOCAP_full_release.tar.gz, "
        "so that Session1 ... Session5 stand in the folder"
    ),
    emotions=tuple(CODES.values()),
    expected=10_039,
    folder="iemocap",
    table=table,
    speaker=speaker,
)
