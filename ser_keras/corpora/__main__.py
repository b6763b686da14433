"""Which corpora are here, whether they are whole, and how to get each.

python -m ser_keras.corpora                  a line each
python -m ser_keras.corpora ravdess          all of one
python -m ser_keras.corpora --get ravdess    download an open one
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ser_keras.corpora import download, find, overview
from ser_keras.corpora.folders import data_folder
from ser_keras.support.errors import SerError


def main() -> None:
    """Print the state of every corpus, or of those that are named; with --get, download first."""
    parser = argparse.ArgumentParser(
        prog="python -m ser_keras.corpora",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a corpus, or a CSV file of one's own recordings")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where corpora lie; else $SER_KERAS_DATA")
    open_ones = [corpus.name for corpus in overview.real() if corpus.remote]
    parser.add_argument("--get", nargs="+", choices=open_ones, default=[], metavar="NAME", help=", ".join(open_ones))
    args = parser.parse_args()
    data = data_folder(args.data)
    try:
        for name in args.get:
            download.download(find(name), data / find(name).folder)
        for name in args.names or args.get:
            print(overview.details(find(name), data))
        if not args.names and not args.get:
            print(*(overview.row(corpus, data) for corpus in overview.real()), sep="\n")
    except SerError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("\nStopped. What has come is kept; the same command goes on from here.", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
