"""Jin, Sherstneva & Botygin (2022): a one-dimensional residual CNN on MFCCs.

Rebuilds Table 2 (accuracy on RAVDESS and SAVEE) and Figure 3 (training curves), and asks of every number which
protocol gives it.
"""

# First: from here on, Ctrl-C is answered with one sentence.
from ser_keras import Experiment, Extraction, Recipe, augmentation, features, reproduce  # isort: skip

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ser_keras.corpora.vocabulary import chosen
from ser_keras.models import conv1d_residual
from ser_keras.protocols import GroupKFold, Logged, RandomSplit, ScoredOn

# 2 The proposed model: Table 1 and Figure 1 [S9] stand in ser_keras/models/conv1d_residual.py
PARAMETERS = 1_963_400  # not stated in the paper; counted from Table 1 for RAVDESS [S7]

# 3.1 Dataset
CORPORA = ("ravdess", "savee")
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")  # RAVDESS's eight

# 3.2 Feature extraction: steps 1 to 6
SAMPLE_RATE = 22_050  # Hz [S1]
WINDOW, HOP = 2048, 512  # samples, 93 and 23 ms [S1]
MEL_FILTERS = 128  # [S1]
KEPT = slice(1, 13)  # "Keep the 2-13th coefficients of the DCT and remove the others"
FRAMES = 228  # 5.3 s, the longest RAVDESS recording; shorter ones are padded with zeros [S2]


def extract(waveform: np.ndarray) -> np.ndarray:
    """One recording as (228, 12) MFCCs."""
    spectrum = features.stft(waveform, sample_rate=SAMPLE_RATE, n_fft=WINDOW, hop_length=HOP)
    cepstra = features.mfcc(spectrum, n_mfcc=KEPT.stop, n_mels=MEL_FILTERS, fmin=0, fmax=None)
    return features.fix_length(cepstra[:, KEPT], FRAMES)  # not normalised [S3]


# The public notebooks with this layer stack: 2.5 s from 0.5 s on at 44.1 kHz, batches of 16 [S1] [S2] [S5]
NOTEBOOK_RATE, NOTEBOOK_OFFSET, NOTEBOOK_SECONDS, NOTEBOOK_FRAMES, NOTEBOOK_BATCH = 44_100, 0.5, 2.5, 216, 16


def extract_as_in_notebooks(waveform: np.ndarray) -> np.ndarray:
    """One recording as (216, 12) MFCCs."""
    spectrum = features.stft(waveform, sample_rate=NOTEBOOK_RATE, n_fft=WINDOW, hop_length=HOP)
    cepstra = features.mfcc(spectrum, n_mfcc=KEPT.stop, n_mels=MEL_FILTERS, fmin=0, fmax=None)
    return features.fix_length(cepstra[:, KEPT], NOTEBOOK_FRAMES)


# 3.3 Experimental parameters
LEARNING_RATE = 1e-4  # RMSprop
DECAY = 1e-6  # "attenuation rate" [S10]
EPOCHS = 100  # the last is scored; 30 are read from the same runs [S4]
BATCH_SIZE = 32  # [S5]


def build(input_shape: tuple[int, ...], n_classes: int, **reading: object) -> "keras.Model":  # noqa: F821
    """Table 1, compiled as section 3.3 says; or another reading of it."""
    model = conv1d_residual.build(input_shape, n_classes, learning_rate=LEARNING_RATE, decay=DECAY, **reading)
    assert (input_shape, n_classes) != ((228, 12), 8) or "blocks" in reading or model.count_params() == PARAMETERS
    return model


