"""`ser-keras merge`: output folders of several machines, joined."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ser_keras.runs.merging import merge


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's flags.

    Args:
        parser: To which they are added.
    """
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="output folders of one paper")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where all runs go")


def command(args: argparse.Namespace) -> int:
    """Merge and say what was done; the exit code.

    Args:
        args: The parsed flags.
    """
    merged = merge(args.folders, args.out)
    print(f"{len(merged.copied)} runs copied into {args.out}, {len(merged.known)} were there already")
    for place, reason in merged.refused.items():
        print(f"left out: {place}: {reason}", file=sys.stderr)
    return 1 if merged.refused else 0
