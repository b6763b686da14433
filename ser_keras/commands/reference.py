"""`ser-keras reference`: pages of the public names, from their docstrings."""

from __future__ import annotations

import argparse
import pkgutil
from pathlib import Path

import ser_keras


def build(out: Path | str) -> Path:
    """Write a page a module, with a search, from the docstrings.

    Args:
        out: Folder for the pages.

    Returns:
        The first page.

    Raises:
        SerError: pdoc is not installed.
    """
    try:
        import pdoc
    except ImportError as error:
        from ser_keras.support.errors import SerError

        raise SerError("The reference is made by pdoc: python -m pip install pdoc") from error
    from ser_keras.training.backend import prepare_backend

    prepare_backend()  # modules of networks import Keras
    pdoc.render.configure(docformat="google", show_source=False)
    rooms = [module.name for module in pkgutil.walk_packages(ser_keras.__path__, "ser_keras.")]
    # By name: a package's lazily loaded names would hide its modules.
    chosen = ["ser_keras", *(name for name in rooms if not name.endswith("__main__"))]
    pdoc.pdoc(*chosen, output_directory=Path(out))
    return Path(out) / "ser_keras.html"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's flags.

    Args:
        parser: To which they are added.
    """
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the pages")


def command(args: argparse.Namespace) -> int:
    """Build it and say where it is; the exit code.

    Args:
        args: The parsed flags.
    """
    print(f"open {build(args.out)}")
    return 0