# 3.4 Result: which data, which split? The paper does not say [S6]; each protocol is one answer.
def noise(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of up to 0.5 % of the peak [S8]."""
    return augmentation.random_noise(waveform, rng, level=0.005 * rng.uniform())


def pitch(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pitch moved by up to two semitones either way [S8]."""
    return augmentation.random_pitch(waveform, rng, limit=2, sample_rate=SAMPLE_RATE)


def pitch_at_notebook_rate(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same at the notebooks' sample rate [S8]."""
    return augmentation.random_pitch(waveform, rng, limit=2, sample_rate=NOTEBOOK_RATE)


COPIES = {"noise": noise, "pitch": pitch}
TEST, LEAKING_TEST = 0.2, 0.3
SHORTER = 30  # epochs, after which training accuracy is near 100 % [S4]


def views(name: str, what: str) -> dict[str, ScoredOn]:
    """The runs of a protocol at other moments: which epoch is reported is a reading, too [S4]."""
    return {
        f"{name}_epoch_{SHORTER}": ScoredOn(
            note=f"{what}, as they were after {SHORTER} epochs", of=name, scored="test", moment=f"epoch_{SHORTER}"
        ),
        f"{name}_best_epoch": ScoredOn(
            note=f"{what}, at the epoch with the highest accuracy on the very recordings that are scored",
            of=name,
            scored="test",
            moment="best_on_test",
        ),
        f"{name}_recalibrated": ScoredOn(
            note=f"{what}, batch normalisation's means and variances computed anew on the training recordings",
            of=name,
            scored="test",
            moment="recalibrated",
        ),
    }


PROTOCOLS = {
    "paper": RandomSplit(note="random 80/20 by recording, scored on the held-out 20 % after the last epoch", test=TEST),
    **views("paper", "the runs of paper"),
    "training_accuracy": ScoredOn(
        note="the runs of paper, scored on the recordings that they were trained on",
        of="paper",
        scored="train",
    ),
    "training_accuracy_recalibrated": ScoredOn(
        note="the same, batch normalisation's means and variances computed anew on these recordings",
        of="paper",
        scored="train",
        moment="recalibrated",
    ),
    "training_log": Logged(
        note="what Keras logs as accuracy while it trains the runs of paper, in the last epoch: Figure 3's curve",
        of="paper",
    ),
    "training_log_epoch_30": Logged(
        note=f"the same log after {SHORTER} epochs",
        of="paper",
        epoch=SHORTER,
    ),
    "ninety_ten": RandomSplit(note="random 90/10 by recording: 1,296 of 1,440 are the training part", test=0.1),
    "seventy_thirty": RandomSplit(note="random 70/30 by recording", test=0.3),
    "augment_before_split": RandomSplit(
        note="noisy and pitch-shifted copies are made first, then 30 % of all is drawn for testing: "
        "most test recordings have a copy in training",
        test=LEAKING_TEST,
        copies=tuple(COPIES),
    ),
    **views("augment_before_split", "the runs of augment_before_split"),
    "speaker_independent": GroupKFold(note="five folds by speaker: nobody is heard in training and test", folds=5),
}

MFCC = Recipe(
    extraction=Extraction(extract=extract, sample_rate=SAMPLE_RATE, augment=COPIES),
    build=build,
    epochs=EPOCHS,
    batch_size=BATCH_SIZE,
    demo_epochs=20,
)
READINGS = {
    "standardised": replace(MFCC, scaler="coefficient"),  # [S3]
    "notebook": replace(
        MFCC,
        extraction=Extraction(
            extract=extract_as_in_notebooks,
            sample_rate=NOTEBOOK_RATE,
            offset=NOTEBOOK_OFFSET,
            duration=NOTEBOOK_SECONDS,
            augment={"noise": noise, "pitch": pitch_at_notebook_rate},
        ),
        batch_size=NOTEBOOK_BATCH,
    ),
    "keras_2_rmsprop": replace(MFCC, build=partial(build, keras_2=True)),  # [S11]
    "quick_averages": replace(MFCC, build=partial(build, momentum=0.9)),  # [S12]
    "no_dropout": replace(MFCC, build=partial(build, dropout=0.0)),  # [S12]
    "no_skips": replace(MFCC, build=partial(build, skips=False)),  # [S9]
    "no_blocks": replace(MFCC, build=partial(build, blocks=0)),  # [S9]
}

EXPERIMENT = Experiment(
    folder=Path(__file__).parent,
    corpora=CORPORA,
    variants={"mfcc": MFCC, **READINGS},
    protocols=PROTOCOLS,
    labels=partial(chosen, words=EMOTIONS),
    demo_variants=("mfcc",),
    main=("mfcc",),
    readings={
        "mfcc": ("paper", "augment_before_split", "speaker_independent"),
        "notebook": ("paper", "augment_before_split"),
        **{name: ("paper",) for name in READINGS if name != "notebook"},
    },
)

if __name__ == "__main__":
    reproduce(EXPERIMENT, __doc__)
