"""`ser-keras predict`: what a trained model says of recordings."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ser_keras.commands.flags import jobs

if TYPE_CHECKING:
    import pandas as pd

    from ser_keras.prediction import Predicted

STDOUT = "-"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's flags.

    Args:
        parser: To which they are added.
    """
    parser.add_argument(
        "model", metavar="MODEL", help="a model's folder, a run's folder, or a paper that comes with one (jin2022 ...)"
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE_OR_FOLDER", help="recordings, or folders of them")
    parser.add_argument("--csv", metavar="FILE", help="write the table as CSV; - for standard output")
    parser.add_argument("--json", metavar="FILE", help="write it as JSON; - for standard output")
    parser.add_argument(
        "--every", type=float, metavar="S", help="seconds between pieces of a long recording (default: side by side)"
    )
    parser.add_argument("--jobs", type=jobs, default=-1, metavar="N", help="parallel workers (default: all)")


def command(args: argparse.Namespace) -> int:
    """Predict, print or write, and list what could not be used; the exit code.

    Args:
        args: The parsed flags.
    """
    from ser_keras.prediction import predict

    found = predict(args.model, args.paths, every=args.every, jobs=args.jobs)
    if args.csv:
        _write(args.csv, found.table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
    if args.json:
        _write(args.json, as_json(found))
    if STDOUT not in (args.csv, args.json) and len(found.table):
        print(shown(found.table, found.model.classes))
    print(caution(found), file=sys.stderr)
    for sentence in found.silent:
        print(f"nothing is heard: {sentence}", file=sys.stderr)
    if found.unusable:
        print(f"{len(found.unusable)} could not be used:", file=sys.stderr)
        for reason in found.unusable.values():
            print(f"  {reason}", file=sys.stderr)
    return 1 if found.unusable else 0


def shown(table: pd.DataFrame, classes: tuple[str, ...]) -> str:
    """The table for reading: probabilities in per cent.

    Args:
        table: As `predict` makes it.
        classes: In the order of the columns.
    """
    from ser_keras.support.names import printable

    rows = [["recording", "seconds", "prediction", *classes]]
    for row in table.to_dict("records"):
        percents = [f"{100 * row[f'p_{name}']:.0f}" for name in classes]
        rows.append([printable(row["path"]), f"{row['start']:.1f}-{row['end']:.1f}", row["prediction"], *percents])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = ["<", ">", "<", *">" * len(classes)]  # words to the left, numbers to the right
    lines = (
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def as_json(found: Predicted) -> str:
    """Predictions, what could not be used, and how often the model is right, as JSON.

    Args:
        found: As `predict` gives it.
    """
    import json

    description = found.model.description
    rows = [
        {
            **{key: row[key] for key in ("path", "start", "end", "prediction")},
            "probabilities": {name: round(float(row[f"p_{name}"]), 6) for name in found.model.classes},
        }
        for row in found.table.to_dict("records")
    ]
    made = {
        "model": found.model.name,
        "accuracy": description.get("accuracy"),
        "predictions": rows,
        "unusable": found.unusable,
        "silent": found.silent,
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def caution(found: Predicted) -> str:
    """What the numbers are worth, in a sentence.

    Args:
        found: As `predict` gives it.
    """
    description = found.model.description
    new = (description.get("accuracy") or {}).get("new_speakers")
    if not new:
        return f"{found.model.name}: how often it is right on new speakers is not known."
    runs = f"{new['runs']} runs" if new["runs"] > 1 else "1 run"
    return (
        f"{found.model.name}, trained on {description['run']['corpus']}: right for {100 * new['accuracy']:.0f} % of "
        f"the recordings of speakers it has never heard ({runs}), and those are acted."
    )


def _write(where: str, text: str) -> None:
    from ser_keras.support.files import write_text

    if where == STDOUT:
        sys.stdout.write(text)
    else:
        write_text(Path(where), text)
