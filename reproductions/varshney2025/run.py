"""Varshney, Ranjan, Oshoin, Kumar & Arora (2025): a two-dimensional residual CNN on 83 spectral features of RAVDESS.

Rebuilds the validation accuracy and loss, the class accuracies and confusions that the text names (on validation and
on test recordings), curves and confusion matrix; as the authors' code does it, and as their text says it.
"""

from __future__ import annotations

# First: from here on, Ctrl-C is answered with one sentence.
from ser_keras import Experiment, Extraction, Recipe, features, reproduce  # isort: skip

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.augmentation import batches as masking
from ser_keras.corpora.vocabulary import chosen
from ser_keras.models import conv2d_residual
from ser_keras.protocols import GroupKFold, RandomSplit, ScoredOn, Split, draw
from ser_keras.support.errors import ImpossibleError

if TYPE_CHECKING:
    import keras
    import pandas as pd

# I Data: "labeled audio samples" [S1]
CORPORA = ("ravdess",)
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")

# II.A Feature extraction: pre-emphasis, then trimming [S2]
SAMPLE_RATE = 22_050  # Hz
PREEMPHASIS = 0.97  # [S3]
TRIM = 25  # dB below the loudest [S3]
MFCC_FFT, FFT, HOP = 1024, 2048, 512  # samples [S3]
N_MFCC, MEL_FILTERS = 20, 128
CONTRAST_BANDS = 6  # give SEVEN rows: librosa adds one for what lies below the lowest [S4]
ROLLOFF = 0.85
FRAMES = 64  # the first 1.5 s; shorter recordings are padded with zeros [S5]
ROWS = 3 * N_MFCC + (CONTRAST_BANDS + 1) + 1 + 1 + 1 + 1 + 12  # 83; the paper says 82


def extract(waveform: np.ndarray, *, contrast_bands: int = CONTRAST_BANDS) -> np.ndarray:
    """One recording as (83, 64, 1): MFCCs, their derivatives, contrast, centroid, bandwidth, rolloff, ZCR, chroma."""
    y = features.preemphasis(waveform, coefficient=PREEMPHASIS, previous=None)
    y = features.trim(y, top_db=TRIM)
    short = features.stft(y, sample_rate=SAMPLE_RATE, n_fft=MFCC_FFT, hop_length=HOP)
    long = features.stft(y, sample_rate=SAMPLE_RATE, n_fft=FFT, hop_length=HOP)
    pitched = features.stft(features.harmonic(y), sample_rate=SAMPLE_RATE, n_fft=FFT, hop_length=HOP)
    cepstra = features.mfcc(short, n_mfcc=N_MFCC, n_mels=MEL_FILTERS, fmin=0, fmax=None)
    columns = [
        cepstra,
        features.savitzky_golay(cepstra),
        features.savitzky_golay(cepstra, derivative=2),
        features.contrast(long, n_bands=contrast_bands, fmin=200),
        features.centroid(long),
        features.bandwidth(long),
        features.rolloff(long, roll_percent=ROLLOFF),
        features.zero_crossing_rate(y, frame_length=FFT, hop_length=HOP),
        features.chroma(pitched),
    ]
    return features.fix_length(np.concatenate(columns, axis=1), FRAMES).T[:, :, None]


# II.B Preprocessing: StandardScaler, one mean and deviation for each feature and frame, fitted on train [S6]
SCALER = "value"

# Not in the text: masks, noise and gain on training batches [S7]; small classes drawn again [S8]
CHANGED, GAINED = 0.5, 0.3  # probabilities
TIME_MASK, FREQUENCY_MASK = (2, 7), (2, 5)  # frames, rows
NOISE = (0.001, 0.02)  # deviation, of standardised features
GAIN = (0.8, 1.2)


