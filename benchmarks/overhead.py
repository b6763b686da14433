"""What the suite adds: start-up of --help and --tables-only, and a training run beside a bare `model.fit`.

python benchmarks/overhead.py [--epochs N]

Training is timed on the demo corpus's shapes, both ways in one process and in turns, so that a busy machine slows
both alike.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from printing import show

from ser_keras import training
from ser_keras.extraction import Extraction
from ser_keras.models import conv1d_residual
from ser_keras.training import Recipe

ROOT = Path(__file__).parents[1]
ROUNDS = 3


def startup() -> list[list[str]]:
    """Seconds of commands that must not load a deep-learning backend; best of five."""
    rows = []
    for name, command in (
        ("python -c pass", [sys.executable, "-c", "pass"]),
        ("import ser_keras", [sys.executable, "-c", "import ser_keras"]),
        *((f"{p.parent.name} --help", [sys.executable, str(p), "--help"]) for p in ROOT.glob("reproductions/*/run.py")),
    ):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
            times.append(time.perf_counter() - start)
        rows.append([name, f"{min(times):.2f} s"])
    return rows


def fits(epochs: int) -> list[list[str]]:
    """Jin's network for some epochs by the suite, predictions and files included, and by `model.fit` alone."""
    training.prepare_backend()
    import keras

    rng = np.random.default_rng(0)
    x = rng.normal(size=(320, 228, 12)).astype(np.float32)
    labels = rng.integers(0, 8, len(x))
    parts = {"train": np.arange(256), "validation": np.arange(256, 256), "test": np.arange(256, 320)}
    recipe = Recipe(
        extraction=Extraction(extract=np.abs, sample_rate=1), build=conv1d_residual.build, epochs=epochs, batch_size=32
    )

    def suite() -> float:
        start = time.perf_counter()
        training.fit(recipe, x, labels, parts, n_classes=8, seed=0, epochs=epochs)
        return time.perf_counter() - start

    def bare() -> float:
        start = time.perf_counter()
        keras.utils.set_random_seed(0)
        model = conv1d_residual.build(x.shape[1:], 8)
        y = np.eye(8, dtype=np.float32)[labels]
        held_out = (x[256:], y[256:])
        model.fit(x[:256], y[:256], validation_data=held_out, epochs=epochs, batch_size=32, verbose=0)
        model.predict(x, batch_size=128, verbose=0)
        return time.perf_counter() - start

    bare()  # the first run of a process compiles
    times = np.array([[bare(), suite()] for _ in range(ROUNDS)]).min(axis=0)
    return [
        ["bare model.fit", f"{times[0]:.2f} s", "1.00x"],
        ["ser_keras.training.fit", f"{times[1]:.2f} s", f"{times[1] / times[0]:.2f}x"],
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=4)
    args = parser.parse_args()
    show("Start-up, best of five", ["Command", "Time"], startup())
    show(f"{args.epochs} epochs, best of {ROUNDS}", ["Training", "Time", "Ratio"], fits(args.epochs))


if __name__ == "__main__":
    main()
