"""Recordings of one's own: a CSV file with the columns path, emotion and speaker is a corpus."""

from __future__ import annotations

import os
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ser_keras.corpora import table_file, vocabulary
from ser_keras.corpora.base import Corpus, checksum
from ser_keras.corpora.listing import Listing, Row, kind
from ser_keras.support.errors import SerError
from ser_keras.support.folders import user_cache_folder
from ser_keras.support.messages import did_you_mean
from ser_keras.support.names import printable, some

NEEDED, OPTIONAL = ("path", "emotion", "speaker"), ("text", "gender", "split")
SPLITS = ("train", "validation", "test")

Mistakes = dict[str, list[str]]


def from_csv(path: Path | str, *, lists: Path | None = None) -> Corpus:
    """A corpus from a table of recordings.

    Args:
        path: A CSV file with a heading: `path` (absolute, or relative to the CSV file), `emotion` (a word that
            `vocabulary` knows), `speaker`; and, where they are known, `text`, `gender` and `split` (train, validation,
            test). Further columns are kept aside.
        lists: A folder for lists that are too long for the message; None takes the user's cache.

    Returns:
        A corpus with the file's name. Its emotions are the vocabulary's canonical words; an utterance is named by its
        path below the folder that all recordings share.

    Raises:
        MissingCorpusError: There is no such file.
        SerError: It cannot be used; the message lists all mistakes at once.

    Example:
        >>> mine = from_csv("recordings.csv")  # doctest: +SKIP
        >>> mine.load(corpora.locate(mine, data)).speaker.nunique()  # doctest: +SKIP
        12
    """
    path = Path(path).absolute()
    header, lines = table_file.read(path)
    mistakes: Mistakes = defaultdict(list)
    for column in NEEDED:
        if column not in header:
            mistakes["columns are missing"].append(f"{column}{did_you_mean(column, set(header) - {''})}")
    if twice := sorted({column for column in header if column and header.count(column) > 1}):
        mistakes["columns stand there twice"] += twice
    rows = [row for line, given in lines if (row := _row(given, f"line {line}", path.parent, mistakes))]
    _check_together(rows, mistakes)
    if mistakes:
        folder = lists or user_cache_folder() / "lists"
        told = [
            f"  {len(found):,} {what}: {some(found, folder / f'{path.stem}-{number}.txt')}"
            for number, (what, found) in enumerate(mistakes.items(), 1)
        ]
        raise SerError("\n".join([f"{printable(path)} cannot be used as a corpus:", *told]))
    listing, together = Listing(), os.path.commonpath([row["file"].parent for row in rows])
    for row in rows:
        row["utterance"] = row["file"].relative_to(together).as_posix()
        listing.rows[row["utterance"]] = row
        listing.files[row["utterance"]] = [row.pop("file")]
    speakers = {name: row["speaker"] for name, row in listing.rows.items()}
    present = {row["emotion"] for row in rows}
    return Corpus(
        name=path.name,
        title=f"recordings of {printable(path.name)}",
        citation="Recordings of one's own.",
        licence="their owner's",
        how_to_get=f"They are listed in {printable(path)}",
        emotions=tuple(emotion for emotion in vocabulary.EMOTIONS if emotion in present),
        expected=len(rows),
        folder=str(path.parent),
        table=lambda folder: listing,
        speaker=lambda utterance: speakers.get(utterance, ""),
    )


def _row(given: dict[str, str], line: str, folder: Path, mistakes: Mistakes) -> Row | None:
    """One line as a row of the utterance table, with its `file`; None where that makes no sense."""
    if "" in given:
        mistakes["lines have another number of fields than the heading"].append(f"{line}: {given['']}")
        return None
    for column in NEEDED:
        if given.get(column) == "":
            mistakes[f"lines have no {column}"].append(line)
    row: Row = {column: given.get(column) or None for column in (*NEEDED, *OPTIONAL) if column in given}
    where = f"{line}: {row.get('path')}"
    row["line"] = line
    emotion, gender, split = row.get("emotion"), row.get("gender"), row.get("split")
    if emotion is not None:
        if not vocabulary.is_known(emotion):
            mistakes["emotions are unknown"].append(f'{line}: "{emotion}"{vocabulary.suggestion(emotion)}')
        row["emotion"] = vocabulary.canonical(emotion)
    if gender is not None:
        if gender.lower() not in table_file.GENDERS:
            mistakes["genders are unknown"].append(f'{line}: "{gender}"')
        row["gender"] = table_file.GENDERS.get(gender.lower())
    if split is not None and split not in SPLITS:
        mistakes[f"splits are none of {', '.join(SPLITS)}"].append(f'{line}: "{split}"{did_you_mean(split, SPLITS)}')
    if row.get("path"):
        row["file"] = Path(os.path.normpath(folder / row.pop("path")))
        if what := kind(row["file"]):
            mistakes["files are missing" if what == "absent" else "paths are no files"].append(
                where if what == "absent" else f"{where} ({what})"
            )
            del row["file"]
    return row


def _check_together(rows: list[Row], mistakes: Mistakes) -> None:
    """What only all rows together tell: doubles, identical audio, a single speaker."""
    for column, least in (("speaker", 2), ("emotion", 2)):
        there = {row[column] for row in rows if row.get(column)}
        if 0 < len(there) < least:
            mistakes[f"{column} alone, where two are the least"].append(*there)
    if not rows and not mistakes:
        mistakes["recordings"].append("there is nothing below the heading")
    first: dict[Path, str] = {}
    for row in (row for row in rows if "file" in row):
        if row["file"] in first:
            mistakes["recordings stand there twice"].append(f"{row['line']} as {first[row['file']]}")
        first.setdefault(row["file"], row["line"])
    with ThreadPoolExecutor() as pool:
        sums = list(pool.map(checksum, first))
    by_sum: dict[str, str] = {}
    for (file, line), found in zip(first.items(), sums, strict=True):
        if found and found in by_sum:
            mistakes["recordings are identical to another"].append(f"{line}: {file.name} ({by_sum[found]})")
        by_sum.setdefault(found, f"{line}: {file.name}")
    for row in rows:
        del row["line"]
