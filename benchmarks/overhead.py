"""What the suite adds: start-up of --help and --tables-only, and a training run beside a bare `model.fit`.

python benchmarks/overhead.py [--epochs N]

Training is timed on arrays of the papers' shapes, both ways in one process and in turns, so that a busy machine slows
both alike.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from printing import show

from ser_keras.features.extraction import Extraction
from ser_keras.features.windows import Window, Windows, cut
from ser_keras.models import conv1d, conv1d_residual, stacked_lstm
from ser_keras.training import fit as training
from ser_keras.training.backend import prepare_backend
from ser_keras.training.recipe import Recipe

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


@dataclass(frozen=True)
class Case:
    """A network with inputs of its paper's shape: four in five samples to train on, the rest held out."""

    name: str
    build: Callable[[tuple[int, ...], int], object]
    x: np.ndarray | Windows
    batch_size: int

    @property
    def array(self) -> np.ndarray:
        """What a plain script would hand to Keras."""
        return self.x if isinstance(self.x, np.ndarray) else self.x.gather(np.arange(len(self.x)))


def cases() -> list[Case]:
    """Jin's network, Boucheta's with nine million weights, and Cournut's LSTM on windows."""
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(2400, 120)).astype(np.float32)
    windows, _ = cut(frames, np.full(10, 240), Window(length=25, shift=3))
    return [
        Case("Jin: residual CNN", conv1d_residual.build, rng.normal(size=(320, 228, 12)).astype(np.float32), 32),
        Case(
            "Boucheta: CNN, 9.3 million weights",
            partial(conv1d.build, learning_rate=1e-3),
            rng.normal(size=(320, 4536)).astype(np.float32),
            32,
        ),
        Case("Cournut: LSTM on windows", stacked_lstm.build, windows, 128),
    ]


def fits(case: Case, epochs: int) -> list[str]:
    """A network for some epochs by the suite and by `model.fit` alone: seconds of an epoch, and of everything."""
    import keras

    class Clock(keras.callbacks.Callback):
        """Seconds of each epoch; the first, which compiles, is left out."""

        def __init__(self) -> None:
            super().__init__()
            self.seconds: list[float] = []

        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            if epoch:
                self.seconds.append(time.perf_counter() - self.start)

    labels = np.random.default_rng(1).integers(0, 8, len(case.x))
    train = len(case.x) * 4 // 5
    parts = {"train": np.arange(train), "validation": np.arange(0), "test": np.arange(train, len(case.x))}

    def suite(clock: Clock) -> None:
        recipe = Recipe(
            extraction=Extraction(extract=np.abs, sample_rate=1),
            build=case.build,
            epochs=epochs,
            batch_size=case.batch_size,
            callbacks=lambda: [clock],
        )
        training.fit(recipe, case.x, labels, parts, n_classes=8, seed=0, epochs=epochs)

    def bare(clock: Clock) -> None:
        keras.utils.set_random_seed(0)
        x, y = case.array, np.eye(8, dtype=np.float32)[labels]
        model = case.build(x.shape[1:], 8)
        model.fit(
            x[:train],
            y[:train],
            validation_data=(x[train:], y[train:]),
            epochs=epochs,
            batch_size=case.batch_size,
            verbose=0,
            callbacks=[clock],
        )
        model.predict(x, batch_size=128, verbose=0)

    bare(Clock())  # the first run of a process compiles more than later ones
    clocks, whole = {bare: Clock(), suite: Clock()}, {bare: [], suite: []}
    for _ in range(ROUNDS):
        for way in (bare, suite):
            start = time.perf_counter()
            way(clocks[way])
            whole[way].append(time.perf_counter() - start)
    row = [case.name]
    for one, other in ((np.median(clocks[w].seconds) for w in (bare, suite)), (min(whole[w]) for w in (bare, suite))):
        row += [f"{one:.2f} s", f"{other:.2f} s", f"{other / one:.2f}x"]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=6)
    args = parser.parse_args()
    show("Start-up, best of five", ["Command", "Time"], startup())
    prepare_backend()
    show(
        f"Median epoch, and best of {ROUNDS} runs of {args.epochs} epochs with building and prediction",
        ["Network", "Epoch: model.fit", "Suite", "Ratio", "Whole: model.fit", "Suite", "Ratio"],
        [fits(case, args.epochs) for case in cases()],
    )


if __name__ == "__main__":
    main()
