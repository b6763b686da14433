"""Fixtures that several test files share."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

# Compiled functions of librosa are kept on disk; two processes that write them at once have been seen to crash.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")
os.environ["NUMBA_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / f"ser_keras_numba_{WORKER}")

from ser_keras.corpora import CORPORA  # noqa: E402
from ser_keras.runs.script import load as script  # noqa: E402

ROOT = Path(__file__).parents[1]
PAPERS = sorted(path.parent.name for path in (ROOT / "reproductions").glob("*/run.py"))
RATE = 16_000


def flat_model(shape, n_classes):
    """A compiled model that trains in no time: one dense layer."""
    import keras

    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(n_classes, "softmax")])
    model.compile("sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory):
    from ser_keras.corpora import CORPORA

    folder = tmp_path_factory.mktemp("demo")
    CORPORA["demo"].make(folder)
    return folder


@pytest.fixture(scope="session")
def real_data():
    folder = os.environ.get("SER_KERAS_DATA")
    if not folder:
        pytest.skip("SER_KERAS_DATA is not set")
    return Path(folder)


@pytest.fixture
def speech():
    """Two seconds that sound a little like speech: harmonics with a moving pitch, in syllables, and noise."""
    rng = np.random.default_rng(7)
    t = np.arange(2 * RATE) / RATE
    phase = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * 1.5 * t)) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 25)) * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * t))
    return (0.1 * voice + 0.003 * rng.normal(size=len(t))).astype(np.float32)


@pytest.fixture
def wav(tmp_path):
    """Write a recording: `wav(samples, rate=..., name=..., subtype=...)` returns its path."""

    def write(samples, *, rate=RATE, name="a.wav", subtype=None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate, subtype=subtype)
        return path

    return write


def load_run(paper):
    """A paper's run.py as a module."""
    return script(ROOT / "reproductions" / paper / "run.py")


def from_names(corpus):
    """A corpus's utterance table from the published names alone; each name stands for its audio, too."""
    chosen = CORPORA[corpus]
    return pd.DataFrame([chosen.parse(Path(f"{name}.wav")) | {"sha256": name} for name in chosen.checksums()])


def command(paper, *flags):
    return [sys.executable, str(ROOT / "reproductions" / paper / "run.py"), *map(str, flags)]


def run_script(paper, *flags, cwd, env=None, timeout=300):
    """Run a paper's script as a user does; returns the finished process."""
    environment = {k: v for k, v in os.environ.items() if k != "SER_KERAS_DATA"} | {"XDG_DATA_HOME": str(cwd)}
    return subprocess.run(
        command(paper, *flags),
        cwd=cwd,
        env=environment | (env or {}),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def under_backend(backend, script):
    """A script run to its end in a process of its own, under a backend of Keras."""
    environment = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr
    return done
