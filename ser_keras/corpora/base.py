"""What every corpus has: a description, an utterance table, and a validation that tells what is wrong."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_keras.corpora import columns, vocabulary
from ser_keras.corpora.listing import Listing, listed
from ser_keras.corpora.speakers import SpeakersTable
from ser_keras.corpora.validation import UNKNOWN, Validation
from ser_keras.support.errors import BadAudioError, MissingCorpusError, SerError
from ser_keras.support.files import sha256
from ser_keras.support.folders import user_cache_folder
from ser_keras.support.names import printable

if TYPE_CHECKING:
    import pandas as pd

OPEN = "open"
LARGEST = 2**31  # bytes: more than any recording; what is larger is not read


@dataclass(frozen=True)
class Remote:
    """An archive that may be downloaded by anybody.

    Attributes:
        url: Its address.
        checksum: "md5:..."; None where nobody publishes it: the recordings' own sums then decide.
        size: Bytes, or the most that it may have.
        second: Another source of it, which is asked where this one fails.
        only_known: It holds more, or other editions: only the recordings with published sums are taken.
    """

    url: str
    checksum: str | None
    size: int
    second: Remote | None = None
    only_known: bool = False


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
        emotions: Its labels, in the order in which tables show them; words that `vocabulary` knows.
        expected: How many recordings a complete copy has.
        folder: Where it lies under the data folder.
        parse: Path relative to the corpus's folder -> the row of the utterance table (`utterance`, `speaker`,
            `gender`, `emotion`, `text` ...); an empty row for a part of the corpus that is not asked for; None
            for a file that is no part of the corpus.
        remote: Where an open corpus is downloaded from; empty if it must be asked for.
        make: For a synthetic corpus, writes it into the folder given.
        files_of: The corpus whose files these are, for one that uses them in another way; empty for its own.
        names: All its utterances, where they follow from a rule and nobody publishes their sums.
        counts: How many recordings each part has: {"session": {"1": 1819, ...}}, by a column of the table.
        speakers: A table beside the audio that tells of the speakers what the files' names do not.
        table: For a corpus whose labels stand beside the audio: lists all recordings itself, in place of `parse`.
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
    names: tuple[str, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    speakers: SpeakersTable | None = None
    table: Callable[[Path], Listing] | None = None
    speaker: Callable[[str], str] | None = None
    access: str = OPEN
    synthetic: bool = False
    files_of: str = ""

    def __post_init__(self) -> None:
        for word in self.emotions:
            if not vocabulary.is_known(word):
                hint = vocabulary.suggestion(word)
                raise SerError(f"{self.name}: {word!r} is no emotion of the vocabulary{hint}")

    def load(self, folder: Path, *, skip_bad: bool = False, lists: Path | None = None) -> pd.DataFrame:
        """The utterance table of a complete copy.

        Args:
            folder: The corpus's own folder.
            skip_bad: Go on with what is usable in place of raising.
            lists: A folder for lists that are too long for a message; None takes the user's cache.

        Returns:
            One row a recording, sorted by `utterance`: `utterance` (stable id), `path` (absolute), `speaker`,
            `gender`, `emotion`, `text`, `sha256` (of the file), and what else the corpus tells. The table's
            `attrs["left_out"]` counts recordings missing or left out as damaged.

        Raises:
            MissingCorpusError: There is no such folder, or no recording in it.
            SerError: Files are missing or damaged; the message counts and names them.
        """
        report = self.validate(folder)
        remedy = self.how_to_get.rstrip(".")
        if report.table.empty and not report.odd:
            closed = "" if self.access == OPEN else f" ({self.access})"
            raise MissingCorpusError(f"No recording of {self.title}{closed} lies in {printable(folder)}. {remedy}.")
        table = report.table[~report.table.utterance.isin(report.damaged)].reset_index(drop=True)
        if report.unusable and (table.empty or not skip_bad):
            told = report.told(lists or user_cache_folder() / "lists")
            skip = "" if table.empty else ", or pass --skip-bad to go on without them; the tables then count them"
            raise SerError(f"{told}\nRestore the files named ({remedy}){skip}.")
        table.attrs["left_out"] = len(report.missing) + len(report.damaged)
        return table

    def validate(self, folder: Path) -> Validation:
        """Compare a folder with the published corpus.

        Args:
            folder: The corpus's own folder. It may be absent; everything is missing then.

        Returns:
            What is there, missing, extra, damaged and duplicate.

        Raises:
            SerError: The corpus's own lists, or what was read of them, make no sense.
        """
        import pandas as pd

        listing = self.listing(folder)
        published = self.checksums()
        paths = [path for files in listing.files.values() for path in files]
        with ThreadPoolExecutor() as pool:  # hashing releases the interpreter lock
            sums = dict(zip(paths, pool.map(checksum, paths), strict=True))
        rows, second_copies, others = [], [], []
        for utterance, files in listing.files.items():
            first, *further = sorted(files, key=lambda path: _rank(path, sums[path], published.get(utterance)))
            rows.append(listing.rows[utterance] | {"path": str(first), "sha256": sums[first]})
            for path in further:
                (second_copies if sums[path] == sums[first] else others).append(str(path.relative_to(folder)))
        nothing = ["utterance", "emotion", "speaker", "sha256", *self.counts]
        table = pd.DataFrame(rows or None, columns=None if rows else nothing)
        table = table.sort_values("utterance", ignore_index=True)
        columns.check(table, self.name)
        table = table.assign(**{column: None for column in ("gender", "text") if column not in table})
        same_audio = table[table.duplicated("sha256", keep=False) & (table.sha256 != "")]
        return Validation(
            corpus=self,
            folder=folder,
            table=table,
            missing=self._missing(listing, table),
            damaged=sorted(_damaged(table, published)),
            extra=listing.extra,
            odd=listing.odd,
            second_copies=second_copies,
            others=others,
            repeated=listing.repeated,
            miscounted=list(self._miscounted(listing)),
            identical=[tuple(group.utterance) for _, group in same_audio.groupby("sha256")],
        )

    def speaker_of(self, utterance: str) -> str:
        """Who speaks, from the utterance's name alone; empty where it has no such name.

        Args:
            utterance: As the utterance table has it.

        Returns:
            As the table's column `speaker`, or "".
        """
        if self.speaker is not None:
            return self.speaker(utterance)
        return (self.parse(Path(f"{utterance}.wav")) or {}).get("speaker", "")

    def is_there(self, folder: Path) -> bool:
        """Whether as many recordings lie in the folder as the corpus has; whether they are sound, `load` tells.

        Args:
            folder: The corpus's own folder; it may be absent.

        Returns:
            Whether there are enough of them.
        """
        return len(self.listing(folder).files) >= self.expected

    def listing(self, folder: Path) -> Listing:
        """The recordings in a folder, by their names.

        Args:
            folder: The corpus's own folder; it may be absent.

        Returns:
            Rows and files by utterance, and what else lies there.

        Raises:
            SerError: The corpus's own lists make no sense, or do not tell of a speaker.
        """
        if self.table is not None:
            return self.table(folder)
        made = listed(folder, self.parse, self.all_names())
        if self.speakers and made.rows:
            told = self.speakers.read(folder)
            for row in made.rows.values():
                if row["speaker"] not in told:
                    raise SerError(f"{printable(folder / self.speakers.file)} does not tell of {row['speaker']}")
                row.update(told[row["speaker"]])
        return made

    def all_names(self) -> Collection[str]:
        """All utterances of a complete copy; empty where they are not known."""
        return frozenset(self.names or self.checksums())

    def checksums(self) -> dict[str, str]:
        """First 16 digits of each published file's SHA-256 by utterance; empty where nobody publishes them."""
        file = resources.files("ser_keras.corpora") / "checksums" / f"{self.files_of or self.name}.csv"
        if not file.is_file():
            return {}
        with file.open(encoding="utf-8") as lines:
            return {row["utterance"]: row["sha256"] for row in csv.DictReader(lines)}

    def _missing(self, listing: Listing, table: pd.DataFrame) -> list[str]:
        """What is named and not there; as many nameless ones as the counts then lack."""
        missing = sorted((set(self.all_names()) | set(listing.rows)) - set(table.utterance))
        return missing + [UNKNOWN] * max(0, self.expected - len(table) - len(missing))

    def _miscounted(self, listing: Listing) -> Iterator[str]:
        if not listing.rows:
            return
        for column, counts in self.counts.items():
            found = [str(row[column]) for row in listing.rows.values()]
            for part in sorted(set(counts) | set(found)):
                if found.count(part) != counts.get(part, 0):
                    yield f"{column} {part} has {found.count(part):,}, published are {counts.get(part, 0):,}"


def _rank(path: Path, checksum: str, published: str | None) -> tuple[bool, bool, str]:
    """Of several files of a recording the published one comes first, else a WAV file."""
    return not (published and checksum.startswith(published)), path.suffix.lower() != ".wav", str(path)


def checksum(path: Path) -> str:
    """The file's SHA-256; empty where it cannot be read, or is larger than any recording.

    Args:
        path: The file.

    Returns:
        64 hexadecimal digits, or "".

    Example:
        >>> checksum(Path("no such file"))
        ''
    """
    try:
        return sha256(path) if path.stat().st_size <= LARGEST else ""
    except OSError:
        return ""


def _damaged(table: pd.DataFrame, published: dict[str, str]) -> Iterator[str]:
    """Files that are not the published ones; where no sums are published, files that cannot be opened."""
    from ser_keras.features import audio

    for row in table.itertuples():
        if not row.sha256:
            yield row.utterance
        elif published:
            if not row.sha256.startswith(published[row.utterance]):
                yield row.utterance
        else:
            try:
                audio.check(row.path)
            except BadAudioError:
                yield row.utterance
