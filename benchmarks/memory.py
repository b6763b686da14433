"""Peak memory of a training run on large inputs, beside the same run by plain arrays.

python benchmarks/memory.py

Spectrograms of 2,280 utterances (Tripathi et al. on IEMOCAP) and windows of Emo-DB at a shift of 3 frames (Cournut &
Buldu), of the real sizes but random values; each in a process of its own, with a network too small to matter.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from printing import show

CHILD = """
import sys
import numpy as np
from ser_keras.training import fit as training
from ser_keras.features.extraction import Extraction
from ser_keras.training.backend import prepare_backend
from ser_keras.training.recipe import Recipe
from ser_keras.training.standardised import StandardisedArray
from ser_keras.features.windows import Window, cut

case, way = sys.argv[1:3]
prepare_backend()
import keras

def build(shape, n_classes):
    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(n_classes, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile("sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    return model

rng = np.random.default_rng(0)
if case == "spectrograms":
    values = rng.standard_normal((2280, 128, 259, 1), dtype=np.float32)
    x, scaler, batch = StandardisedArray(values, np.arange(len(values))), "row", 32
else:
    frames = rng.standard_normal((535 * 255, 120), dtype=np.float32)
    x, _ = cut(frames, np.full(535, 255), Window(25, 3))
    scaler, batch = "coefficient", 128

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024

before = peak()
labels = rng.integers(0, 4, len(x))
cuts = np.split(np.arange(len(x)), [int(0.8 * len(x)), int(0.8 * len(x))])
parts = dict(zip(("train", "validation", "test"), cuts))
if way == "plain":
    from sklearn.preprocessing import StandardScaler
    x = x.gather(np.arange(len(x)))
    x = StandardScaler().fit_transform(x.reshape(len(x), -1)).reshape(x.shape)
    keras.utils.set_random_seed(0)
    model = build(x.shape[1:], 4)
    y = np.eye(4)[labels]
    model.fit(x[parts["train"]], y[parts["train"]], batch_size=batch, verbose=0)
    model.predict(x, verbose=0)
else:
    recipe = Recipe(
        extraction=Extraction(extract=np.abs, sample_rate=1), build=build, epochs=1, batch_size=batch, scaler=scaler
    )
    training.fit(recipe, x, labels, parts, n_classes=4, seed=0, epochs=1)
print(before, peak())
"""
CASES = {
    "spectrograms": "2,280 x 128 x 259 spectrograms, 288 MiB",
    "windows": "41,195 windows of 25 x 120 values, 62 MiB of frames",
}


def measured(case: str, way: str) -> tuple[float, float]:
    """Peak memory in MiB once the inputs are there, and at the end."""
    done = subprocess.run([sys.executable, "-c", CHILD, case, way], capture_output=True, text=True, check=True)
    before, after = (float(word) for word in done.stdout.split())
    return before, after


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    if not Path("/proc/self/status").exists():
        raise SystemExit("Peak memory is read from /proc, which this system does not have.")
    rows = []
    for case, name in CASES.items():
        before, suite = measured(case, "suite")
        _, plain = measured(case, "plain")
        rows.append([name, f"{before:.0f} MiB", f"{suite:.0f} MiB", f"{plain:.0f} MiB", f"{plain / suite:.1f}x"])
    show("Peak memory", ["Inputs", "With the inputs alone", "Suite, one epoch", "Plain arrays", "Ratio"], rows)


if __name__ == "__main__":
    main()
