"""`--precision auto`: faster arithmetic where paired runs have shown that it changes nothing."""

from __future__ import annotations

import csv
from pathlib import Path

from ser_keras.support.variant import Variant
from ser_keras.training.hardware import has_bfloat16

AUTO, PLAIN, FASTER = "auto", "float32", "mixed_bfloat16"
TABLE = Path("results") / "tables" / "precision.csv"
SHOWN = "shown"  # how a row begins that shows it


def chosen_precision(precision: str, folder: Path, recipe: str) -> tuple[str, str]:
    """The dtype policy of one recipe's runs, and for "auto" the reason.

    Args:
        precision: What was asked for: a policy, or "auto".
        folder: The paper's folder, whose committed table says what paired runs have shown.
        recipe: The recipe's name in `run.py`.

    Returns:
        The policy, and a sentence's end; empty unless "auto" was asked for.
    """
    if precision != AUTO:
        return precision, ""
    if not has_bfloat16():
        return PLAIN, "this machine has no bfloat16 in hardware"
    rows = [row for row in _rows(folder / TABLE) if Variant.parse(row["Variant"]).recipe == recipe]
    rows = [row for row in rows if Variant.parse(row["Variant"]).precision == FASTER]
    if not rows:
        return PLAIN, "no paired runs compare the two"
    open_rows = [row["says"] for row in rows if not row["says"].startswith(SHOWN)]
    return (PLAIN, open_rows[0]) if open_rows else (FASTER, rows[0]["says"])


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
