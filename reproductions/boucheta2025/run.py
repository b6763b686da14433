"""Boucheta & Roubache (2025): augmentation, then a decision tree, k nearest neighbours and a CNN.

Rebuilds Tables 1 to 4 (the corpus, the network, its training, train and test accuracy of the three models), Figures 1
to 4 (the data), the classification report and the confusion-matrix cells that the text quotes, Figure 6 (training
curves), and shows what copies of one recording on both sides of a split are worth.
"""

from __future__ import annotations

# First: from here on, Ctrl-C is answered with one sentence.
from ser_keras import Experiment, Extraction, Recipe, augmentation, features, reproduce  # isort: skip

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.corpora.vocabulary import chosen
from ser_keras.features import audio
from ser_keras.models import conv1d
from ser_keras.protocols import GroupKFold, RandomSplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import keras
    import pandas as pd
    from sklearn.base import ClassifierMixin

    from ser_keras.features.extraction import Augmenter
    from ser_keras.runs.experiment import Picture
    from ser_keras.runs.planning import Data

# 2.1, 2.2 Dataset: 1,440 recordings, seven classes
CORPORA = ("ravdess",)
EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def labels(table: pd.DataFrame) -> pd.DataFrame:
    """Calm counts as neutral, which makes 288 of them [S1]."""
    return chosen(table.assign(emotion=table.emotion.replace("calm", "neutral")), EMOTIONS)


# 2.4 Preprocessing pipeline: what is read of a recording
SAMPLE_RATE = 22_050  # Hz [S2]
OFFSET, DURATION = 0.6, 2.5  # s [S2]

# 2.4.1 Data augmentation: four copies of each recording, drawn once for all seeds [S3]
NOISE = 0.005  # of the peak
SHIFT = round(0.005 * SAMPLE_RATE)  # samples: "+-5 ms equivalent" [S4]
STRETCH = (0.8, 1.2)  # speed [S5]
SEMITONES = 2
COPIES = {
    "noise": partial(augmentation.random_noise, level=NOISE),
    "shift": partial(augmentation.random_shift, limit=SHIFT),
    "stretch": partial(augmentation.random_stretch, low=STRETCH[0], high=STRETCH[1]),
    "pitch": partial(augmentation.random_pitch, limit=SEMITONES, sample_rate=SAMPLE_RATE),
}
# The same functions as the public notebooks call them, whose signatures the text quotes
NOTEBOOK_SHIFT = 5000  # samples either way [S4]
NOTEBOOK_STRETCH = 0.8  # always: "stretch(data, rate=0.8)" [S5]
NOTEBOOK_COPIES = COPIES | {
    "shift": partial(augmentation.random_shift, limit=NOTEBOOK_SHIFT),
    "stretch": partial(augmentation.random_stretch, low=NOTEBOOK_STRETCH, high=NOTEBOOK_STRETCH),
}

# 2.4.2 Feature extraction: ZCR, RMSE and 40 MFCCs a frame
WINDOW, HOP, MEL_FILTERS, N_MFCC = 2048, 512, 128, 40  # [S2]
NOTEBOOK_MFCC = 20  # librosa's own number, where none is asked for [S9]
FRAMES = 108  # 2.5 s; shorter ones are padded with zeros [S6]
NOTEBOOK_FRAMES = 135  # 2.5 s at 0.8 of the speed: the longest, to which the notebooks' vectors are padded [S6]
VALUES = FRAMES * (1 + 1 + N_MFCC)  # 4,536


def frames(waveform: np.ndarray, n_mfcc: int) -> np.ndarray:
    """(frames, 2 + n_mfcc) values of one recording."""
    spectrum = features.stft(waveform, sample_rate=SAMPLE_RATE, n_fft=WINDOW, hop_length=HOP)
    return np.concatenate(
        [
            features.zero_crossing_rate(waveform, frame_length=WINDOW, hop_length=HOP),
            features.rms(waveform, frame_length=WINDOW, hop_length=HOP),
            features.mfcc(spectrum, n_mfcc=n_mfcc, n_mels=MEL_FILTERS, fmin=0, fmax=None),
        ],
        axis=1,
    )


def flatten(waveform: np.ndarray, *, n_mfcc: int = N_MFCC) -> np.ndarray:
    """All frames behind one another, (4536,): "standardizes feature lengths through padding" [S6] [S14]."""
    return features.fix_length(frames(waveform, n_mfcc), FRAMES).ravel()


def notebook_flatten(waveform: np.ndarray, *, n_mfcc: int = N_MFCC) -> np.ndarray:
    """First all ZCR, then all RMSE, then the MFCCs frame by frame, and the zeros behind everything, (5670,) [S6]."""
    made = frames(waveform, n_mfcc)
    behind_one_another = np.concatenate([made[:, 0], made[:, 1], made[:, 2:].ravel()])
    return features.fix_length(behind_one_another, NOTEBOOK_FRAMES * (1 + 1 + n_mfcc))


