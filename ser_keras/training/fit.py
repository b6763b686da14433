"""One training run ("cell"): seeding, fitting, its folder, and knowing a finished one again."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_keras.features.extraction import Extraction
from ser_keras.features.windows import Window, Windows
from ser_keras.support.errors import SerError
from ser_keras.support.files import atomic, read_json, sha256, write_json
from ser_keras.support.stderr import held
from ser_keras.training.standardised import Samples

if TYPE_CHECKING:
    import keras
    import pandas as pd
    import sklearn.base

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
Inputs = np.ndarray | Windows | Samples
PREDICTED = 128  # samples in a batch of prediction, where the size changes no number


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One variant of a paper: how recordings become features and how a model is fitted to them.

    Attributes:
        extraction: Recordings to features.
        build: (input_shape, n_classes) -> compiled `keras.Model`, or a scikit-learn classifier.
        epochs: Passes through the training part.
        batch_size: Samples in a step.
        demo_epochs: Epochs on the demo corpus; None means `epochs`.
        scaler: How features are standardised, always on the training part: None, "value" (each value of a sample by
            itself), "coefficient" (one mean and deviation for each of the last axis's, over all frames) or "row" (the
            same for each of the first axis's, for features of shape (coefficients, frames, 1)).
        callbacks: Makes the Keras callbacks of one run.
        window: Cut the frames of every recording into windows, each of which is a sample; the extraction is then
            `ragged`, with features of shape (frames, coefficients).
        oversample: Draw training samples of the smaller classes again until each has as many as the largest.
        change: (batch, generator) -> batch: an augmentation of standardised features, applied to training batches
            alone and drawn anew for each.
    """

    extraction: Extraction
    build: Callable[[tuple[int, ...], int], keras.Model | sklearn.base.ClassifierMixin]
    epochs: int
    batch_size: int
    demo_epochs: int | None = None
    scaler: str | None = None
    callbacks: Callable[[], list[keras.callbacks.Callback]] | None = None
    window: Window | None = None
    oversample: bool = False
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None


@dataclass(frozen=True, order=True)
class Cell:
    """Which run: the five words that name its folder and lead its rows in every table."""

    corpus: str
    protocol: str
    variant: str
    seed: int
    fold: int

    def folder(self, out: Path) -> Path:
        """Where the run's files lie below `out`."""
        return out / self.corpus / self.protocol / self.variant / f"seed{self.seed}" / f"fold{self.fold}"

    def __str__(self) -> str:
        return f"{self.corpus} {self.protocol} {self.variant} seed {self.seed} fold {self.fold}"


@dataclass(frozen=True)
class Fitted:
    """What fitting leaves.

    Attributes:
        model: The fitted model.
        history: One row an epoch: `epoch` (from 1), `loss` and `accuracy` while training, and the same of the
            validation part (`validation_loss` ...) or, without one, of the test part (`test_loss` ...).
        probabilities: float32, (samples, classes), for every sample handed to `fit`.
    """

    model: keras.Model | sklearn.base.ClassifierMixin
    history: pd.DataFrame
    probabilities: np.ndarray


