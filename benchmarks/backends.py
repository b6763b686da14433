"""A training step of each paper's network under every backend of Keras that is installed.

python benchmarks/backends.py [--network NAME ...]

Each backend has a process of its own, with KERAS_BACKEND set; ratios are to TensorFlow's time.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time

import numpy as np
from networks import NETWORKS, recipe
from printing import show

BACKENDS = ("tensorflow", "jax", "torch")
STEPS = 4  # in an epoch
USUAL = [
    "jin2022 mfcc",
    "boucheta2025 cnn_flatten",
    "cournut2017 mspec_dd",
    "cournut2017 mfcc_dd_vanilla",
    "varshney2025 code",
    "tripathi2019 mfcc_focal",
]
EPOCHS = 4  # the first one compiles and is left out


def seconds_a_step(name: str) -> float:
    """The best epoch's seconds over its steps, under this process's backend."""
    from ser_keras.training.backend import prepare_backend

    prepare_backend()
    import keras

    build, batch = recipe(name).build, recipe(name).batch_size
    shape, classes = NETWORKS[name].shape, NETWORKS[name].classes
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch * STEPS, *shape)).astype(np.float32)
    y = np.eye(classes, dtype=np.float32)[rng.integers(0, classes, len(x))]
    keras.utils.set_random_seed(0)
    model, times = build(shape, classes), []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        model.fit(x, y, batch_size=batch, verbose=0)
        times.append((time.perf_counter() - start) / STEPS)
    return min(times[1:])


def measured(name: str, backend: str) -> float:
    """`seconds_a_step` in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--here", name],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main() -> None:
    """Print the table, or one number in a process that measures it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", nargs="+", choices=list(NETWORKS), default=USUAL)
    parser.add_argument("--here", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        print(seconds_a_step(args.here))
        return
    installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
    rows = []
    for name in args.network:
        seconds = {backend: measured(name, backend) for backend in installed}
        rows.append(
            [name, *(f"{s * 1000:.0f} ms ({s / seconds['tensorflow']:.2f}x)" for s in seconds.values())],
        )
    show(f"A training step, best of {EPOCHS - 1} epochs of {STEPS}", ["Network", *installed], rows)


if __name__ == "__main__":
    main()
