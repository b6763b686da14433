"""Tripathi, Kumar, Ramesh, Singh & Yenigalla (2019): an 18-layer ResNet with focal loss on spectrograms and MFCCs.

Rebuilds Tables 1 and 4 (overall and class accuracy of four rows) and Tables 2 and 3 (confusion matrices), on IEMOCAP
for whoever has it, and on a stand-in that everybody can run: RAVDESS at the paper's class shares.
"""

from __future__ import annotations

# First: from here on, Ctrl-C is answered with one sentence.
from ser_keras import Experiment, Extraction, Recipe, features, reproduce  # isort: skip

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.corpora.vocabulary import chosen
from ser_keras.models import resnet18
from ser_keras.protocols import GroupKFold, ScoredOn, StratifiedKFold

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    import pandas as pd

# 4 Dataset
CORPORA = ("iemocap", "ravdess_standin")
EMOTIONS = ("neutral", "happiness", "sadness", "anger")
IMPROVISED = {"neutral": 1099, "happiness": 284, "sadness": 608, "anger": 289}  # agreed labels, no excitement [S1]
IEMOCAP_UTTERANCES = 10_039
# The stand-in: all neutral and calm recordings of RAVDESS, and of the rest as many as the paper's shares leave [S2]
STAND_IN = {"neutral": 288, "happiness": 72, "sadness": 158, "anger": 70}


def labels(table: pd.DataFrame) -> pd.DataFrame:
    """Four classes at the paper's shares."""
    if "improvised" in table:
        whole = len(table) == IEMOCAP_UTTERANCES
        table = chosen(table[table.improvised], EMOTIONS)
        assert not whole or table.emotion.value_counts().to_dict() == IMPROVISED
        return table
    table = chosen(table.assign(emotion=table.emotion.replace("calm", "neutral")), EMOTIONS)
    neutral = (table.emotion == "neutral").sum()
    wanted = {emotion: round(count * neutral / STAND_IN["neutral"]) for emotion, count in STAND_IN.items()}
    return table.loc[[row for emotion, count in wanted.items() for row in spread(table, emotion, count)]].sort_index()


def spread(table: pd.DataFrame, emotion: str, count: int) -> list[int]:
    """As many recordings of an emotion, every actor giving as many as the others: rows, chosen by their names' hash."""
    there = table[table.emotion == emotion]
    order = there.utterance.map(lambda name: hashlib.sha256(name.encode()).hexdigest())
    turn = order.groupby(there.speaker).rank()  # each actor's first, then each actor's second ...
    return list(there.assign(turn=turn, order=order).sort_values(["turn", "order"]).index[:count])


# 3.2 Feature extraction
SAMPLE_RATE = 22_050  # Hz
SECONDS = 6.0  # "restricted to 6 seconds or less"
WINDOW, HOP = 2048, 512  # samples, Hann
N_MELS, N_MFCC = 128, 40
FRAMES = 259  # 6 s; shorter ones are padded behind [S3]


def padded(frames: np.ndarray) -> np.ndarray:
    """(coefficients, 259, 1), the padding as quiet as the quietest frame."""
    missing = max(0, FRAMES - len(frames))
    return np.pad(frames[:FRAMES], ((0, missing), (0, 0)), constant_values=frames.min()).T[:, :, None]


def spectrogram(waveform: np.ndarray) -> np.ndarray:
    """Mel spectrogram in decibels, (128, 259, 1) [S4]."""
    spectrum = features.stft(waveform, sample_rate=SAMPLE_RATE, n_fft=WINDOW, hop_length=HOP)
    return padded(features.log_mel(spectrum, n_mels=N_MELS, fmin=0, fmax=None))


def mfcc(waveform: np.ndarray) -> np.ndarray:
    """MFCCs, (40, 259, 1), padded with zeros [S3]."""
    spectrum = features.stft(waveform, sample_rate=SAMPLE_RATE, n_fft=WINDOW, hop_length=HOP)
    cepstra = features.mfcc(spectrum, n_mfcc=N_MFCC, n_mels=N_MELS, fmin=0, fmax=None)
    return features.fix_length(cepstra, FRAMES).T[:, :, None]


