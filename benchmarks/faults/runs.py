"""Damaged runs and committed results: each is named and never counted, whatever was done to its files."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ser_keras.protocols import RandomSplit
from ser_keras.runs import folder as files
from ser_keras.runs import results as store
from ser_keras.runs.run import RECORD, Run
from ser_keras.support.errors import SerError

TITLE = "damaged runs and results"
FULL, QUICK = 300, 60
PAPER = Path(__file__).parents[2] / "reproductions" / "jin2022"
CLASSES = ["happy", "sad"]
RUNS = [Run("ravdess", "paper", "v", seed, 0) for seed in range(4)]


def attack(seed: int, count: int) -> Counter[str]:
    """Damage a file in each of `count` copies; half are folders of runs, half committed results.

    Returns:
        Counts: `tried`, `silent` (other numbers than before, and no word), `tracebacks`, `hangs`.
    """
    rng = random.Random(seed)
    found: Counter[str] = Counter(tried=0, silent=0, tracebacks=0, hangs=0)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        _write_runs(root / "runs")
        shutil.copytree(PAPER / "results", root / "results", ignore=shutil.ignore_patterns("tables", "figures", "data"))
        for number in range(count):
            found["tried"] += 1
            what = "runs" if number % 2 else "results"
            copy = root / f"copy{number}"
            shutil.copytree(root / what, copy)
            try:
                changed = rng.choice(FOLDER_DAMAGE if what == "runs" else FILE_DAMAGE)(copy, rng)
                found["silent"] += changed and not (_told_of_runs(copy) if what == "runs" else _told_of_results(copy))
            except Exception:
                found["tracebacks"] += 1
            shutil.rmtree(copy, ignore_errors=True)
    return found


def _write_runs(out: Path) -> None:
    for run in RUNS:
        rng = np.random.default_rng(run.seed)
        labels = rng.integers(0, 2, 40)
        examples = pd.DataFrame({"utterance": [f"u{i}" for i in range(40)], "emotion": np.array(CLASSES)[labels]})
        parts = {"train": np.arange(30), "test": np.arange(30, 40)}
        probabilities = rng.dirichlet(np.ones(2), 40).astype(np.float32)
        given = files.predictions_table(examples.assign(copy="original", window=0), parts, probabilities, CLASSES)
        record = {
            "cell": vars(run),
            "what": {},
            "parameters": {"classes": CLASSES},
            "audit": {},
            "seconds": 1.0,
            "left_out": 0,
            "environment": {},
        }
        history = pd.DataFrame({"epoch": [1, 2], "loss": rng.random(2), "accuracy": rng.random(2)})
        files.write(run.folder(out), model=None, history=history, predictions=given, moments=None, record=record)


def _told_of_runs(out: Path) -> bool:
    """Whether every run that counts is one of those written, once; whatever else is there is named."""
    try:
        results = store.from_runs(out, protocols={"paper": RandomSplit(note="", test=0.2)}, corpora=("ravdess",))
    except SerError:
        return True
    runs = [tuple(cell["cell"].values()) for cell in results.cells]
    whole = len(set(runs)) == len(runs) and set(runs) <= {tuple(vars(run).values()) for run in RUNS}
    missing = len(RUNS) - len(runs)
    return (whole and len(results.aside) >= missing > 0) or (whole and missing == 0 and bool(results.aside))


def _told_of_results(folder: Path) -> bool:
    try:
        store.from_published(folder)
    except SerError:
        return True
    return False


def _mutate(path: Path, rng: random.Random) -> bool:
    """Change a file's bytes; whether it is another file now."""
    before = path.read_bytes()
    content = bytearray(before)
    how = rng.choice(("cut", "flip", "empty", "gone", "append", "zero", "digit"))
    if how == "gone":
        path.unlink()
        return True
    if how == "cut":
        content = content[: rng.randrange(len(content))]
    elif how == "flip":
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif how == "empty":
        content = bytearray()
    elif how == "append":
        content += content[-rng.randrange(1, 200) :]
    elif how == "zero":
        start = rng.randrange(len(content))
        content[start : start + 512] = bytes(len(content[start : start + 512]))
    else:
        digits = [i for i, byte in enumerate(content) if 48 <= byte <= 57]
        content[rng.choice(digits)] = rng.choice(b"0123456789")
    path.write_bytes(content)
    return bytes(content) != before


def _a_file_of_a_run(out: Path, rng: random.Random) -> bool:
    run = rng.choice(RUNS).folder(out)
    return _mutate(run / rng.choice((RECORD, files.PREDICTIONS, files.HISTORY)), rng)


def _a_copied_run(out: Path, rng: random.Random) -> bool:
    run = rng.choice(RUNS).folder(out)
    shutil.copytree(run.parent, run.parent.with_name(f"{run.parent.name} (copy)"))
    return True


def _a_moved_run(out: Path, rng: random.Random) -> bool:
    run = rng.choice(RUNS).folder(out)
    run.parent.rename(run.parent.with_name("seed9"))
    return True


def _swapped_predictions(out: Path, rng: random.Random) -> bool:
    one, other = (run.folder(out) / files.PREDICTIONS for run in rng.sample(RUNS, 2))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return True


def _a_committed_file(folder: Path, rng: random.Random) -> bool:
    return _mutate(folder / rng.choice((*store.SUMMED, store.SUMS)), rng)


Damage = Callable[[Path, random.Random], bool]
FOLDER_DAMAGE: tuple[Damage, ...] = (_a_file_of_a_run,) * 5 + (_a_copied_run, _a_moved_run, _swapped_predictions)
FILE_DAMAGE: tuple[Damage, ...] = (_a_committed_file,)
