"""Cournut & Buldu (2017): stacked recurrent networks on windows of 25 frames of Emo-DB.

Rebuilds Table 1 (the speaker split), Table 2 (input shapes), Table 3 (accuracy by feature), Table 4 (accuracy by
architecture), the best model's confusion matrix and what the text says of it. Accuracy is counted per window, as the
paper does, and per utterance beside it.
"""

from __future__ import annotations

# First: from here on, Ctrl-C is answered with one sentence.
from ser_keras import Experiment, Extraction, Recipe, Window, features, reproduce  # isort: skip

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.corpora.vocabulary import chosen
from ser_keras.models import stacked_lstm
from ser_keras.protocols import GroupKFold, LastSpeakers, RandomSplit, Split

if TYPE_CHECKING:
    import keras
    import pandas as pd

# 2.1 Dataset: seven emotions; the text lists fear twice and leaves sadness out
CORPORA = ("emodb",)
UTTERANCES, SPEAKERS = 535, 10
EMOTIONS = ("neutral", "anger", "happiness", "sadness", "fear", "disgust", "boredom")

# 2.2.1 Features extraction: steps 1 to 4, with the constants of the authors' speech course [S1]
SAMPLE_RATE = 16_000  # Hz, Emo-DB's own
PREEMPHASIS = 0.97
FRAME, HOP, FFT = 400, 160, 512  # samples: 25 ms every 10 ms, so that 25 frames span the "250 ms" of 3.1.2 [S2]
MEL_FILTERS = 40
LOWEST, HIGHEST = 400 / 3, 6854.8  # Hz: 13 linear and 27 logarithmic filters
FLOOR = 1e-10  # under the logarithm
CEPSTRA, LIFTER = 13, 22


def logarithms(spectrum: features.Spectrum) -> np.ndarray:
    """(frames, 40) natural logarithms of the filters' energies, not cut off below [S3]."""
    energies = features.mel(spectrum, n_mels=MEL_FILTERS, fmin=LOWEST, fmax=HIGHEST)
    return np.log(np.maximum(energies, FLOOR))