def prepare_backend() -> None:
    """Import Keras with quiet, repeatable settings. Call it before anything else asks Keras for anything."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Keras then leaves XLA aside, too, whose code for CPUs takes two to three times as long as TensorFlow's own.
    os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
    _keep_freed_memory()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # "retracing": true of several models in one process
    # TensorFlow's start-up notes go out before its log level counts (tensorflow issue 100442); to a student they look
    # like errors.
    with held():
        import keras  # here, not above: tables and --help must do without a backend

        keras.ops.zeros(1)  # the first operation makes the backend look for devices, and talk about it
        keras.utils.set_random_seed(0)  # looks for TensorFlow under the other backends, too; `fit` seeds again


def _keep_freed_memory() -> None:
    """Let glibc keep large blocks that are freed, in place of asking the system for each again.

    A block of more than 32 MB comes from the system and goes back to it, and its pages are cleared every time: with
    activations that large (4,536 values, 64 filters) that is a third of a training step. Elsewhere nothing happens.
    """
    m_trim_threshold, m_mmap_threshold = -1, -3  # <malloc.h>
    with contextlib.suppress(AttributeError, OSError, TypeError):  # not glibc
        libc = ctypes.CDLL(None)
        libc.mallopt(m_mmap_threshold, 2**30)
        libc.mallopt(m_trim_threshold, 2**31 - 1)


def fit(
    recipe: Recipe,
    x: Inputs,
    labels: np.ndarray,
    parts: Mapping[str, np.ndarray],
    *,
    n_classes: int,
    seed: int,
    epochs: int,
    precision: str = "float32",
    on_epoch: Callable[[int, dict[str, float]], None] = lambda epoch, logs: None,
) -> Fitted:
    """Fit the recipe's model on `parts["train"]` and predict every sample.

    Args:
        recipe: What to fit.
        x: Features, shape (samples, ...), float32.
        labels: Class numbers, shape (samples,).
        parts: Positions in `x` of "train", "validation" and "test" samples; all but the first may be empty.
        n_classes: Number of classes.
        seed: Start of every random choice: weights, order of batches, dropout.
        epochs: Passes through the training part.
        precision: A Keras dtype policy.
        on_epoch: Called after each epoch with its number, from 0, and its logs.

    Returns:
        Model, history and probabilities.

    Raises:
        SerError: The loss is no longer a finite number.
    """
    import keras
    import pandas as pd

    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(precision)
    x = scaled(x, parts["train"], recipe.scaler)
    model = recipe.build(x.shape[1:], n_classes)
    if not isinstance(model, keras.Model):
        return _fit_classic(model, x, labels, parts, seed=seed, on_epoch=on_epoch)
    targets = np.eye(n_classes, dtype=np.float32)[labels]
    train = oversampled(parts["train"], labels, seed) if recipe.oversample else parts["train"]
    # Without a validation part the test part is watched, for the curves alone: nothing is chosen by it.
    watched = next((name for name in ("validation", "test") if len(parts[name])), None)
    history = model.fit(
        **_training_data(x[train], targets[train], recipe, seed),
        validation_data=_held_out_data(x[parts[watched]], targets[parts[watched]]) if watched else None,
        epochs=epochs,
        verbose=0,
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=on_epoch),
            keras.callbacks.TerminateOnNaN(),
            *(recipe.callbacks() if recipe.callbacks else []),
        ],
    )
    table = pd.DataFrame(history.history).rename(columns=lambda name: name.replace("val_", f"{watched}_"))
    table.insert(0, "epoch", np.arange(1, len(table) + 1))
    if not np.isfinite(table.loss.iloc[-1]):
        raise SerError(
            f"the loss is {table.loss.iloc[-1]} after epoch {len(table)}: lower the learning rate, or use "
            "--precision float32"
        )
    with held():
        probabilities = np.asarray(_predict(model, x), dtype=np.float32)
    return Fitted(model, table, probabilities)


def oversampled(train: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """The training samples, those of smaller classes repeated at random until all classes are as large.

    Args:
        train: Positions of the training samples.
        labels: Class numbers of all samples.
        seed: Start of the draw.

    Returns:
        Positions, `train` first.

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1])
        >>> made = oversampled(np.array([0, 1, 2, 3]), labels, seed=0)
        >>> made.tolist()
        [0, 1, 2, 3, 3, 3]
    """
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels[train], return_counts=True)
    again = [
        rng.choice(train[labels[train] == number], counts.max() - count)
        for number, count in zip(classes, counts, strict=True)
    ]
    return np.concatenate([train, *again])


def _training_data(x: Inputs, targets: np.ndarray, recipe: Recipe, seed: int) -> dict[str, Any]:
    """What `model.fit` is given: the arrays, or batches where samples are made as they are needed."""
    if isinstance(x, np.ndarray) and not recipe.change:
        return {"x": x, "y": targets, "batch_size": recipe.batch_size}
    from ser_keras.training.batches import Batches

    return {"x": Batches(x, targets, recipe.batch_size, seed=seed, change=recipe.change)}


def _held_out_data(x: Inputs, targets: np.ndarray) -> Any:
    if isinstance(x, np.ndarray):
        return x, targets
    from ser_keras.training.batches import Batches

    return Batches(x, targets, PREDICTED)


def _predict(model: keras.Model, x: Inputs) -> np.ndarray:
    if isinstance(x, np.ndarray):
        return model.predict(x, batch_size=PREDICTED, verbose=0)
    from ser_keras.training.batches import Batches

    return model.predict(Batches(x, None, PREDICTED), verbose=0)


def scaled(x: Inputs, train: np.ndarray, how: str | None) -> Inputs:
    """Features standardised by the mean and deviation of the training samples.

    Args:
        x: Shape (samples, ...).
        train: Positions of the samples to fit on.
        how: As `Recipe.scaler`. Of windows, each frame that stands in a training window counts once.

    Returns:
        float32, the shape of `x`; `x` itself for None. Windows and rows are scaled when they are gathered.

    Raises:
        ValueError: `how` is unknown, or does not fit windows or samples that are held once.
    """
    if how is None:
        return x
    if how not in ("value", "coefficient", "row"):
        raise ValueError(f"{how!r} is no way to scale: value, coefficient, row, or None")
    if how == "row" and isinstance(x, np.ndarray):
        x = Samples(x, np.arange(len(x)))
    if isinstance(x, Samples):
        if how != "row":
            raise ValueError("samples that are held once can be scaled by row only")
        return x.standardised(train)
    from sklearn.preprocessing import StandardScaler

    if isinstance(x, Windows):
        if how != "coefficient":
            raise ValueError("windows overlap: their values can be scaled by coefficient only")
        fitted = StandardScaler().fit(x.frames[x[train].used()])
        return replace(x, frames=fitted.transform(x.frames).astype(np.float32, copy=False))

    flat = x.reshape((len(x), -1) if how == "value" else (-1, x.shape[-1]))
    fitted = StandardScaler().fit(flat[train] if how == "value" else x[train].reshape(-1, x.shape[-1]))
    return fitted.transform(flat).astype(np.float32, copy=False).reshape(x.shape)


def _fit_classic(
    model: sklearn.base.ClassifierMixin,
    x: np.ndarray,
    labels: np.ndarray,
    parts: Mapping[str, np.ndarray],
    *,
    seed: int,
    on_epoch: Callable[[int, dict[str, float]], None],
) -> Fitted:
    """A scikit-learn classifier in the place of a network: one pass, no validation part needed."""
    import pandas as pd

    if "random_state" in model.get_params():
        model.set_params(random_state=seed)
    flat = x.reshape(len(x), -1)
    model.fit(flat[parts["train"]], labels[parts["train"]])
    probabilities = np.zeros((len(x), labels.max() + 1), np.float32)
    probabilities[:, model.classes_] = model.predict_proba(flat)
    right = probabilities.argmax(axis=1) == labels
    logs = {"accuracy": float(right[parts["train"]].mean()), "test_accuracy": float(right[parts["test"]].mean())}
    on_epoch(0, logs)
    return Fitted(model, pd.DataFrame([{"epoch": 1, "loss": np.nan} | logs]), probabilities)


def predictions_table(
    samples: pd.DataFrame, parts: Mapping[str, np.ndarray], probabilities: np.ndarray, classes: Sequence[str]
) -> pd.DataFrame:
    """One row a sample and part: `utterance`, `split`, `label`, `prediction`, `p_<class>` ...

    The columns `copy` and `window` are there where a recording gives more than one sample.
    """
    import pandas as pd

    names = np.array(classes)
    tables = []
    for part, positions in parts.items():
        chosen = samples.iloc[positions]
        shown = {"utterance": chosen.utterance.to_numpy()}
        shown |= {c: chosen[c].to_numpy() for c in ("copy", "window") if samples[c].nunique() > 1}
        shown |= {"split": part, "label": chosen.emotion.to_numpy()}
        shown |= {"prediction": names[probabilities[positions].argmax(axis=1)]}
        shown |= {f"p_{name}": probabilities[positions, i] for i, name in enumerate(classes)}
        tables.append(pd.DataFrame(shown))
    return pd.concat(tables, ignore_index=True)


def write_cell(folder: Path, fitted: Fitted, predictions: pd.DataFrame, record: dict[str, Any]) -> None:
    """Write a finished cell; `cell.json` comes last, so that a folder with one is whole."""
    (folder / "cell.json").unlink(missing_ok=True)
    if hasattr(fitted.model, "save"):  # a scikit-learn model would be a pickle, and those are not exchanged
        with atomic(folder / "model.keras") as partial:
            fitted.model.save(partial)
    with atomic(folder / "history.csv") as partial:
        fitted.history.to_csv(partial, index=False)
    with atomic(folder / "predictions.csv") as partial:
        predictions.to_csv(partial, index=False, float_format="%.6g")
    write_json(folder / "cell.json", record | {"predictions_sha256": sha256(folder / "predictions.csv")})


def read_cell(folder: Path) -> dict[str, Any] | None:
    """The record of a finished cell; None where there is none, or its predictions are not the ones written."""
    record = read_json(folder / "cell.json")
    if not isinstance(record, dict) or "digest" not in record:
        return None
    try:
        whole = sha256(folder / "predictions.csv") == record.get("predictions_sha256")
    except OSError:
        return None
    return record if whole and (folder / "history.csv").exists() else None


def environment() -> dict[str, Any]:
    """Versions, machine and commit: what a reader needs to judge a difference in the last digit."""
    from importlib.metadata import PackageNotFoundError, version

    import keras

    versions = {}
    for name in ("ser-keras", "keras", keras.backend.backend(), "numpy", "scipy", "librosa", "scikit-learn"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not a package"
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "backend": keras.backend.backend(),
        "versions": versions,
        "git_commit": git_commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def git_commit() -> str:
    """The checkout's commit, with "+" behind it where tracked files differ from it; "unknown" outside git."""
    here = Path(__file__).parent
    try:
        describe = ["git", "-C", str(here), "describe", "--always", "--abbrev=12", "--dirty=+"]
        return subprocess.run(describe, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
