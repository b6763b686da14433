"""`runs.json`: the records of a paper's committed runs, what many of them share stored once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_keras.support.files import digest

if TYPE_CHECKING:
    from ser_keras.runs.results import Results

SAME = "same"  # {"same": "<name>"}: the part of that name
LARGE = 80  # characters of JSON from which an entry is stored as a part
FORMAT = 2


def written(results: Results) -> str:
    """The manifest as text: shared parts, then one line a run, so that a difference shows which run it is.

    Args:
        results: Finished runs.

    Returns:
        JSON.
    """
    parts: dict[str, Any] = {}
    runs = [_packed(record, parts) for record in results.cells]

    def lines(entries: list[str]) -> str:
        return ",\n".join(entries)

    shared = lines([f"{json.dumps(name)}: {_line(value)}" for name, value in sorted(parts.items())])
    rest = {
        "protocols": results.protocols,
        "not_run": results.not_run,
        "impossible": results.impossible,
    }
    tail = json.dumps(rest, indent=1, ensure_ascii=False)[1:]
    return (
        f'{{"format": {FORMAT},\n"parts": {{\n{shared}\n}},\n"runs": [\n{lines([_line(r) for r in runs])}\n],{tail}\n'
    )


def read(path: Path) -> dict[str, Any]:
    """The arguments of `Results` that are in a manifest.

    Args:
        path: A `runs.json`.

    Returns:
        `cells`, `protocols`, `not_run`, `impossible`.

    Raises:
        KeyError: An entry is missing.
        ValueError: It is no JSON, or of another format.
    """
    raw = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise ValueError(f"{path.name} is not of format {FORMAT}")
    cells = [_unpacked(record, raw["parts"]) for record in raw["runs"]]
    return {"cells": cells} | {key: raw[key] for key in ("protocols", "not_run", "impossible")}


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _packed(record: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """A record whose large entries, and those of its description, are named parts."""

    def part(value: Any) -> Any:
        if not isinstance(value, (dict, list)) or len(_line(value)) < LARGE:
            return value
        name = digest(value)
        parts[name] = value
        return {SAME: name}

    packed = {key: part(value) if key != "what" else value for key, value in record.items() if key != "sha256"}
    if "what" in packed:
        packed["what"] = {key: part(value) for key, value in packed["what"].items()}
    return packed


def _unpacked(record: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    def whole(value: Any) -> Any:
        return parts[value[SAME]] if isinstance(value, dict) and set(value) == {SAME} else value

    unpacked = {key: whole(value) for key, value in record.items()}
    if "what" in unpacked:
        unpacked["what"] = {key: whole(value) for key, value in unpacked["what"].items()}
    return unpacked
