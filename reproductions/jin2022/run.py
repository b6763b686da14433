"""Jin, Sherstneva & Botygin (2022): a one-dimensional residual CNN on MFCCs.

Rebuilds Table 2 (accuracy on RAVDESS and SAVEE) and Figure 3 (training curves), and asks of every number which
protocol gives it.
"""

# First: from here on, Ctrl-C is answered with one sentence.
from ser_keras import Experiment, Extraction, Recipe, augmentation, features, reproduce  # isort: skip

from pathlib import Path

import numpy as np

from ser_keras.models import conv1d_residual
from ser_keras.protocols import GroupedFolds, Logged, RandomSplit, ScoredOn

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


# 3.3 Experimental parameters
LEARNING_RATE = 1e-4  # RMSprop
DECAY = 1e-6  # "attenuation rate" [S10]
EPOCHS = 30  # [S4]
BATCH_SIZE = 32  # [S5]


def build(input_shape: tuple[int, ...], n_classes: int) -> "keras.Model":  # noqa: F821
    """Table 1, compiled as section 3.3 says."""
    model = conv1d_residual.build(input_shape, n_classes, learning_rate=LEARNING_RATE, decay=DECAY)
    assert (input_shape, n_classes) != ((228, 12), 8) or model.count_params() == PARAMETERS
    return model


# 3.4 Result: which data, which split? The paper does not say [S6]; each protocol is one answer.
def noise(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of up to 0.5 % of the peak [S8]."""
    return augmentation.random_noise(waveform, rng, level=0.005 * rng.uniform())


def pitch(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pitch moved by up to two semitones either way [S8]."""
    return augmentation.random_pitch(waveform, rng, limit=2, sample_rate=SAMPLE_RATE)


COPIES = {"noise": noise, "pitch": pitch}
PROTOCOLS = {
    "paper": RandomSplit(note="random 80/20 by recording, scored on the held-out 20 % after the last epoch", test=0.2),
    "training_accuracy": ScoredOn(
        note="the runs of paper, scored on the recordings that they were trained on",
        of="paper",
        scored="train",
    ),
    "training_log": Logged(
        note="what Keras logs as accuracy while it trains the runs of paper, in the last epoch: Figure 3's curve",
        of="paper",
    ),
    "augment_before_split": RandomSplit(
        note="noisy and pitch-shifted copies are made first, then 30 % of all is drawn for testing: "
        "most test recordings have a copy in training",
        test=0.3,
        copies=tuple(COPIES),
    ),
    "speaker_independent": GroupedFolds(note="five folds by speaker: nobody is heard in training and test", folds=5),
}

EXPERIMENT = Experiment(
    folder=Path(__file__).parent,
    corpora=CORPORA,
    variants={
        "mfcc": Recipe(
            extraction=Extraction(extract=extract, sample_rate=SAMPLE_RATE, augment=COPIES),
            build=build,
            epochs=EPOCHS,
            batch_size=BATCH_SIZE,
            demo_epochs=20,
        )
    },
    protocols=PROTOCOLS,
    labels=lambda table: table[table.emotion.isin(EMOTIONS)],
)

if __name__ == "__main__":
    reproduce(EXPERIMENT, __doc__)
