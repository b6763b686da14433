"""Output folders of several machines, joined."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ser_keras.runs import folder as files
from ser_keras.runs.run import ANY, RECORD
from ser_keras.support.errors import SerError
from ser_keras.support.files import atomic, exclusive, sha256, try_exclusive


@dataclass
class Merged:
    """What joining folders did.

    Attributes:
        copied: Places of the runs that were copied.
        known: Places of the runs that were there already.
        refused: Place -> why a run was left out: damaged, or another run of that name was there.
    """

    copied: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def merge(folders: Sequence[Path | str], out: Path | str) -> Merged:
    """Copy the finished runs of several output folders into one; what is there stays.

    Args:
        folders: Output folders of the same paper.
        out: Where all runs go; one of the folders, or another.

    Returns:
        Which runs were copied, which were there already, and which were refused and why.

    Raises:
        SerError: A folder has no finished run, or `out` cannot be written.
    """
    out, merged = Path(out), Merged()
    with exclusive(out):
        for source in map(Path, folders):
            records = sorted(source.glob(ANY))
            if not records:
                raise SerError(f"No finished run lies in {source}.")
            for record in records:
                if source.resolve() != out.resolve():
                    _copy(record.parent, out / record.parent.relative_to(source), merged, source)
    return merged


def _copy(source: Path, target: Path, merged: Merged, root: Path) -> None:
    place = "/".join(source.relative_to(root).parts)
    if wrong := files.damage(source):
        merged.refused[f"{root}/{place}"] = wrong
        return
    with try_exclusive(target) as held:
        if not held:
            merged.refused[f"{root}/{place}"] = "another process is making this run"
        elif (target / RECORD).exists() and not files.damage(target):
            if sha256(target / RECORD) == sha256(source / RECORD):
                merged.known.append(place)
            else:
                merged.refused[f"{root}/{place}"] = "another run of this name is there"
        else:
            # The record last, so that a folder with one is whole.
            names = sorted((p for p in source.iterdir() if not p.name.startswith(".")), key=lambda p: p.name == RECORD)
            for path in names:
                with atomic(target / path.name) as partial:
                    shutil.copyfile(path, partial)
            merged.copied.append(place)
