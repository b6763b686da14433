"""What a worker of a cluster does: say what it is, train, extract. Called by name, so that it must have the suite."""

from __future__ import annotations

import hashlib
import pickle
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_keras.features.extraction import Features, features_of
from ser_keras.runs.trainer import Trainer
from ser_keras.support.errors import SerError
from ser_keras.support.names import printable

if TYPE_CHECKING:
    from ser_keras.runs.job import Trained
    from ser_keras.training.scaling import Inputs

# What numbers depend on. Of a build ("2.13.0+cu128") only the version counts.
LIBRARIES = ("keras", "numpy", "scipy", "librosa", "soundfile", "soxr", "scikit-learn", "pandas")
EVERY = 0.5  # seconds between two words on a run
_one = threading.Lock()  # one run at a time, whoever asks for it
_trainer: Trainer | None = None


@cache
def sources() -> str:
    """A name of the suite's code as it lies here: its version, and a digest of its modules."""
    import ser_keras

    root = Path(ser_keras.__file__).parent
    made = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        made.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{ser_keras.__version__} ({made.hexdigest()[:8]})"


def versions(used: str) -> dict[str, str]:
    """Versions that must be the same on both sides, with those of the backend that is used.

    Args:
        used: Keras's backend.

    Returns:
        By name; "absent" for a library that is not there.

    Example:
        >>> versions("tensorflow")["keras"].count(".")
        2
    """
    found = {"Python": f"{sys.version_info[0]}.{sys.version_info[1]}", "ser-keras": sources()}
    for name in (*LIBRARIES, used):
        try:
            found[name] = version(name).split("+")[0]
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def greet(theirs: dict[str, str], used: str, dask_worker: Any) -> int | str:
    """Settle with a client.

    Args:
        theirs: Versions at the client's.
        used: The client's backend.
        dask_worker: This worker.

    Returns:
        Threads that this worker has, or why it cannot serve.
    """
    ours = versions(used)
    differ = [f"{name} {ours[name]} in place of {theirs[name]}" for name in theirs if ours[name] != theirs[name]]
    return f"has {', '.join(differ)}; install the same on both" if differ else dask_worker.state.nthreads


def train(topic: str, used: str, job: bytes, name: str, x: Inputs) -> Trained:
    """Make one run in the process that trains for this worker; the client is told of its epochs.

    Args:
        topic: Under which the client listens.
        used: Keras's backend.
        job: A pickled `Job`.
        name: A name of the features.
        x: The features of the whole corpus.

    Returns:
        As `job.portable`.
    """
    global _trainer
    from distributed.worker import get_worker, thread_state

    worker, key, last = get_worker(), thread_state.key, 0.0

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing"

    def told(epoch: int, accuracy: float) -> None:
        nonlocal last
        if time.monotonic() - last > EVERY:
            last = time.monotonic()
            worker.log_event(topic, {"key": key, "epoch": epoch, "accuracy": accuracy})

    with _one:
        settings = (worker.state.nthreads, used)
        if _trainer is not None and (_trainer.settings != settings or not _trainer.alive()):
            _trainer.end()
            _trainer = None
        _trainer = _trainer or Trainer(*settings)
        return _trainer.train(job, name, x, told=told, wanted=wanted)


def extract(topic: str, how: bytes, shard: Sequence[tuple[str, str, bytes | None]]) -> Features:
    """Features of a few recordings, which come as they are.

    Args:
        topic: Not used.
        how: A pickled extraction and the names of copies.
        shard: Utterance, path at the client's, and content of each recording.

    Returns:
        The features; errors name the paths at the client's.

    Raises:
        SerError: The extraction itself failed.
    """
    from threadpoolctl import threadpool_limits

    extraction, copies = pickle.loads(how)
    with tempfile.TemporaryDirectory(prefix="ser_keras_audio_") as folder, threadpool_limits(1, user_api="blas"):
        theirs, rows = {}, []
        for number, (utterance, path, content) in enumerate(shard):
            here = Path(folder) / f"{number}{Path(path).suffix}"
            if content is not None:
                here.write_bytes(content)
            theirs[str(here)] = path
            rows.append((utterance, str(here), ""))

        def said(message: str) -> str:
            for here, path in theirs.items():
                message = message.replace(here, printable(path))
            return message

        try:
            made = features_of(extraction, copies, rows)
        except SerError as error:
            raise SerError(said(str(error))) from error
        return Features(made.values, made.lengths, {theirs[here]: said(why) for here, why in made.bad.items()})
