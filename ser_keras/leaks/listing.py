"""The two sides of a split, from whatever lists them: CSV, JSON lines, a folder, a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_keras.corpora import table_file
from ser_keras.corpora.listing import kind, walk
from ser_keras.support.errors import SerError
from ser_keras.support.messages import did_you_mean
from ser_keras.support.names import printable

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("path", "speaker", "text", "start", "end")
JSON_LINES = (".jsonl", ".ndjson", ".json")
LARGEST = 10**8  # bytes


def read(given: pd.DataFrame | Path | str, *, side: str) -> pd.DataFrame:
    """One side of a split as a table.

    Args:
        given: A CSV file with a heading, JSON lines (an object a line), a folder of recordings, or a table. The column
            `path` is needed (absolute, or relative to the file); `speaker`, `text`, and `start` and `end` in seconds
            (of a window within the recording) are used where they are there.
        side: "train" or "test", for messages.

    Returns:
        One row an example: `path`, `speaker`, `text`, `start`, `end`; what is not known is None.

    Raises:
        SerError: It cannot be read, has no column `path`, or no row.
    """
    import pandas as pd

    if isinstance(given, pd.DataFrame):
        rows, folder, shown = given.to_dict("records"), Path(), f"the {side} table"
    else:
        path = Path(given)
        folder, shown = path.parent, printable(path)
        if kind(path) == "a directory":
            rows, folder = [{"path": str(file)} for file in walk(path) if kind(file) == ""], Path()
        elif path.suffix.lower() in JSON_LINES:
            rows = _json_lines(path)
        else:
            _, lines = table_file.read(path)
            rows = [_whole(row, f"{shown}, line {line}") for line, row in lines]
    if not rows:
        raise SerError(f"{shown} lists no recording.")
    columns = dict.fromkeys(key for row in rows for key in row)
    if "path" not in columns:
        raise SerError(f"{shown} has no column 'path'{did_you_mean('path', columns) or '.'}")
    made = []
    for number, row in enumerate(rows, 1):
        told: dict[str, Any] = {column: _told(row.get(column)) for column in COLUMNS}
        if told["path"] is None:
            raise SerError(f"{shown}: row {number} has no path.")
        told["path"] = str(folder / told["path"])
        for column in ("start", "end"):
            told[column] = _seconds(told[column], f"{shown}: row {number}: {column}")
        made.append(told)
    return pd.DataFrame(made, columns=list(COLUMNS)).astype(object).where(lambda t: t.notna(), None)


def _whole(row: dict[str, str], where: str) -> dict[str, str]:
    if "" in row:
        raise SerError(f"{where}: {row['']}.")
    return row


def _told(value: Any) -> str | None:
    text = "" if value is None or value != value else str(value).strip()  # NaN differs from itself
    return text or None


def _seconds(value: str | None, where: str) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError as error:
        raise SerError(f"{where} is {printable(value)!r}, no number of seconds.") from error
    if not 0 <= seconds < float("inf"):
        raise SerError(f"{where} is {printable(value)!r}, no time in a recording.")
    return seconds


def _json_lines(path: Path) -> list[dict[str, Any]]:
    shown = printable(path)
    if what := kind(path):
        raise SerError(f"{shown} " + ("is not there." if what == "absent" else f"is {what}, not a file."))
    try:
        if path.stat().st_size > LARGEST:
            raise SerError(f"{shown} is larger than {LARGEST // 10**6} MB; that is no list of recordings.")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SerError(f"{shown} cannot be read as text in UTF-8.") from error
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SerError(f'{shown}, line {number}: no JSON; each line is an object like {{"path": ...}}.') from error
        if not isinstance(row, dict):
            raise SerError(f'{shown}, line {number}: no object like {{"path": ...}}.')
        rows.append({str(key).lower(): value for key, value in row.items()})
    return rows
