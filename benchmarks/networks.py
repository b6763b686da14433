"""The papers' networks with inputs of the papers' sizes, for benchmarks that need no corpus."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Network:
    """One variant of a paper.

    Attributes:
        shape: Of an input.
        classes: Number of classes.
        train: Examples that a run is trained on, under the paper's protocol.
        held_out: Examples that are watched after each epoch.
        test: Further examples, which are predicted at the end, as all are.
    """

    shape: tuple[int, ...]
    classes: int
    train: int
    held_out: int
    test: int = 0


# Readings stand here where they bring a layer, an initialiser or an optimiser of their own.
NETWORKS = {
    "jin2022 mfcc": Network((228, 12), 8, 1152, 288),
    "jin2022 keras_2_rmsprop": Network((228, 12), 8, 1152, 288),
    "boucheta2025 cnn_mean": Network((40,), 8, 4608, 1152, 1440),
    "boucheta2025 cnn_flatten": Network((4536,), 8, 4608, 1152, 1440),
    "cournut2017 mspec_dd": Network((25, 120), 7, 34_263, 4196, 6644),
    "cournut2017 mfcc_dd_vanilla": Network((25, 39), 7, 34_263, 4196, 6644),
    "cournut2017 mfcc_dd_bidirectional": Network((25, 39), 7, 34_263, 4196, 6644),
    "cournut2017 mspec_dd_keras_1_2": Network((25, 120), 7, 34_263, 4196, 6644),
    "varshney2025 code": Network((83, 64, 1), 8, 823, 146, 171),
    "tripathi2019 mfcc_softmax": Network((40, 259, 1), 4, 470, 118),
    "tripathi2019 mfcc_focal": Network((40, 259, 1), 4, 470, 118),
    "tripathi2019 mfcc_focal_post_activation": Network((40, 259, 1), 4, 470, 118),
}


def recipe(name: str) -> object:
    """The recipe of a network, as its script has it."""
    from ser_keras.runs.script import load

    paper, variant = name.split()
    return load(ROOT / "reproductions" / paper).EXPERIMENT.variants[variant]