def change(batch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of the samples of a training batch are masked or made noisy; three in ten of those louder or softer."""
    hide_time = partial(masking.mask, rng=rng, axis=1, low=TIME_MASK[0], high=TIME_MASK[1])
    hide_rows = partial(masking.mask, rng=rng, axis=0, low=FREQUENCY_MASK[0], high=FREQUENCY_MASK[1])
    kinds = (
        hide_time,
        hide_rows,
        lambda x: hide_rows(hide_time(x)),
        lambda x: masking.noisy(x, rng, low=NOISE[0], high=NOISE[1]),
    )
    result = batch.copy()
    for i in np.flatnonzero(rng.random(len(batch)) < CHANGED):
        result[i] = kinds[rng.integers(len(kinds))](batch[i])
        if rng.random() < GAINED:
            result[i] *= rng.uniform(*GAIN)
    return result


# III Model architecture: ser_keras/models/conv2d_residual.py [S9]; 11-13 optimiser and loss
LEARNING_RATE, CLIPNORM = 1e-3, 1.0
LABEL_SMOOTHING = 0.1  # in the abstract [S10]
LOWEST, HIGHEST, STEP = 1e-4, 1e-2, 8  # the code's cyclic rate, which overrides 1e-3; half a cycle in epochs [S11]
EPOCHS, PATIENCE, BATCH_SIZE = 150, 40, 32  # [S12]
PARAMETERS = 361_128  # not stated in the paper
QUICK_MOMENTUM = 0.9  # of batch normalisation's averages, in place of Keras' 0.99 [S14]


def build(input_shape: tuple[int, int, int], n_classes: int) -> keras.Model:
    """Section III."""
    model = conv2d_residual.build(
        input_shape, n_classes, learning_rate=LEARNING_RATE, clipnorm=CLIPNORM, label_smoothing=LABEL_SMOOTHING
    )
    assert n_classes != 8 or model.count_params() == PARAMETERS  # pooled away: the same for 82 and 83 rows
    return model


def build_with_steady_averages(input_shape: tuple[int, int, int], n_classes: int) -> keras.Model:
    """As `build`, but the averages of batch normalisation, which validation goes by, fit the weights [S14].

    They reach over about 10 batches, not Keras' 100, four epochs in which the weights move far at the high rates; and
    no layer before one drops anything, which raises the variance that is averaged over what validation then meets.
    """
    import keras

    model = build(input_shape, n_classes)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = QUICK_MOMENTUM
    for dropout in [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)][:-1]:
        dropout.rate = 0.0
    return model


def best_epoch() -> list[keras.callbacks.Callback]:
    """The weights of the epoch with the highest validation accuracy [S12]."""
    import keras

    return [keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=PATIENCE, restore_best_weights=True)]


def cyclic_rate_and_best_epoch() -> list[keras.callbacks.Callback]:
    """The code's; its reduce-on-plateau callback is left out, as the cyclic rate overwrites it [S11]."""
    from ser_keras.training.schedules import CyclicRate

    return [CyclicRate(LOWEST, HIGHEST, step=STEP), *best_epoch()]


# IV Results: which split is not said; what the code does [S13]
TEST, VALIDATION = 0.15, 0.15
ACTORS = 24
UNSEEN = 5 / ACTORS  # actors 20-24, the course's own test set [S1]
SIZES = (823, 146, 171, 300)


@dataclass(frozen=True, kw_only=True)
class CourseSplit(RandomSplit):
    """Actors 1-19 divided at random into train, validation and test; actors 20-24 as a further part, "unseen"."""

    unseen: float

    @property
    def columns(self) -> tuple[str, ...]:
        """Emotions to stratify by, and who speaks."""
        return (*super().columns, "speaker")

    def splits(self, examples: pd.DataFrame, seed: int) -> list[Split]:
        """One division."""
        speakers = sorted(examples.speaker.unique())
        held_out = examples.speaker.isin(speakers[-max(1, round(self.unseen * len(speakers))) :]).to_numpy()
        if held_out.all():
            raise ImpossibleError(f"a speaker held out leaves nobody to train on; the corpus has {len(speakers)}")
        rest, test = draw(examples, np.flatnonzero(~held_out), self.test, seed, by="sample", stratify=True)
        train, validation = draw(examples, rest, self.validation, seed, by="sample", stratify=True)
        unseen = np.flatnonzero(held_out)
        sizes = (len(train), len(validation), len(test), len(unseen))
        assert (len(examples), len(speakers)) != (sum(SIZES), ACTORS) or sizes == SIZES
        return [Split(train, validation, test, {"unseen": unseen})]


PROTOCOLS = {
    "paper": CourseSplit(
        note="actors 1-19 divided at random, stratified: 823 / 146 / 171; scored on the validation part, which also "
        "chooses the epoch",
        test=TEST,
        validation=VALIDATION,
        unseen=UNSEEN,
        scored="validation",
    ),
    "paper_test": ScoredOn(
        note="the same runs on the 171 test recordings, which choose nothing; the same actors as in training",
        of="paper",
        scored="test",
    ),
    "unseen_actors": ScoredOn(
        note="the same runs on actors 20-24, whom the network has never heard", of="paper", scored="unseen"
    ),
    "speaker_independent": GroupKFold(
        note="five folds by actor over all 24; validation actors choose the epoch", folds=5, validation=VALIDATION
    ),
}

CODE = Recipe(
    extraction=Extraction(extract=extract, sample_rate=SAMPLE_RATE),
    build=build,
    epochs=EPOCHS,
    batch_size=BATCH_SIZE,
    demo_epochs=2,
    scaler=SCALER,
    oversample=True,
    change=change,
    callbacks=cyclic_rate_and_best_epoch,
)
VARIANTS = {
    "code": CODE,
    # The text knows no cyclic rate, no oversampling and no augmentation.
    "text": replace(CODE, callbacks=best_epoch, oversample=False, change=None),
    "rows82": replace(CODE, extraction=Extraction(extract=partial(extract, contrast_bands=5), sample_rate=SAMPLE_RATE)),
    # Neither text nor code: what batch normalisation's averages cost the code.
    "steady_averages": replace(CODE, build=build_with_steady_averages),
}

EXPERIMENT = Experiment(
    folder=Path(__file__).parent,
    corpora=CORPORA,
    variants=VARIANTS,
    protocols=PROTOCOLS,
    labels=partial(chosen, words=EMOTIONS),
    demo_variants=("code",),
)

if __name__ == "__main__":
    reproduce(EXPERIMENT, __doc__)
