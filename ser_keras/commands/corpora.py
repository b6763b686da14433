"""`ser-keras corpora`: which corpora are here, whether they are whole, and how to get each."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's flags.

    Args:
        parser: To which they are added.
    """
    from ser_keras.corpora import overview

    parser.add_argument("names", nargs="*", metavar="NAME", help="all of one corpus, or of a CSV file of one's own")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where corpora lie; else $SER_KERAS_DATA")
    open_ones = [corpus.name for corpus in overview.real() if corpus.remote]
    parser.add_argument(
        "--get", nargs="+", choices=open_ones, default=[], metavar="NAME", help=f"download: {', '.join(open_ones)}"
    )


def command(args: argparse.Namespace) -> int:
    """Print a line a corpus, or all of those named; with --get, download first. The exit code.

    Args:
        args: The parsed flags.
    """
    from ser_keras.corpora import download, find, overview
    from ser_keras.corpora.folders import data_folder

    data = data_folder(args.data)
    for name in args.get:
        download.download(find(name), data / find(name).folder)
    for name in args.names or args.get:
        print(overview.details(find(name), data))
    if not args.names and not args.get:
        print(*(overview.row(corpus, data) for corpus in overview.real()), sep="\n")
    return 0