def quiet_mfcc(waveform: np.ndarray) -> np.ndarray:
    """MFCCs of the padded spectrogram: the padding is as quiet as the quietest value, not the loudest frame [S3]."""
    from scipy.fft import dct

    return dct(spectrogram(waveform), axis=0, type=2, norm="ortho")[:N_MFCC]


# 3.1 Model architecture: ser_keras/models/resnet18.py [S5] [S10]; 3.3 Focal loss, equation (2)
GAMMA = 2.0  # [S6]
OTHER_GAMMAS = (0.0, 0.5, 1.0, 5.0)  # [S6]
LEARNING_RATE = 1e-4  # Adam [S7]
EPOCHS, BATCH_SIZE = 20, 32  # [S8]
LAYERS = 18


def build(
    input_shape: tuple[int, int, int], n_classes: int, *, gamma: float | None, pre_activation: bool = True
) -> keras.Model:
    """The ResNet under focal loss, or without gamma under cross-entropy ("softmax loss")."""
    from ser_keras.losses import FocalLoss

    loss = "categorical_crossentropy" if gamma is None else FocalLoss(gamma=gamma)
    model = resnet18.build(
        input_shape, n_classes, loss=loss, learning_rate=LEARNING_RATE, pre_activation=pre_activation
    )
    assert resnet18.layer_count(model) == LAYERS
    return model


# 5 Evaluation: stratified 5-fold cross-validation
FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class UnheardFolds(GroupKFold):
    """Folds by session where the corpus has sessions (two speakers each), else by speaker."""

    def column(self, examples: pd.DataFrame) -> str:
        """What is kept together."""
        return "session" if "session" in examples else self.by


PROTOCOLS = {
    "paper": StratifiedKFold(
        note="stratified 5-fold cross-validation by utterance: speakers stand on both sides", folds=FOLDS
    ),
    "speaker_independent": UnheardFolds(
        note="five folds by session (IEMOCAP) or actor (the stand-in): nobody is heard in training and test",
        folds=FOLDS,
    ),
    "recalibrated": ScoredOn(
        note="the runs of paper, batch normalisation's means and variances computed anew on the training part",
        of="paper",
        scored="test",
        moment="recalibrated",
    ),
    "speaker_independent_recalibrated": ScoredOn(
        note="the runs of speaker_independent, batch normalisation's means and variances computed anew as well",
        of="speaker_independent",
        scored="test",
        moment="recalibrated",
    ),
}


def recipe(extract: Callable[[np.ndarray], np.ndarray], gamma: float | None) -> Recipe:
    """One row of Table 4, standardised by the training part [S9]."""
    return Recipe(
        extraction=Extraction(extract=extract, sample_rate=SAMPLE_RATE, duration=SECONDS),
        build=partial(build, gamma=gamma),
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        demo_epochs=1,
        scaler="row",
    )


VARIANTS = {
    "mfcc_focal": recipe(mfcc, GAMMA),
    "mfcc_softmax": recipe(mfcc, None),
    "mel_focal": recipe(spectrogram, GAMMA),
    "mel_softmax": recipe(spectrogram, None),
}


def changed(loss: str, gamma: float | None) -> dict[str, Recipe]:
    """The MFCC row under one loss, one thing otherwise each time."""
    main = recipe(mfcc, gamma)
    return {
        f"mfcc_{loss}_post_activation": replace(main, build=partial(build, gamma=gamma, pre_activation=False)),  # [S5]
        f"mfcc_{loss}_quiet": recipe(quiet_mfcc, gamma),  # [S3]
        f"mfcc_{loss}_unpadded": replace(main, scaler="row_without_padding"),  # [S9]
    }


READINGS = {f"mfcc_gamma_{gamma:g}".replace(".", "_"): recipe(mfcc, gamma) for gamma in OTHER_GAMMAS}  # [S6]
READINGS |= changed("focal", GAMMA) | changed("softmax", None)

EXPERIMENT = Experiment(
    folder=Path(__file__).parent,
    corpora=CORPORA,
    variants=VARIANTS | READINGS,
    protocols=PROTOCOLS,
    labels=labels,
    demo_variants=("mfcc_focal", "mfcc_softmax"),
    main=tuple(VARIANTS),
    readings=dict.fromkeys(("mel_focal", "mel_softmax", *READINGS), ("paper",)),
)

if __name__ == "__main__":
    reproduce(EXPERIMENT, __doc__)
