"""The flags that all five `run.py` share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ser_keras.corpora.folders import data_folder
from ser_keras.support.folders import user_cache_folder, user_data_folder
from ser_keras.training.fit import PRECISIONS

__all__ = ["cache_folder", "data_folder", "parser", "user_data_folder"]


def parser(
    *, description: str, paper: str, corpora: Sequence[str], protocols: Sequence[str], variants: Sequence[str]
) -> argparse.ArgumentParser:
    """The command line of one paper."""
    p = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    data = p.add_argument_group("data")
    data.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="where corpora lie (DIR/ravdess, DIR/emodb, ...); else $SER_KERAS_DATA; else the per-user data "
        "folder, into which open corpora are downloaded",
    )
    data.add_argument(
        "--demo", action="store_true", help="use the built-in synthetic corpus; tables then say SYNTHETIC"
    )
    data.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave unusable recordings out in place of stopping; tables count them",
    )
    data.add_argument("--cache", type=Path, metavar="DIR", help="where features are kept (default: per-user cache)")
    what = p.add_argument_group("what to run (default: everything)")
    what.add_argument("--corpus", nargs="+", metavar="NAME", help=f"of: {', '.join(corpora)}; or any other")
    what.add_argument("--protocol", nargs="+", metavar="NAME", choices=protocols, help=f"of: {', '.join(protocols)}")
    what.add_argument("--variant", nargs="+", metavar="NAME", choices=variants, help=f"of: {', '.join(variants)}")
    what.add_argument("--seeds", type=_positive, default=1, metavar="N", help="seeds 0 .. N-1 (default: 1)")
    what.add_argument(
        "--epochs",
        type=_positive,
        metavar="N",
        help="another number of epochs; results are marked as not the paper's",
    )
    how = p.add_argument_group("how to run")
    how.add_argument("--out", type=Path, metavar="DIR", help=f"default: runs/{paper}")
    how.add_argument("--jobs", type=int, default=-1, metavar="N", help="parallel workers for features (default: all)")
    how.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="other than float32 is marked in every table",
    )
    how.add_argument("--fresh", action="store_true", help="discard finished cells; otherwise they are reused")
    how.add_argument("--tables-only", action="store_true", help="rebuild tables and figures from finished cells")
    how.add_argument(
        "--publish",
        action="store_true",
        help="also add the runs to this paper's results/ and renew its README.md; runs that are committed there "
        "are not made again (for maintainers)",
    )
    return p


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def cache_folder(given: Path | None) -> Path:
    """Where features are kept: the flag, else the per-user cache folder."""
    return given or user_cache_folder() / "features"
