"""`ser-keras export`: a finished run's model as one folder."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's flags.

    Args:
        parser: To which they are added.
    """
    parser.add_argument("run", type=Path, metavar="RUN", help="a run's folder, or an output folder with one model")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the model goes")
    parser.add_argument(
        "--precision",
        choices=("float32", "compact"),
        default="float32",
        help="how weights are stored: compact takes 60 %% of the space and moves probabilities by less than 0.001",
    )


def command(args: argparse.Namespace) -> int:
    """Write the folder and say what it is; the exit code.

    Args:
        args: The parsed flags.
    """
    from ser_keras.prediction import export

    made = export(args.run, args.out, precision=args.precision)
    print(f"{made.folder}: {made.description['paper']} {made.description['variant']}, {made.bytes / 1e6:.1f} MB")
    print(f"What it is, and how often it is right: {made.folder / 'README.md'}")
    return 0
