"""`ser-keras report`: what is generated, made anew from committed runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def renew(folders: Sequence[Path], *, drop: Sequence[str] = ()) -> None:
    """Make papers' tables, figures and READMEs anew, without running anything.

    Where the folders lie in a repository whose README has a table of the papers, that and its picture are renewed, too.

    Args:
        folders: Papers' folders.
        drop: Variants whose committed runs are removed: those that no longer count stay until they are named here.

    Raises:
        SerError: A `paper.toml` or a committed file is not what it should be, or a variant to drop is not there.
    """
    from ser_keras.reports import report, summary

    for folder in folders:
        if drop:
            report.drop(folder, drop)
        if (folder / "results").exists():
            report.refresh(folder)
    root = folders[0].resolve().parents[1] / "README.md"
    if root.exists() and summary.BEGIN in root.read_text(encoding="utf-8"):
        papers = folders[0].resolve().parent
        summary.renew(root, summary.markdown(summary.read(papers)))
        summary.renew(root, summary.simulation_as_markdown(), summary.SIMULATION)
        summary.draw(summary.read(papers), papers)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's flags.

    Args:
        parser: To which they are added.
    """
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a paper's folder")
    parser.add_argument(
        "--drop", nargs="+", default=[], metavar="VARIANT", help="remove the committed runs of these variants"
    )


def command(args: argparse.Namespace) -> int:
    """Renew; the exit code.

    Args:
        args: The parsed flags.
    """
    renew(args.folders, drop=args.drop)
    return 0
