"""Tables beside audio: a CSV file as rows with the numbers of their lines, whatever a spreadsheet made of it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from ser_keras.corpora.listing import kind
from ser_keras.support.errors import MissingCorpusError, SerError
from ser_keras.support.names import printable

LARGEST = 10**8  # bytes
GENDERS: Mapping[str, str | None] = {
    "": None,
    "unknown": None,
    **dict.fromkeys(("f", "female", "w", "woman"), "female"),
    **dict.fromkeys(("m", "male", "man"), "male"),
    **dict.fromkeys(("o", "other", "d", "diverse"), "other"),
}


def read(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The columns of a CSV file, in lower case, and its rows, each behind the number of the line that it ends on.

    Columns may be divided by commas, semicolons or tabs. A row with too few or too many fields has the key "" with
    what is wrong.

    Args:
        path: The file, of at most `LARGEST` bytes.

    Returns:
        The columns, and (line, row) of every line that is not blank; fields are stripped.

    Raises:
        MissingCorpusError: There is no such file.
        SerError: It cannot be read, is no text in UTF-8, or is empty.
    """
    shown = printable(path)
    what = kind(path)
    if what == "absent":
        raise MissingCorpusError(f"{shown} is not there")
    if what:
        raise SerError(f"{shown} is {what}, not a CSV file")
    try:
        if path.stat().st_size > LARGEST:
            raise SerError(f"{shown} is larger than {LARGEST // 10**6} MB; that is no table of recordings")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SerError(f"{shown} is no text in UTF-8 (byte {error.start}); save it as CSV UTF-8") from error
    except OSError as error:
        raise SerError(f"{shown} cannot be read ({error.strerror})") from error
    lines = text.splitlines(keepends=True)
    if not lines:
        raise SerError(f"{shown} is empty; its first line names the columns")
    rows = []
    try:
        reader = csv.reader(lines, delimiter=max(",;\t", key=lines[0].count), strict=True)
        header = [name.strip().lower() for name in next(reader)]
        for fields in reader:
            if any(field.strip() for field in fields):
                row = dict(zip(header, (field.strip() for field in fields), strict=False))
                if len(fields) != len(header):
                    row[""] = f"{len(fields)} fields in place of {len(header)}"
                rows.append((reader.line_num, row))
    except csv.Error as error:
        raise SerError(f"{shown}, line {reader.line_num}: no CSV ({error})") from error
    return header, rows
