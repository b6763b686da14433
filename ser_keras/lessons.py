"""What the notebooks begin with: a corpus that is there, and a paper's script as a module."""

from __future__ import annotations

import importlib.util
import os
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ser_keras.runs.experiment import load_corpus

if TYPE_CHECKING:
    import pandas as pd


def utterances(corpus: str = "ravdess") -> pd.DataFrame:
    """The utterance table of a real corpus where $SER_KERAS_DATA is set, else of the synthetic one.

    Args:
        corpus: A name in `ser_keras.corpora.CORPORA`.

    Returns:
        One row a recording; `attrs["corpus"]` says which corpus it is.

    Raises:
        MissingCorpusError: $SER_KERAS_DATA is set, but the corpus is not there.
    """
    name = corpus if os.environ.get("SER_KERAS_DATA") else "demo"
    return load_corpus(name, Namespace(data=None, cache=None, skip_bad=False))


def script(path: Path | str) -> ModuleType:
    """A paper's `run.py` as a module, its constants and functions at hand; nothing is run.

    Example:
        >>> jin = script("reproductions/jin2022/run.py")  # doctest: +SKIP
        >>> jin.LEARNING_RATE  # doctest: +SKIP
        0.0001
    """
    import cloudpickle  # joblib's

    path = Path(path).resolve()
    name = f"paper_{path.parent.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it is executed: dataclasses look it up
    # Worker processes do not know a module that was made here: they are sent its functions, not their names.
    cloudpickle.register_pickle_by_value(module)
    spec.loader.exec_module(module)
    return module
