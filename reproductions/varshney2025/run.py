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
TEXT_BANDS = 5  # give the six rows that the text counts [S4]
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
# Readings of what validation goes by, batch normalisation's averages: they reach over about 10 batches, not Keras' 100,
# four epochs in which the weights move far at the high rates; and no dropout stands before one, which raises the
# variance that is averaged over what validation then meets.
QUICK_MOMENTUM = 0.9  # [S14]
NO_DROPOUT = (0.0, 0.0, 0.0, 0.4)  # but the last, which no normalisation follows [S14]


def build(input_shape: tuple[int, int, int], n_classes: int, **reading: object) -> keras.Model:
    """Section III; or another reading of it."""
    model = conv2d_residual.build(
        input_shape,
        n_classes,
        learning_rate=LEARNING_RATE,
        clipnorm=CLIPNORM,
        label_smoothing=LABEL_SMOOTHING,
        **reading,
    )
    # Pooled away: the same for 82 and 83 rows.
    assert n_classes != 8 or "skip" in reading or model.count_params() == PARAMETERS
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
AUTHORS_SEED = 42  # of the authors' one split [S13]


@dataclass(frozen=True, kw_only=True)
class CourseSplit(RandomSplit):
    """Actors 1-19 divided at random into train, validation and test; actors 20-24 as a further part, "unseen".

    Attributes:
        unseen: Share of the actors that are held back.
        fixed: Seed of the division, whatever the run's seed, which then draws the weights alone; None draws both.
    """

    unseen: float
    fixed: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Emotions to stratify by, and who speaks."""
        return (*super().columns, "speaker")

    def splits(self, examples: pd.DataFrame, seed: int) -> list[Split]:
        """One division; a fixed one has a further part, "full_batches", of the validation part [S15]."""
        seed = seed if self.fixed is None else self.fixed
        speakers = sorted(examples.speaker.unique())
        held_out = examples.speaker.isin(speakers[-max(1, round(self.unseen * len(speakers))) :]).to_numpy()
        if held_out.all():
            raise ImpossibleError(f"a speaker held out leaves nobody to train on; the corpus has {len(speakers)}")
        rest, test = draw(examples, np.flatnonzero(~held_out), self.test, seed, by="sample", stratify=True)
        train, validation = draw(examples, rest, self.validation, seed, by="sample", stratify=True)
        others = {"unseen": np.flatnonzero(held_out)}
        sizes = (len(train), len(validation), len(test), len(others["unseen"]))
        assert (len(examples), len(speakers)) != (sum(SIZES), ACTORS) or sizes == SIZES
        if self.fixed is not None:
            full = max(1, len(validation) // BATCH_SIZE) * BATCH_SIZE  # 128 of 146
            others["full_batches"] = np.sort(np.random.default_rng(seed).permutation(validation)[:full])
        return [Split(train, validation, test, others)]


def view(note: str, scored: str, *, of: str = "paper", moment: str = "end") -> ScoredOn:
    return ScoredOn(note=note, of=of, scored=scored, moment=moment)


PROTOCOLS = {
    "paper": CourseSplit(
        note="actors 1-19 divided at random, stratified: 823 / 146 / 171; scored on the validation part, which also "
        "chooses the epoch",
        test=TEST,
        validation=VALIDATION,
        unseen=UNSEEN,
        scored="validation",
    ),
    "paper_test": view("the runs of paper on the 171 test recordings, which choose nothing; the same actors", "test"),
    "unseen_actors": view("the runs of paper on actors 20-24, whom the network has never heard", "unseen"),
    "authors_split": CourseSplit(
        note=f"as paper, but divided by seed {AUTHORS_SEED} as in the authors' code; seeds draw the weights alone",
        test=TEST,
        validation=VALIDATION,
        unseen=UNSEEN,
        fixed=AUTHORS_SEED,
        scored="validation",
    ),
    "authors_split_full_batches": view(
        "the runs of authors_split on 128 of their validation recordings: four full batches",
        "full_batches",
        of="authors_split",
    ),
    "authors_split_test": view("the runs of authors_split on their 171 test recordings", "test", of="authors_split"),
    "speaker_independent": GroupKFold(
        note="five folds by actor over all 24; validation actors choose the epoch", folds=5, validation=VALIDATION
    ),
    # The runs of paper at other moments [S12] [S14]
    "last_epoch": view("the runs of paper on the validation part, after the last epoch", "validation", moment="last"),
    "last_epoch_test": view("the runs of paper on the test part, after the last epoch", "test", moment="last"),
    "best_epoch_on_test": view(
        "the runs of paper on the test part, at the epoch with the highest accuracy on that very part",
        "test",
        moment="best_on_test",
    ),
    "recalibrated": view(
        "the runs of paper on the validation part, batch normalisation's statistics computed anew on the training part",
        "validation",
        moment="recalibrated",
    ),
    "recalibrated_test": view("the same on the test part", "test", moment="recalibrated"),
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
READINGS = {
    # The text knows no cyclic rate, no oversampling and no augmentation [S7] [S8] [S11].
    "text": replace(CODE, callbacks=best_epoch, oversample=False, change=None),
    "rows82": replace(
        CODE, extraction=Extraction(extract=partial(extract, contrast_bands=TEXT_BANDS), sample_rate=SAMPLE_RATE)
    ),  # [S4]
    # Neither text nor code: what batch normalisation's averages cost the code, together and each alone [S14].
    "steady_averages": replace(CODE, build=partial(build, momentum=QUICK_MOMENTUM, dropout=NO_DROPOUT)),
    "quick_averages": replace(CODE, build=partial(build, momentum=QUICK_MOMENTUM)),
    "no_dropout": replace(CODE, build=partial(build, dropout=NO_DROPOUT)),
    "no_skip": replace(CODE, build=partial(build, skip=False)),  # [S9]
}

EXPERIMENT = Experiment(
    folder=Path(__file__).parent,
    corpora=CORPORA,
    variants={"code": CODE, **READINGS},
    protocols=PROTOCOLS,
    labels=partial(chosen, words=EMOTIONS),
    demo_variants=("code",),
    main=("code",),
    readings={"code": ("paper", "authors_split", "speaker_independent"), **dict.fromkeys(READINGS, ("paper",))},
)

if __name__ == "__main__":
    reproduce(EXPERIMENT, __doc__)
