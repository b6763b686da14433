"""A paper's `run.py` as a module: its constants, functions and experiment at hand; nothing is run."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from ser_keras.support.errors import SerError
from ser_keras.support.messages import did_you_mean

PAPERS = ("reproductions", "../reproductions")  # seen from a checkout, and from its notebooks
CHECKOUT = Path(__file__).parents[2] / "reproductions"  # beside the package, wherever one stands


def named(papers: Path | str | None = None) -> dict[str, Path]:
    """Papers by the names of their folders.

    Args:
        papers: The folder of all papers; None looks in the working folder, beside it, above it, and beside the package.

    Returns:
        Folders by name; of two of one name the first.

    Example:
        >>> sorted(named("reproductions"))[:2]
        ['boucheta2025', 'cournut2017']
    """
    places = [Path(papers)] if papers is not None else [Path(), *map(Path, PAPERS), CHECKOUT]
    found: dict[str, Path] = {}
    for place in places:
        for path in sorted(place.glob("*/run.py")):
            found.setdefault(path.parent.name, path.parent)
    return found


def find(name: str, papers: Path | str | None = None) -> Path:
    """A paper's folder by its name, or by its path.

    Args:
        name: The name of a folder, or a path.
        papers: The folder of all papers; None looks where `named` does.

    Raises:
        SerError: It is not there.

    Example:
        >>> find("jin2022", "reproductions").name
        'jin2022'
    """
    there = named(papers)
    if name in there:
        return there[name]
    if papers is None and (Path(name) / "run.py").is_file():
        return Path(name)
    where = papers if papers is not None else " or ".join(PAPERS)
    raise SerError(f"There is no paper {name!r} in {where}{did_you_mean(name, there) or '.'}")


def load(path: Path | str) -> ModuleType:
    """Load a script.

    Args:
        path: A `run.py`, or its folder.

    Returns:
        The module; what it does when it is run as a script is not done.

    Raises:
        SerError: It is not there, or raises when it is loaded.

    Example:
        >>> jin = load("reproductions/jin2022")
        >>> jin.LEARNING_RATE
        0.0001
    """
    import cloudpickle  # joblib's

    path = Path(path).resolve()
    if path.is_dir():
        path /= "run.py"
    if not path.is_file():
        raise SerError(f"There is no {path}.")
    name = f"paper_{path.parent.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it is executed: dataclasses look it up
    # Worker processes do not know a module that was made here: they are sent its functions, not their names.
    cloudpickle.register_pickle_by_value(module)
    try:
        spec.loader.exec_module(module)
    except SerError:
        raise
    except Exception as error:
        raise SerError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    return module
