"""`ser-keras site`: a static site of all papers."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's flags.

    Args:
        parser: To which they are added.
    """
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the site")
    parser.add_argument(
        "--papers", type=Path, default=Path("reproductions"), metavar="DIR", help="default: %(default)s"
    )


def command(args: argparse.Namespace) -> int:
    """Build it and say where it is; the exit code.

    Args:
        args: The parsed flags.
    """
    from ser_keras.reports import site

    pages = site.build(args.papers, args.out)
    print(f"{len(pages)} pages: open {args.out / 'index.html'}")
    return 0
