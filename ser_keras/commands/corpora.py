"""`ser-keras corpora`: which corpora are here, whether they are whole, and how to get each."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's flags."""
    from ser_keras.corpora import CORPORA

    parser.add_argument("--data", type=Path, metavar="DIR", help="where corpora lie; else $SER_KERAS_DATA")
    open_ones = [name for name, corpus in CORPORA.items() if corpus.remote and not corpus.files_of]
    parser.add_argument("--get", nargs="+", choices=open_ones, default=[], metavar="NAME", help=", ".join(open_ones))


def command(args: argparse.Namespace) -> int:
    """Print the state of every corpus; with --get, download first. The exit code."""
    from ser_keras.corpora import CORPORA, download
    from ser_keras.support.folders import data_folder

    data = data_folder(args.data)
    for name in args.get:
        download.download(CORPORA[name], data / CORPORA[name].folder)
    for corpus in CORPORA.values():
        if not corpus.synthetic and not corpus.files_of:
            describe(corpus.name, data)
    return 0


def describe(name: str, data: Path) -> None:
    """Print one corpus: its state, what is wrong with it, counts, licence, and how to get it."""
    from ser_keras.corpora import CORPORA

    corpus = CORPORA[name]
    found = corpus.validate(data / corpus.folder)
    state = "MISSING" if found.table.empty else "INCOMPLETE" if found.unusable else "valid"
    print(f"\n{name}: {state}")
    if state != "MISSING":
        print(f"  {found}".replace("\n", "\n  "))
        emotions = found.table.emotion.value_counts()
        counts = ", ".join(f"{e} {emotions[e]:,}" for e in corpus.emotions if e in emotions)
        print(f"    {counts}; {found.table.speaker.nunique()} speakers")
    if state != "valid":
        print(f"  How to get it: {corpus.how_to_get}.\n  Folder: {data / corpus.folder}")
        if corpus.remote:
            print(f"  Or: ser-keras corpora --get {name}")
    print(f"  Licence: {corpus.licence}\n  Cite: {corpus.citation}")
