"""What a corpus tells of its speakers in a table of its own, beside the audio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ser_keras.corpora import table_file
from ser_keras.corpora.listing import Row
from ser_keras.support.errors import MissingCorpusError, SerError
from ser_keras.support.messages import did_you_mean
from ser_keras.support.names import printable


@dataclass(frozen=True, kw_only=True)
class SpeakersTable:
    """Where to look, and under which headings.

    Attributes:
        file: Its place in the corpus's folder.
        speaker: The heading over the speakers' ids.
        columns: Heading by column of the utterance table.

    Example:
        >>> SpeakersTable(file="VideoDemographics.csv", speaker="ActorID", columns={"gender": "Sex"}).file
        'VideoDemographics.csv'
    """

    file: str = "speakers.csv"
    speaker: str = "speaker"
    columns: Mapping[str, str] = field(default_factory=lambda: {"gender": "gender"})

    def read(self, folder: Path) -> dict[str, Row]:
        """What is told of each speaker: columns of the utterance table by speaker.

        Args:
            folder: The corpus's own folder.

        Returns:
            By speaker, columns of the utterance table by name.

        Raises:
            SerError: The table is absent, cannot be read, lacks a column, or has a gender that no table has.
        """
        path = folder / self.file
        try:
            header, rows = table_file.read(path)
        except MissingCorpusError as error:
            raise SerError(f"{error}; it tells of the speakers, and belongs to the corpus") from error
        for heading in (self.speaker, *self.columns.values()):
            if heading.lower() not in header:
                raise SerError(f'{printable(path)}: there is no column "{heading}"{did_you_mean(heading, header)}')
        told: dict[str, Row] = {}
        for line, row in rows:
            if "" in row:
                raise SerError(f"{printable(path)}, line {line}: {row['']}")
            found = {column: row[heading.lower()] for column, heading in self.columns.items()}
            if (gender := found.get("gender")) is not None:
                if gender.lower() not in table_file.GENDERS:
                    raise SerError(f'{printable(path)}, line {line}: "{printable(gender)}" is no gender')
                found["gender"] = table_file.GENDERS[gender.lower()]
            told[row[self.speaker.lower()]] = found
        return told