def mean(waveform: np.ndarray, *, n_mfcc: int = N_MFCC) -> np.ndarray:
    """The mean over frames, (42,): the other reading [S6]."""
    return frames(waveform, n_mfcc).mean(axis=0)


# 3.1.1 Baseline models
NEIGHBOURS = 4


def tree(input_shape: tuple[int, ...], n_classes: int) -> ClassifierMixin:
    """Gini impurity, unlimited depth."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(criterion="gini", max_depth=None)


def knn(input_shape: tuple[int, ...], n_classes: int) -> ClassifierMixin:
    """Four neighbours by Euclidean distance."""
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors=NEIGHBOURS, metric="euclidean")


# 3.1.2, 3.2 Proposed CNN: Table 2 stands in ser_keras/models/conv1d.py [S13]; Table 3
LEARNING_RATE, BATCH_SIZE, EPOCHS = 1e-3, 32, 50
PARAMETERS = 9_286_407  # not stated in the paper; counted from Table 2 for 4,536 values and seven classes
PATIENCE = 5  # epochs without a lower validation loss, then the best weights [S7]


def cnn(input_shape: tuple[int, ...], n_classes: int) -> keras.Model:
    """Table 2."""
    model = conv1d.build(input_shape, n_classes, learning_rate=LEARNING_RATE)
    assert (input_shape, n_classes) != ((VALUES,), len(EMOTIONS)) or model.count_params() == PARAMETERS
    return model


def early_stopping() -> list[keras.callbacks.Callback]:
    """The "early stopping callback" [S7]."""
    import keras

    return [keras.callbacks.EarlyStopping(monitor="val_loss", patience=PATIENCE, restore_best_weights=True)]


# 2.4.3 Data splitting: 80/20, and 20 % of the training data for validation; training accuracy is that of the rest [S11]
TEST, VALIDATION = 0.2, 0.2
PROTOCOLS = {
    "paper": RandomSplit(
        note="the five versions of all recordings are made first, then 20 % of all 7,200 are drawn for testing, "
        "not stratified: nearly every test sample has a version of itself in training",
        test=TEST,
        validation=VALIDATION,
        stratify=False,  # [S8]
        copies=tuple(COPIES),
    ),
    "split_first": RandomSplit(
        note="recordings are divided first, only training ones get copies, test ones are originals; the same speakers "
        "on both sides",
        test=TEST,
        validation=VALIDATION,
        by="utterance",
        copies=tuple(COPIES),
    ),
    "originals_only": RandomSplit(
        note="no copies at all: 20 % of the 1,440 recordings are drawn for testing, stratified; the same speakers on "
        "both sides",
        test=TEST,
        validation=VALIDATION,
    ),
    "speaker_independent": GroupKFold(
        note="five folds by speaker; training recordings get copies, test ones are originals",
        folds=5,
        validation=VALIDATION,
        copies=tuple(COPIES),
    ),
}

MODELS = {
    "tree": {"build": tree, "epochs": 1, "validates": False},  # they choose nothing by a validation part [S10]
    "knn": {"build": knn, "epochs": 1, "validates": False},
    "cnn": {"build": cnn, "epochs": EPOCHS, "demo_epochs": 3, "callbacks": early_stopping},
}


def extraction(extract: Callable[[np.ndarray], np.ndarray], copies: Mapping[str, Augmenter]) -> Extraction:
    return Extraction(extract=extract, sample_rate=SAMPLE_RATE, offset=OFFSET, duration=DURATION, augment=copies)


def recipe(model: str, extraction: Extraction, scaler: str | None = "value") -> Recipe:
    """A model on a summary, each value standardised on the training part (section 2.4.3) or left as it is [S12]."""
    return Recipe(extraction=extraction, scaler=scaler, batch_size=BATCH_SIZE, **MODELS[model])


SUMMARIES = {name: extraction(extract, COPIES) for name, extract in (("flatten", flatten), ("mean", mean))}
VARIANTS = {f"{model}_{name}": recipe(model, given) for name, given in SUMMARIES.items() for model in MODELS}
# The notebooks' augmentation, with 40 MFCCs and 20, standardised and raw
NOTEBOOK = {
    f"{name}_notebook{suffix}": extraction(partial(extract, n_mfcc=n_mfcc), NOTEBOOK_COPIES)
    for name, extract in (("flatten", notebook_flatten), ("mean", mean))
    for suffix, n_mfcc in (("", N_MFCC), ("_20", NOTEBOOK_MFCC))
}
READINGS = {
    f"{model}_{name}{suffix}": recipe(model, given, scaler)
    for name, given in NOTEBOOK.items()
    for model in ("tree", "knn")
    for suffix, scaler in (("", "value"), ("_raw", None))
} | {
    # What comes nearest to the tree and the neighbours of Table 4; the same as the text has it; all 50 epochs [S7]
    "cnn_flatten_notebook_20_raw": recipe("cnn", NOTEBOOK["flatten_notebook_20"], None),
    "cnn_flatten_notebook": recipe("cnn", NOTEBOOK["flatten_notebook"]),
    "cnn_flatten_all_epochs": replace(VARIANTS["cnn_flatten"], callbacks=None),
}

# 2.1 to 2.4 What is shown of the data: Tables 1 and 3, Figures 1 to 4, the features as CSV
SHOWN_RATE, SHOWN_FILTERS, SHOWN_UP_TO = 48_000, 128, 8000  # Hz, filters, Hz: "visualization parameters"
FIGURES = {"figure-2": ("happy", "sad", "angry"), "figure-3": ("fearful", "disgust", "surprised", "neutral")}


def table_1(table: pd.DataFrame) -> pd.DataFrame:
    """What the paper says of the corpus, and what the files are."""
    import pandas as pd
    import soundfile

    info = soundfile.info(table.path.iloc[0])
    genders = table.drop_duplicates("speaker").gender.value_counts()
    men, women = genders.get("male", 0), genders.get("female", 0)
    return pd.DataFrame(
        [
            ("Total Recordings", "2,452 (1,440 speech + 1,012 audio)", f"{len(table):,}"),
            ("Emotional States", "7 (+ neutral baseline)", f"{table.emotion.nunique()}, neutral among them"),
            ("Performers", "24 (12 male, 12 female)", f"{table.speaker.nunique()} ({men} male, {women} female)"),
            ("Sampling Rate", "48 kHz", f"{info.samplerate / 1000:g} kHz"),
            ("Bit Depth", "16-bit", info.subtype_info),
            ("Format", "WAV (uncompressed)", info.format_info),
        ],
        columns=["Parameter", "Paper", "Found"],
    )  # fmt: skip


def table_3() -> pd.DataFrame:
    """The hyper-parameters that the paper states, beside those that are used here."""
    import pandas as pd

    model = cnn((VALUES,), len(EMOTIONS))
    return pd.DataFrame(
        [
            ("Base Learning Rate", "0.001", f"{float(model.optimizer.learning_rate):g}"),
            ("Batch Size", "32", BATCH_SIZE),
            ("Max Epochs", "50", EPOCHS),
            ("Validation Split", "20%", f"{VALIDATION:.0%} of the training part"),
            ("Loss Function", "Categorical Crossentropy", model.loss.replace("_", " ")),
            ("Optimization Method", "Adam", type(model.optimizer).__name__),
            ("Weights (Table 2)", "", f"{model.count_params():,}, nearly all in the first dense layer"),
        ],
        columns=["Parameter", "Paper", "Used"],
    )


def illustrate(table: pd.DataFrame, data: Mapping[str, Data], folder: Path) -> Iterator[Picture]:
    """Tables 1 and 3, Figures 1 to 4; the features of the variants `_mean` as CSV (section 2.4.2) into `folder`."""
    from ser_keras.reports import illustrations  # draws: --help does without

    yield "table-1", None, table_1(table)
    yield "table-3", None, table_3()
    yield "figure-1", *illustrations.class_distribution(table)
    first = table.drop_duplicates("emotion").set_index("emotion").path
    for name, emotions in FIGURES.items():
        clips = {e: audio.load(first[e], sample_rate=SHOWN_RATE) for e in emotions if e in first}
        yield (
            name,
            *illustrations.waveforms_with_spectrograms(
                clips, sample_rate=SHOWN_RATE, n_fft=WINDOW, hop_length=HOP, n_mels=SHOWN_FILTERS, fmax=SHOWN_UP_TO
            ),
        )
    one = audio.load(table.path.iloc[0], sample_rate=SAMPLE_RATE, offset=OFFSET, duration=DURATION)
    copies = {name: make(one, np.random.default_rng(0)) for name, make in COPIES.items()}
    yield "figure-4", *illustrations.versions({"original": one} | copies, sample_rate=SAMPLE_RATE)
    if means := next((data[variant] for variant in data if variant.endswith("_mean")), None):
        names = ["zcr", "rms", *(f"mfcc_{i}" for i in range(N_MFCC))]
        csv = means.examples[["utterance", "copy", "emotion"]]
        csv.assign(**dict(zip(names, means.x.T, strict=True))).to_csv(folder / "features.csv", index=False)


EXPERIMENT = Experiment(
    folder=Path(__file__).parent,
    corpora=CORPORA,
    variants=VARIANTS | READINGS,
    protocols=PROTOCOLS,
    labels=labels,
    main=tuple(VARIANTS),
    readings=dict.fromkeys(READINGS, ("paper",)),
    illustrate=illustrate,
)

if __name__ == "__main__":
    reproduce(EXPERIMENT, __doc__)
