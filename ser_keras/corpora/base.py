"""What every corpus has: a description, an utterance table, and a validation that tells what is wrong."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_keras.support.errors import BadAudioError, MissingCorpusError, SerError
from ser_keras.support.files import digest, sha256

if TYPE_CHECKING:
    import pandas as pd

OPEN = "open"
AUDIO_SUFFIXES = (".wav", ".flac", ".mp3")


@dataclass(frozen=True)
class Remote:
    """An archive that may be downloaded by anybody."""

    url: str
    checksum: str | None  # "md5:..."; None where nobody publishes it: the recordings' own sums then decide
    size: int  # bytes, for the progress bar


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """One corpus: constants, and a parser of its file names.

    Attributes:
        name: The word for `--corpus`.
        title: What people call it.
        citation: The reference to give.
        licence: Terms of use, in a line.
        access: "open", or what stands between a reader and the corpus.
        how_to_get: What a person does to have it, in a sentence or two.
        emotions: Its labels, in the order in which tables show them.
        expected: How many recordings a complete copy has.
        folder: Where it lies under the data folder.
        parse: Path relative to the corpus's folder -> the row of the utterance table (`utterance`, `speaker`,
            `gender`, `emotion`, `text` ...); an empty row for a part of the corpus that is not asked for; None
            for a file that is no part of the corpus.
        remote: Where an open corpus is downloaded from; empty if it must be asked for.
        make: For a synthetic corpus, writes it into the folder given.
        files_of: The corpus whose files these are, for one that uses them in another way; empty for its own.
        table: For a corpus whose labels stand beside the audio: reads all rows itself, in place of `parse`.
        speaker: Utterance -> speaker, for a corpus without `parse`.
    """

    name: str
    title: str
    citation: str
    licence: str
    how_to_get: str
    emotions: tuple[str, ...]
    expected: int
    folder: str
    parse: Callable[[Path], dict[str, Any] | None] | None = None
    remote: tuple[Remote, ...] = ()
    make: Callable[[Path], None] | None = None
    table: Callable[[Path], list[dict[str, Any]]] | None = None
    speaker: Callable[[str], str] | None = None
    access: str = OPEN
    synthetic: bool = False
    files_of: str = ""

    def load(self, folder: Path, *, skip_bad: bool = False) -> pd.DataFrame:
        """The utterance table of a complete copy.

        Args:
            folder: The corpus's own folder.
            skip_bad: Go on with what is usable in place of raising.

        Returns:
            One row a recording, sorted by `utterance`: `utterance` (stable id), `path` (absolute), `speaker`,
            `gender`, `emotion`, `text`, `sha256` (of the file), and what else the corpus tells. The table's
            `attrs["left_out"]` counts recordings missing or left out as damaged.

        Raises:
            MissingCorpusError: There is no such folder, or no recording in it.
            SerError: Files are missing or damaged; the message counts and names them.
        """
        report = self.validate(folder)
        if report.table.empty:
            closed = "" if self.access == OPEN else f" ({self.access})"
            raise MissingCorpusError(f"No recording of {self.title}{closed} lies in {folder}. {self.how_to_get}")
        if report.unusable and not skip_bad:
            raise SerError(
                f"{report}\nRestore the files named ({self.how_to_get.rstrip('.')}), "
                "or pass --skip-bad to go on without them; the tables then count them."
            )
        table = report.table[~report.table.utterance.isin(report.damaged)].reset_index(drop=True)
        table.attrs["left_out"] = len(report.missing) + len(report.damaged)
        return table

    def validate(self, folder: Path) -> Validation:
        """Compare a folder with the published corpus.

        Args:
            folder: The corpus's own folder. It may be absent; everything is missing then.

        Returns:
            What is there, missing, extra, damaged and duplicate.
        """
        import pandas as pd

        rows, extra, second_copies = self._rows(folder)
        absent = [row["utterance"] for row in rows if not Path(row["path"]).is_file()]
        rows = [row for row in rows if row["utterance"] not in set(absent)]
        with ThreadPoolExecutor() as pool:  # hashing releases the interpreter lock
            checksums = list(pool.map(lambda row: _checksum(row["path"]), rows))
        for row, checksum in zip(rows, checksums, strict=True):
            row["sha256"] = checksum
        table = pd.DataFrame(rows or None, columns=None if rows else ["utterance", "emotion", "speaker", "sha256"])
        table = table.sort_values("utterance", ignore_index=True)
        known = self.checksums()
        present = set(table.utterance)
        missing = sorted(set(known) - present) + sorted(absent)
        if not known:
            missing += ["?"] * max(0, self.expected - len(table) - len(absent))
        same_audio = table[table.duplicated("sha256", keep=False) & (table.sha256 != "")]
        return Validation(
            corpus=self,
            folder=folder,
            table=table,
            missing=missing,
            extra=extra,
            damaged=sorted(_damaged(table, known)),
            second_copies=second_copies,
            identical=[tuple(group.utterance) for _, group in same_audio.groupby("sha256")],
        )

    def speaker_of(self, utterance: str) -> str:
        """Who speaks, from the utterance's name alone; empty where it has no such name."""
        if self.speaker is not None:
            return self.speaker(utterance)
        return (self.parse(Path(f"{utterance}.wav")) or {}).get("speaker", "")

    def is_there(self, folder: Path) -> bool:
        """Whether as many recordings lie in the folder as the corpus has; whether they are sound, `load` tells."""
        return len(self._rows(folder)[0]) >= self.expected

    def _rows(self, folder: Path) -> tuple[list[dict[str, Any]], list[str], list[str]]:
        """Parsed rows, names that do not parse, and further files of an utterance already seen."""
        if self.table is not None:
            return self.table(folder), [], []
        rows, extra, second = {}, [], []
        for path in _audio_files(folder):
            relative = path.relative_to(folder)
            row = self.parse(relative)
            if row == {}:
                continue
            if row is None:
                extra.append(str(relative))
            elif row["utterance"] in rows:
                second.append(str(relative))
            else:
                rows[row["utterance"]] = row | {"path": str(path)}
        return list(rows.values()), extra, second

    def checksums(self) -> dict[str, str]:
        """First 16 digits of each published file's SHA-256 by utterance; empty where nobody publishes them."""
        file = resources.files("ser_keras.corpora") / "checksums" / f"{self.files_of or self.name}.csv"
        if not file.is_file():
            return {}
        with file.open(encoding="utf-8") as lines:
            return {row["utterance"]: row["sha256"] for row in csv.DictReader(lines)}


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What a folder holds, set against the published corpus.

    Attributes:
        table: The recordings found.
        missing: Utterances of the published corpus that are not here ("?" where ids are not known).
        extra: Audio files that are no part of it.
        damaged: Utterances whose file is empty, unreadable, or not the published one.
        second_copies: Further files of an utterance that is already here (an archive unpacked twice).
        identical: Groups of utterances whose files are the same byte for byte.
    """

    corpus: Corpus
    folder: Path
    table: pd.DataFrame
    missing: Sequence[str]
    extra: Sequence[str]
    damaged: Sequence[str]
    second_copies: Sequence[str]
    identical: Sequence[tuple[str, ...]]

    @property
    def unusable(self) -> bool:
        """Whether a run on this folder would not be a run on the corpus."""
        return bool(self.missing or self.damaged)

    def counts(self) -> pd.DataFrame:
        """Recordings an emotion (rows) and speaker (columns), with totals."""
        import pandas as pd

        return pd.crosstab(self.table.emotion, self.table.speaker, margins=True, margins_name="total")

    def __str__(self) -> str:
        there = f"{len(self.table):,} of {self.corpus.expected:,} recordings in {self.folder}"
        lines = [f"{self.corpus.title}: {there}"]
        for word, names in (
            ("missing", self.missing),
            ("damaged (not the published file)", self.damaged),
            ("extra (name is not the corpus's)", self.extra),
            ("second copies of one recording (left out)", self.second_copies),
            ("identical audio under several names", [" = ".join(group) for group in self.identical]),
        ):
            if names:
                lines.append(f"  {len(names):,} {word}: {_some(names)}")
        return "\n".join(lines)


def corpus_checksum(table: pd.DataFrame) -> str:
    """One name for the audio of an utterance table: 16 hexadecimal digits."""
    return digest(sorted(zip(table.utterance, table.sha256, strict=True)))


def _audio_files(folder: Path) -> Iterator[Path]:
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
    return (p for p in found if not p.name.startswith("."))  # "._x.wav": what macOS leaves in archives


def _checksum(path: str) -> str:
    try:
        return sha256(Path(path)) if path else ""
    except OSError:
        return ""


def _damaged(table: pd.DataFrame, known: dict[str, str]) -> Iterator[str]:
    """Files that are not the published ones; where no sums are published, files that cannot be opened."""
    from ser_keras.features import audio

    for row in table.itertuples():
        if not row.sha256:
            yield row.utterance
        elif known and row.path.lower().endswith(".wav"):
            if known.get(row.utterance, row.sha256[:16]) != row.sha256[:16]:
                yield row.utterance
        elif not known:
            try:
                audio.check(row.path)
            except BadAudioError:
                yield row.utterance


def _some(names: Sequence[str], limit: int = 5) -> str:
    names = [name for name in names if name != "?"]
    if not names:
        return "which ones cannot be told"
    return ", ".join(names[:limit]) + (f" and {len(names) - limit:,} more" if len(names) > limit else "")
