"""One training as data: what it needs, what it leaves, and the step between, here or in another process."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_keras.runs import folder as files
from ser_keras.runs.planning import Plan
from ser_keras.support import machine
from ser_keras.support.errors import SerError
from ser_keras.support.files import reason
from ser_keras.training import backend
from ser_keras.training.fit import fit
from ser_keras.training.recipe import Recipe
from ser_keras.training.scaling import Inputs, Scaler

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Job:
    """All that a training needs beside the features of the corpus.

    Attributes:
        name: The run, in words.
        recipe: What to fit.
        positions: The examples that the run uses, as rows of the features.
        labels: Their class numbers.
        parts: Each part's place among them.
        n_classes: Number of classes.
        seed: Start of every random choice.
        epochs: Passes through the training part.
        precision: Keras's dtype policy.
        moments: Further moments at which every example is predicted.
        keep_model: Whether the model is wanted.
    """

    name: str
    recipe: Recipe
    positions: np.ndarray
    labels: np.ndarray
    parts: Mapping[str, np.ndarray]
    n_classes: int
    seed: int
    epochs: int
    precision: str
    moments: tuple[str, ...]
    keep_model: bool


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    Attributes:
        history: One row an epoch.
        probabilities: float32, (examples, classes).
        moments: The same at other moments, by name.
        model: The fitted model, or the bytes of its `model.keras`; None where it is not wanted.
        scaler: What the features were standardised by; None where the model is not wanted.
        weights: Parameters of a network.
        seconds: What the training took.
        environment: Versions, device and machine; see `folder.environment`.
        measured: What the process can say of speed and memory; see `machine.measured`.
    """

    history: pd.DataFrame
    probabilities: np.ndarray
    moments: Mapping[str, np.ndarray]
    model: Any
    scaler: Scaler | None
    weights: int | None
    seconds: float
    environment: Mapping[str, Any]
    measured: Mapping[str, float]


def job_of(p: Plan, *, keep_model: bool) -> Job:
    """The training of a planned run.

    Args:
        p: The planned run.
        keep_model: Whether the model is handed back.

    Returns:
        Positions and labels of the examples that the run uses, and how to train.
    """
    parts = {"train": p.split.train, "validation": p.split.validation, "test": p.split.test, **p.split.others}
    positions = np.concatenate(list(parts.values()))
    # Each part's place among the rows that this run uses, so that only those are held and predicted.
    ends = np.cumsum([len(part) for part in parts.values()])
    number = {name: i for i, name in enumerate(p.data.classes)}
    return Job(
        name=str(p.run),
        recipe=p.recipe,
        positions=positions,
        labels=p.data.examples.emotion.map(number).to_numpy()[positions],
        parts=dict(zip(parts, np.split(np.arange(len(positions)), ends[:-1]), strict=True)),
        n_classes=len(p.data.classes),
        seed=p.run.seed + 1000 * p.run.fold,
        epochs=p.epochs,
        precision=p.precision,
        moments=p.moments,
        keep_model=keep_model,
    )


def train(job: Job, x: Inputs, on_epoch: Callable[[int, dict[str, float]], None]) -> Trained:
    """Fit and predict.

    Args:
        job: What to do.
        x: The features of the whole corpus.
        on_epoch: Called after each epoch with its number, from 0, and its logs.

    Returns:
        Probabilities, history, weights, seconds, and the model where it is asked for.

    Raises:
        SerError: It failed; the message names the run.
    """
    start = time.monotonic()
    try:
        fitted = fit(
            job.recipe,
            x[job.positions],
            job.labels,
            job.parts,
            n_classes=job.n_classes,
            seed=job.seed,
            epochs=job.epochs,
            precision=job.precision,
            moments=job.moments,
            on_epoch=on_epoch,
        )
    except SerError as error:
        raise SerError(f"{job.name}: {error}") from error
    return Trained(
        history=fitted.history,
        probabilities=fitted.probabilities,
        moments=fitted.moments,
        model=fitted.model if job.keep_model else None,
        scaler=fitted.scaler if job.keep_model else None,
        weights=getattr(fitted.model, "count_params", lambda: None)(),
        seconds=round(time.monotonic() - start, 1),
        environment=files.environment(),
        measured=machine.measured(backend.threads()),
    )


def portable(trained: Trained) -> Trained:
    """The same as arrays, bytes and words alone, to be sent to another process.

    A Keras model becomes the bytes of its file; a scikit-learn model would be a pickle, and those are not kept.

    Args:
        trained: As `train` gives it.

    Returns:
        Without model and scaler where the model is of scikit-learn.

    Raises:
        SerError: The model cannot be written.
    """
    if not hasattr(trained.model, "save"):
        return replace(trained, model=None, scaler=None)
    with tempfile.TemporaryDirectory(prefix="ser_keras_model_") as folder:
        path = Path(folder) / files.MODEL
        try:
            trained.model.save(path)
            return replace(trained, model=path.read_bytes())
        except OSError as error:
            raise SerError(f"{path} cannot be written: {reason(error)}") from error
