"""IEMOCAP: ten actors in five sessions of two, acting scripts and improvising; labels in EmoEvaluation files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ser_keras.corpora.base import Corpus
from ser_keras.corpora.listing import Listing, Row, kind
from ser_keras.support.errors import SerError
from ser_keras.support.names import printable

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
DIALOG = re.compile(r"Ses0([1-5])([FM])_((?:impro|script)\w{2,20})", re.ASCII)
TURN = re.compile(r"Ses0([1-5])[FM]_\w{5,30}_([FM])\w{3,5}", re.ASCII)  # session; who speaks
TURNS = {"1": 1819, "2": 1811, "3": 2136, "4": 2103, "5": 2170}  # by session, in the release's own files
LONGEST_LINE, LARGEST_FILE = 1000, 10**7  # characters, bytes: far more than the release has


def speaker(utterance: str) -> str:
    """Who speaks: the session and the letter behind the last underscore; the first letter says who wore markers.

    Args:
        utterance: A turn's name.

    Returns:
        Session and letter, such as "Ses01M"; "" for what is no turn's name.

    Example:
        >>> speaker("Ses01F_impro05_M019"), speaker("no turn")
        ('Ses01M', '')
    """
    match = TURN.fullmatch(utterance)
    return f"Ses0{match[1]}{match[2]}" if match else ""


def table(folder: Path) -> Listing:
    """The turns of the release unpacked in `folder` (or in one folder below it).

    Args:
        folder: Where the release was unpacked; it may be absent.

    Returns:
        A row of the utterance table for each turn, and the files that are there.

    Raises:
        SerError: A summary line has a label or a name that IEMOCAP does not have, or a file is none of the release;
            file and line are named.
    """
    listing = Listing()
    root = _root(folder)
    for session in sorted(root.glob("Session[1-5]")):
        # Sub-folders (Attribute, Categorical, Self-evaluation) hold single raters' sheets.
        for file in sorted((session / "dialog" / "EmoEvaluation").glob("Ses*.txt")):
            dialog = DIALOG.fullmatch(file.stem)
            if dialog is None:
                continue
            if what := kind(file):
                listing.odd.append(f"{file.relative_to(root)} ({what})")
                continue
            for number, row in _turns(file, dialog):
                if row["utterance"] in listing.rows:
                    listing.repeated.append(f"{row['utterance']} ({file.name}, line {number})")
                    continue
                wav = session / "sentences" / "wav" / file.stem / f"{row['utterance']}.wav"
                listing.rows[row["utterance"]] = row
                listing.add(row, wav, str(wav.relative_to(root)))
    return listing


def _root(folder: Path) -> Path:
    below = sorted(folder.glob("*/Session1"))
    return below[0].parent if below and not (folder / "Session1").is_dir() else folder


def _turns(file: Path, dialog: re.Match[str]) -> Iterator[tuple[int, Row]]:
    """Number of the line and row of each turn that a file of summaries lists."""
    name = printable(file)
    for number, line in enumerate(_lines(file), 1):
        where = f"{name}, line {number}"
        if len(line) > LONGEST_LINE:
            raise SerError(f"{where}: {len(line):,} characters are no line of IEMOCAP; unpack the release again")
        match = SUMMARY.fullmatch(line.strip())
        if match is None:  # headings, raters' lines, blank lines
            continue
        start, end, utterance, code, valence, activation, dominance = match.groups()
        turn = TURN.fullmatch(utterance)
        if turn is None or turn[1] != dialog[1]:
            raise SerError(
                f'{where}: "{printable(utterance)}" is no turn of session {dialog[1]}; unpack the release again'
            )
        if code not in CODES:
            raise SerError(f"{where}: {code!r} is no label of IEMOCAP; unpack the release again")
        yield (
            number,
            {
                "utterance": utterance,
                "speaker": speaker(utterance),
                "gender": "female" if turn[2] == "F" else "male",
                "emotion": CODES[code],
                "text": dialog[3],
                "session": dialog[1],
                "improvised": dialog[3].startswith("impro"),
                "valence": float(valence),
                "activation": float(activation),
                "dominance": float(dominance),
                "start": float(start),
                "end": float(end),
            },
        )


def _lines(file: Path) -> list[str]:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise SerError(f"{printable(file)} is too large for a file of IEMOCAP; unpack the release again")
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise SerError(f"{printable(file)} cannot be read ({error.strerror}); unpack the release again") from error


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
    expected=sum(TURNS.values()),
    counts={"session": TURNS},
    folder="iemocap",
    table=table,
    speaker=speaker,
)
