"""The examples in docstrings are true: they run as they stand there."""

import doctest
import importlib
import pkgutil

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

import ser_keras

MODULES = sorted(m.name for m in pkgutil.walk_packages(ser_keras.__path__, "ser_keras.") if "__main__" not in m.name)
pytestmark = pytest.mark.slow  # every module is imported, and some examples extract features
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("name", ["ser_keras", *MODULES])
def test_examples_of_a_module(name, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    module = importlib.import_module(name)
    known = {"np": np, "pd": pd, "__name__": "__main__"} | {k: v for k, v in vars(module).items() if k != "__name__"}
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for example in doctest.DocTestFinder(exclude_empty=True).find(module, name, extraglobs=known):
        told = []
        runner.run(example, out=told.append)
        assert not runner.failures, "".join(told)
