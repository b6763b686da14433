"""Where a run's time goes, for each paper's network, and how near its steps come to what the machine can do.

python benchmarks/run_time.py [--network NAME ...]

Parts are measured on arrays of the papers' sizes and multiplied by how often a run of the paper has them: start-up
(Python, the backend), the first step (which traces), the other steps, the look at the held-out part after each epoch,
the prediction of all examples, and saving. Beside them the arithmetic of a step in GFLOP/s, and that of a plain matrix
product in the same process. Each network has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from networks import NETWORKS, recipe
from printing import show

USUAL = [
    "jin2022 mfcc",
    "boucheta2025 cnn_mean",
    "boucheta2025 cnn_flatten",
    "cournut2017 mspec_dd",
    "cournut2017 mfcc_dd_bidirectional",
    "varshney2025 code",
    "tripathi2019 mfcc_focal",
]
STEPS, ROUNDS = 20, 2
MATRIX = 2048  # rows and columns of the plain product
BACKWARD = 3  # a step's arithmetic in forward passes: one forward, two backward


def seconds(action: Any) -> float:
    """Of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def forward_flops(model: Any) -> float:
    """Multiplications and additions of one example's forward pass, in dense, convolutional and recurrent layers."""
    import keras

    total = 0.0
    for layer in model.layers:
        kernels = [w for w in layer.trainable_weights if len(w.shape) > 1]
        if isinstance(layer, keras.layers.Bidirectional | keras.layers.RNN):
            total += 2 * layer.input.shape[1] * sum(np.prod(w.shape) for w in kernels)
        elif kernels:
            places = np.prod(layer.output.shape[1:-1]) if len(layer.output.shape) > 2 else 1
            total += 2 * places * sum(np.prod(w.shape) for w in kernels)
    return float(total)


def matrix_gflops() -> float:
    """What a plain product of matrices reaches, the best of five."""
    import keras

    square = keras.ops.convert_to_tensor(np.random.default_rng(0).normal(size=(MATRIX, MATRIX)).astype(np.float32))
    np.asarray(keras.ops.matmul(square, square))
    best = min(seconds(lambda: np.asarray(keras.ops.matmul(square, square))) for _ in range(5))
    return 2 * MATRIX**3 / best / 1e9


def measured(name: str) -> dict[str, float]:
    """Seconds of each part of a run of the paper, and the arithmetic, in this process."""
    start = time.perf_counter()
    from ser_keras.training.backend import prepare_backend

    prepare_backend()
    import keras

    starting = time.perf_counter() - start
    made, network = recipe(name), NETWORKS[name]
    batch, rng = made.batch_size, np.random.default_rng(0)
    x = rng.normal(size=(batch * STEPS, *network.shape)).astype(np.float32)
    y = np.eye(network.classes, dtype=np.float32)[rng.integers(0, network.classes, len(x))]
    keras.utils.set_random_seed(0)
    model = made.build(network.shape, network.classes)
    first = seconds(lambda: model.fit(x[:batch], y[:batch], batch_size=batch, verbose=0))
    step = min(seconds(lambda: model.fit(x, y, batch_size=batch, verbose=0)) for _ in range(ROUNDS)) / STEPS
    model.evaluate(x, y, batch_size=128, verbose=0)
    look = min(seconds(lambda: model.evaluate(x, y, batch_size=128, verbose=0)) for _ in range(ROUNDS)) / len(x)
    asking = min(seconds(lambda: model.predict(x, batch_size=128, verbose=0)) for _ in range(ROUNDS)) / len(x)
    with tempfile.TemporaryDirectory() as folder:
        saving = seconds(lambda: model.save(Path(folder) / "model.keras"))
    steps = -(-network.train // batch) * made.epochs
    examples = network.train + network.held_out + network.test
    return {
        "start-up": starting,
        "first step": first,
        "steps": step * steps,
        "held-out part": look * network.held_out * made.epochs,
        "prediction": asking * examples,
        "saving": saving,
        "ms a step": 1000 * step,
        "GFLOP/s": BACKWARD * batch * forward_flops(model) / step / 1e9,
        "matrix GFLOP/s": matrix_gflops(),
    }


def main() -> None:
    """Print the table, or one network's figures in a process that measures them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", nargs="+", choices=list(NETWORKS), default=USUAL)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        print(json.dumps(measured(args.network[0])))
        return
    rows = []
    for name in args.network:
        done = subprocess.run(
            [sys.executable, __file__, "--here", "--network", name], capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout)
        parts = [found[part] for part in ("start-up", "first step", "steps", "held-out part", "prediction", "saving")]
        rows.append(
            [
                name,
                f"{sum(parts):.0f} s",
                *(f"{100 * part / sum(parts):.1f} %" for part in parts),
                f"{found['ms a step']:.0f}",
                f"{found['GFLOP/s']:.0f} of {found['matrix GFLOP/s']:.0f}",
            ]
        )
    columns = ["Network", "A run", "start-up", "first step", "steps", "held-out", "prediction", "saving", "ms a step"]
    show("Where a run's time goes", [*columns, "GFLOP/s"], rows)


if __name__ == "__main__":
    main()
