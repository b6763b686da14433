"""Twenty training steps of each paper's networks under every backend of Keras that is installed, side by side.

python benchmarks/agreement.py [--network NAME ...]

Equal weights, equal batches, no dropout, double precision: what is left is the order in which sums are taken. The
table says how far the losses of the twenty steps, and the predictions after them, are from TensorFlow's, relative to
the largest. docs/backends.md has the last one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
from networks import NETWORKS, recipe
from printing import show

BACKENDS = ("tensorflow", "jax", "torch")
# Without the one whose loss, on noise, is beyond where cross-entropy is the same; docs/backends.md has its numbers.
USUAL = [name for name in NETWORKS if name != "boucheta2025 cnn_flatten"]
STEPS, BATCH = 20, 4
FRAMES = 64  # of the longer spectrograms: as many as it takes to meet every layer


def answer(name: str) -> dict[str, list]:
    """Losses of the steps, shape (20,), and predictions after them, (4, classes), under this process's backend."""
    from ser_keras.training.backend import prepare_backend

    prepare_backend()
    import keras

    # Keras takes some operations (tanh) back to single precision under JAX and PyTorch, whatever it is given.
    from keras.src.backend.common import dtypes

    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    shape, classes = NETWORKS[name].shape, NETWORKS[name].classes
    if len(shape) == 3:
        shape = (shape[0], min(shape[1], FRAMES), shape[2])
    built = recipe(name).build(shape, classes)

    def double(layer: keras.layers.Layer) -> keras.layers.Layer:
        """The layer in double precision (output layers ask for single), without dropout."""
        other = {"dtype": "float64"} if isinstance(layer, keras.layers.Dense) else {}
        other |= {"rate": 0} if isinstance(layer, keras.layers.Dropout) else {}
        return type(layer).from_config(rounded(layer.get_config()) | other)

    model = keras.models.clone_model(built, clone_function=double)
    optimiser = type(built.optimizer).from_config(rounded(built.optimizer.get_config()))
    loss = built.loss if isinstance(built.loss, str) else type(built.loss).from_config(rounded(built.loss.get_config()))
    model.compile(optimiser, loss=loss)
    rng = np.random.default_rng(0)
    # Kernels from NumPy, since every backend draws its own; what starts as zeros or ones is alike anyhow.
    model.set_weights(
        [w if w.ndim < 2 else rng.normal(size=w.shape) / np.sqrt(np.prod(w.shape[:-1])) for w in model.get_weights()]
    )
    losses = []
    for step in range(STEPS):
        x = rng.normal(size=(BATCH, *shape))
        y = np.eye(classes)[(np.arange(BATCH) + step) % classes]
        model.reset_metrics()  # else the loss is a mean over the steps so far
        losses.append(float(model.train_on_batch(x, y, return_dict=True)["loss"]))
    return {"losses": losses, "predictions": np.asarray(model.predict(x, verbose=0), np.float64).tolist()}


def rounded(value: Any) -> Any:
    """Settings with every number as single precision has it: TensorFlow takes Python's numbers through it."""
    if isinstance(value, dict):
        return {name: rounded(of) for name, of in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(rounded(of) for of in value)
    return float(np.float32(value)) if isinstance(value, float) else value


def answers(backend: str, names: list[str]) -> dict[str, dict[str, list]]:
    """`answer` of each network in a process of its own, under a backend.

    Raises:
        RuntimeError: The process failed; with what it said.
    """
    done = subprocess.run(
        [sys.executable, __file__, "--here", "--network", *names],
        env=os.environ | {"KERAS_BACKEND": backend, "JAX_ENABLE_X64": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{backend}: {done.stderr}")
    return json.loads(done.stdout)


def apart(one: list, other: list) -> float:
    """Largest difference of two lists of numbers, relative to the largest number of the second."""
    one, other = np.asarray(one), np.asarray(other)
    return float(np.abs(one - other).max() / np.abs(other).max())


def main() -> None:
    """Print the table, or JSON in a process that computes under one backend."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", nargs="+", choices=list(NETWORKS), default=USUAL)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        print(json.dumps({name: answer(name) for name in args.network}))
        return
    made = {backend: answers(backend, args.network) for backend in BACKENDS if importlib.util.find_spec(backend)}
    others = [backend for backend in made if backend != "tensorflow"]
    show(
        f"{STEPS} steps in double precision: relative difference from TensorFlow of losses, of predictions",
        ["Network", *others],
        [
            [
                name,
                *(
                    ", ".join(
                        f"{apart(made[backend][name][what], made['tensorflow'][name][what]):.0e}"
                        for what in ("losses", "predictions")
                    )
                    for backend in others
                ),
            ]
            for name in args.network
        ],
    )


if __name__ == "__main__":
    main()
