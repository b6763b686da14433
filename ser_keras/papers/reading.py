"""From the file to a `Paper`, or to a sentence for each of its faults."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import date, time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ser_keras.papers.schema import ENTRIES, Claim, Contradiction, Contrast, Paper, Reported, Silence
from ser_keras.support.errors import SerError
from ser_keras.support.messages import did_you_mean, escaped, shortened

LARGEST = 2_000_000  # bytes
SHOWN = 20  # sentences
NAMED = 10  # unknown names of one table
SECTIONS = {  # field of Paper, class, and the keys that tell which entry it is
    "reported": ("reported", Reported, ("table", "row")),
    "claim": ("claims", Claim, ("text",)),
    "contrast": ("contrasts", Contrast, ("variant", "against")),
    "silence": ("silences", Silence, ("id",)),
    "contradiction": ("contradictions", Contradiction, ("claim",)),
}
TAG = re.compile(r"\[(S\d+)\]")
# Strings and comments; one that is not closed goes to the end of the line, or of the file.
QUOTED = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+(?:"{3,5}|\Z)'
    r"|'''.*?(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]++|\\.)*+"?'
    r"|'[^'\n]*+'?"
    r"|#[^\n]*+",
    re.DOTALL,
)
LONG_KEY = re.compile(r"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){3}")
MUST = {
    "string_type": "must be text",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "finite_number": "must be a finite number",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
}
NEEDS = {
    "missing": "is missing",
    "too_short": "must not be empty",
    "string_too_long": "must have no more than {max_length:,} characters",
}


def read(path: Path) -> Paper:
    """Read and validate a `paper.toml`, before anything else is done with it.

    Args:
        path: The file.

    Raises:
        SerError: It cannot be read or is not valid; a sentence for each fault, which names file and entry.

    Example:
        >>> read(Path("reproductions/jin2022/paper.toml")).short  # doctest: +SKIP
        'Jin et al. 2022'
    """
    raw = _toml(path)
    wrong = list(_unknown("section", raw, ["paper", *SECTIONS]))
    sections, of_entries = {}, []
    for name, (field, kind, telling) in SECTIONS.items():
        entries, faults = _entries(name, kind, telling, raw.get(name, []))
        sections[field] = () if faults else entries  # half a section would be out of order, too
        of_entries += faults
    main = raw.get("paper")
    if isinstance(main, dict):
        paper, faults = _made(Paper, main, sections)
        wrong += faults
        wrong += _misplaced(path, main.get("key"))
    else:
        paper = None
        wrong.append("there is no section [paper]" if main is None else f"paper must be a table, not {_shown(main)}")
    wrong += of_entries
    if wrong or paper is None:
        raise SerError(_together(path, wrong))
    return paper


def tags(path: Path) -> set[str]:
    """Ids of ledger entries that a script's comments name: `BATCH_SIZE = 32  # [S4]`.

    Args:
        path: A script.

    Returns:
        Such as "S4".

    Example:
        >>> "S1" in tags(Path("reproductions/jin2022/run.py"))
        True
    """
    return set(TAG.findall(path.read_text(encoding="utf-8")))


def _toml(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():  # a pipe would be waited for
            raise FileNotFoundError("there is no such file")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(f"it is larger than {LARGEST:,} bytes, and a paper takes some thousand")
        text = content.decode("utf-8-sig")
        # tomllib takes quadratic time for keys of many parts: 100 KB of dots would be a minute's work.
        if LONG_KEY.search(QUOTED.sub("quoted", text)):
            raise ValueError("it has a key of more than three parts (a.b.c.d)")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        why = f"it is not UTF-8 (byte {error.start + 1:,})"
    except RecursionError:
        why = "its lists or tables are nested too deeply"
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
    raise SerError(f"{escaped(str(path))} cannot be read: {escaped(why, longest=200)}")


def _entries(name: str, kind: type, telling: Iterable[str], entries: Any) -> tuple[tuple[Any, ...], list[str]]:
    """The entries of a section, and what is wrong with them."""
    if not isinstance(entries, list):
        return (), [f"{name} must be a list of entries, each headed [[{name}]], not {_shown(entries)}"]
    if len(entries) > ENTRIES:
        return (), [f"{name} has {len(entries):,} entries; no more than {ENTRIES:,} are allowed"]
    made, wrong = [], []
    for i, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            wrong.append(f"{name} {i} must be a table, headed [[{name}]], not {_shown(entry)}")
            continue
        told = ", ".join(escaped(entry[key], longest=60) for key in telling if isinstance(entry.get(key), str))
        one, faults = _made(kind, entry)
        made.append(one)
        wrong += [f"{name} {i}{f' ({told})' if told else ''}: {fault}" for fault in faults]
    return tuple(made), wrong


def _made(kind: type, values: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> tuple[Any, list[str]]:
    """An object of a class, or None, and what is wrong with the values of its keys; `given` are no keys of the file."""
    known = [field.name for field in fields(kind) if field.name not in (given or {})]
    wrong = list(_unknown("key", values, known))
    try:
        return kind(**{key: values[key] for key in known if key in values}, **(given or {})), wrong
    except ValidationError as error:
        return None, [*wrong, *_sentences(error)]


def _unknown(what: str, given: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    strange = [name for name in given if name not in known]
    for name in strange[:NAMED]:
        yield f"there is no {what} {shortened(name)}{did_you_mean(name, known)}"
    if len(strange) > NAMED:
        yield f"there are {len(strange) - NAMED:,} unknown {what}s more"


def _misplaced(path: Path, key: Any) -> Iterator[str]:
    folder = path.parent.resolve().name
    if isinstance(key, str) and key != folder:
        yield f"key must be the name of the folder, {shortened(folder)}, not {_shown(key)}"


def _sentences(error: ValidationError) -> Iterator[str]:
    """What pydantic found, in the words of the file."""
    for fault in error.errors(include_url=False):
        kind, context = fault["type"], fault.get("ctx", {})
        name, *places = fault["loc"]
        key = " ".join([str(name), *(str(place + 1) for place in places)])  # "authors 2"
        if kind == "sentences":
            yield from context["told"]
        elif kind == "value_error":
            yield f"{key} {escaped(str(context['error']), longest=200)}"
        elif kind in NEEDS:
            yield f"{key} {NEEDS[kind].format(**context)}"
        else:
            yield f"{key} {MUST.get(kind, 'must be something else').format(**context)}, not {_shown(fault['input'])}"


def _shown(value: Any) -> str:
    """A value as its file has it, or what it is."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return shortened(value)
        case int() | float():
            return "a huge number" if isinstance(value, int) and value.bit_length() > 64 else f"{value}"
        case date() | time():
            return f"{value}"
    return "a list" if isinstance(value, (list, tuple)) else "a table"


def _together(path: Path, wrong: list[str]) -> str:
    shown = [f"{escaped(str(path))}: {sentence}" for sentence in wrong[:SHOWN]]
    if len(wrong) > SHOWN:
        shown.append(f"{escaped(str(path))}: {len(wrong) - SHOWN:,} more like these")
    return "\n".join(shown)