def log_mel(waveform: np.ndarray) -> np.ndarray:
    """MSPEC, (frames, 40)."""
    y = features.preemphasis(waveform, coefficient=PREEMPHASIS, previous=0.0)
    y = np.pad(y, (FFT - FRAME) // 2)  # the transform is longer than the frame under its window
    spectrum = features.stft(
        y, sample_rate=SAMPLE_RATE, n_fft=FFT, hop_length=HOP, win_length=FRAME, window="hamming", center=False
    )
    return logarithms(spectrum)


# The course's `mspec(samples)` with its defaults, made for 20 kHz, as they are: a frame every 12.5 ms at 16 kHz, the
# filters at 0.8 of their frequencies, and pre-emphasis within each frame [S1] [S2]
LAB_HOP, LAB_RATE = 200, 20_000  # samples, Hz


def lab_log_mel(waveform: np.ndarray) -> np.ndarray:
    """MSPEC as the course's function gives it, (frames, 40)."""
    frames = features.frame(waveform, frame_length=FRAME, hop_length=LAB_HOP, center=False)
    emphasised = np.concatenate([frames[:, :1], frames[:, 1:] - PREEMPHASIS * frames[:, :-1]], axis=1)
    transformed = np.fft.rfft(emphasised * np.hamming(FRAME + 1)[:-1], FFT)  # a periodic window
    return logarithms(features.Spectrum(np.abs(transformed).astype(np.float32), LAB_RATE, FFT, LAB_HOP))


def cepstra(log_mels: np.ndarray) -> np.ndarray:
    """MFCC: (frames, 13), the cosine transform of MSPEC, the 0th coefficient included."""
    from scipy.fft import dct

    weights = 1 + LIFTER / 2 * np.sin(np.pi * np.arange(CEPSTRA) / LIFTER)
    return dct(log_mels, type=2, axis=1)[:, :CEPSTRA] * weights.astype(np.float32)


# 2.2.2 Dynamic features: equation (1), N = 1 for the first and N = 2 for the second derivative
def with_deltas(static: np.ndarray, *, derivatives: int, of_static: bool = False) -> np.ndarray:
    """Features and their derivatives side by side; the second is that of the first unless `of_static` [S4]."""
    first = features.delta(static, half_width=1)
    second = features.delta(static if of_static else first, half_width=2)
    return np.concatenate([static, first, second][: 1 + derivatives], axis=1)


NEIGHBOURS = 3  # "stacking raw features": frames on each side, mirrored at the ends [S12]


def stacked(static: np.ndarray) -> np.ndarray:
    """Each frame with its neighbours, (frames, 7 * coefficients)."""
    mirrored = np.pad(static, ((NEIGHBOURS, NEIGHBOURS), (0, 0)), mode="reflect")
    return np.concatenate([mirrored[i : i + len(static)] for i in range(2 * NEIGHBOURS + 1)], axis=1)


def extract(waveform: np.ndarray, *, name: str, lab: bool = False, of_static: bool = False) -> np.ndarray:
    """One recording as (frames, coefficients): the features of a name in SHAPES."""
    kind, _, dynamic = name.partition("_")
    static = (lab_log_mel if lab else log_mel)(waveform)
    static = cepstra(static) if kind == "mfcc" else static
    if dynamic == "stacked":
        return stacked(static)
    return with_deltas(static, derivatives=len(dynamic), of_static=of_static)


# 3.1.2 Sequence representation
WINDOW = Window(length=25, shift=3)  # frames; a shorter utterance gives one window [S5]

# Table 2: input sizes
SHAPES = {
    "mfcc": (25, 13),
    "mfcc_d": (25, 26),
    "mfcc_dd": (25, 39),
    "mspec": (25, 40),
    "mspec_d": (25, 80),
    "mspec_dd": (25, 120),
}
STACKED = {"mfcc_stacked": (25, 91), "mspec_stacked": (25, 280)}  # not in Table 2 [S12]

# 2.3, 3.2 Model: two layers, dropout 0.2 [S6], L2 1e-4 on the dense layer: ser_keras/models/stacked_lstm.py
UNITS = {"lstm": 128, "bidirectional": 64, "vanilla": 128}  # Table 4; 64 units in each direction [S7]
GATES = "sigmoid"  # Keras 3's LSTM; the paper has Keras 1.2.0: readings "keras1" (its gates), "keras_1_2" (all) [S8]

# 2.4, 4.2 Training: Adam at Keras's rate [S9]
BATCH_SIZE = 128
EPOCHS = 10  # all of them, no choice by validation [S10]


def build(
    input_shape: tuple[int, int],
    n_classes: int,
    *,
    name: str,
    cell: str = "lstm",
    gates: str = GATES,
    keras_1: bool = False,
) -> keras.Model:
    """One network of Table 3 or 4."""
    assert input_shape == (SHAPES | STACKED)[name]
    return stacked_lstm.build(
        input_shape, n_classes, cell=cell, units=UNITS[cell], recurrent_activation=gates, keras_1=keras_1
    )


# 3.1.1 Validation and testing set: Table 1
@dataclass(frozen=True, kw_only=True)
class SpeakerSplit(LastSpeakers):
    """Emo-DB's speaker 16 is tested, speaker 15 validates: the only speakers with the sizes of Table 1."""

    sizes: tuple[int, int, int] = (408, 56, 71)

    def splits(self, examples: pd.DataFrame, seed: int) -> list[Split]:
        """The one division; its sizes are Table 1's."""
        made = super().splits(examples, seed)
        parts = (made[0].train, made[0].validation, made[0].test)
        if (examples.utterance.nunique(), examples.speaker.nunique()) == (UTTERANCES, SPEAKERS):
            assert tuple(examples.utterance.iloc[part].nunique() for part in parts) == self.sizes
        return made


PROTOCOLS = {
    "paper": SpeakerSplit(
        note="trained on eight speakers, tested on the windows of speaker 16 after the last epoch; speaker 15 is "
        "watched",
        test=1,
        validation=1,
    ),
    "speaker_independent": GroupKFold(
        note="every speaker is left out once, so that no single speaker's voice makes the number", folds=None
    ),
    "random_windows": RandomSplit(
        note="windows are divided at random, in Table 1's shares: overlapping windows of one utterance stand on both "
        "sides",
        test=71 / UTTERANCES,
        validation=56 / (UTTERANCES - 71),
        stratify=False,
    ),
}


def recipe(name: str, *, lab: bool = False, of_static: bool = False, **network: str | bool) -> Recipe:
    """One row of Table 3 or 4: features standardised by coefficient on the training part [S11], and a network."""
    extracted = partial(extract, name=name, lab=lab, of_static=of_static)
    return Recipe(
        extraction=Extraction(extract=extracted, sample_rate=SAMPLE_RATE, ragged=True),
        build=partial(build, name=name, **network),
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        demo_epochs=2,
        scaler="coefficient",
        window=WINDOW,
    )


ROWS = {"mspec_dd": ("mspec_dd", "lstm")}  # 4.4 Best model; then Tables 3 and 4: features and cell
ROWS |= {name: (name, "lstm") for name in SHAPES if name != "mspec_dd"}
ROWS |= {f"{name}_{cell}": (name, cell) for cell in ("vanilla", "bidirectional") for name in ("mfcc_dd", "mspec_dd")}
CHANGES = {  # what a reading changes of every row
    "lab": {"lab": True},  # [S1] [S2]
    "keras_1_2": {"keras_1": True},  # [S8]
    "of_static": {"of_static": True},  # [S4]; without second derivatives it changes nothing
    "together": {"lab": True, "keras_1": True, "of_static": True},
}
VARIANTS = {row: recipe(name, cell=cell) for row, (name, cell) in ROWS.items()}
READINGS = {
    f"{row}_{reading}": recipe(name, cell=cell, **change)
    for reading, change in CHANGES.items()
    for row, (name, cell) in ROWS.items()
    if reading != "of_static" or name.endswith("_dd")
} | {
    "mspec_dd_keras1": recipe("mspec_dd", gates="hard_sigmoid_1"),  # [S8]
    **{name: recipe(name) for name in STACKED},  # 4.2, "poorer performance than when using derivatives" [S12]
}

EXPERIMENT = Experiment(
    folder=Path(__file__).parent,
    corpora=CORPORA,
    variants=VARIANTS | READINGS,
    protocols=PROTOCOLS,
    labels=partial(chosen, words=EMOTIONS),
    demo_variants=("mspec_dd",),
    main=tuple(VARIANTS),
    readings={name: ("paper",) for name in (VARIANTS | READINGS) if name != "mspec_dd"},
)

if __name__ == "__main__":
    reproduce(EXPERIMENT, __doc__)
