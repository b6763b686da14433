"""A process that trains, beside the worker of a cluster that it belongs to.

Dask's own threads draw from Python's generator, whose numbers then were no longer those of the seed; and a training can
only be stopped with its process. In a process of its own a run gives the numbers that it gives without a cluster.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from ser_keras.training import backend

if TYPE_CHECKING:
    from ser_keras.runs.job import Trained
    from ser_keras.training.scaling import Inputs

IDLE = 300.0  # seconds without work, after which it ends and gives its memory back
LOOK = 0.5  # seconds between two looks whether a run is still wanted
HELD = 2  # corpora whose features it keeps


class TrainerDiedError(Exception):
    """The process ended in the middle of a run: somebody killed it, or memory ran out."""


class UnwantedError(Exception):
    """Nobody waits for the run any more."""


class Trainer:
    """The worker's side.

    Args:
        threads: What it computes with.
        used: Keras's backend.
    """

    def __init__(self, threads: int, used: str) -> None:
        self.settings = (threads, used)
        self._has: list[str] = []  # names of features that were sent
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import main; main()"],
            env=backend.child_environment(threads) | {"KERAS_BACKEND": used},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=_passed_on, args=(self._process.stdout, self._answers.put), daemon=True).start()

    def alive(self) -> bool:
        """Whether it can be used."""
        return self._process.poll() is None

    def train(
        self,
        job: bytes,
        name: str,
        x: Inputs,
        *,
        told: Callable[[int, float], None],
        wanted: Callable[[], bool],
    ) -> Trained:
        """Make one run.

        Args:
            job: A pickled `Job`.
            name: A name of the features, which are sent once.
            x: The features of the whole corpus.
            told: Called with the epochs that are done, and the accuracy.
            wanted: Asked now and then; if not, the process is ended.

        Returns:
            As `job.portable`.

        Raises:
            TrainerDiedError: The process ended.
            UnwantedError: The run is not wanted any more.
            Exception: What the run raised.
        """
        try:
            message = (job, name, None if name in self._has else x)
            pickle.dump(message, self._process.stdin, protocol=5)
            self._process.stdin.flush()
        except OSError as error:
            raise TrainerDiedError from error
        self._has = [*(other for other in self._has if other != name), name][-HELD:]
        while True:
            try:
                kind, value = self._answers.get(timeout=LOOK)
            except queue.Empty:
                if not wanted():
                    self.end()
                    raise UnwantedError from None
                continue
            if kind == "told":
                told(*value)
            elif kind == "done":
                return value
            elif kind == "failed":
                raise value
            else:
                raise TrainerDiedError

    def end(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._process.stdin.close()


def _passed_on(stream: IO[bytes], put: Callable[[Any], None]) -> None:
    """Each message that comes, and at the end of all that there are no more."""
    with suppress(Exception):  # half a message is none
        while True:
            put(pickle.load(stream))
    put(("ended", None))


def main() -> None:
    """The process's side: one run after the other, until the worker is gone or nothing comes for a while."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the worker's concern
        signal.signal(number, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come between
    asked: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def put(message: Any) -> None:
        if message == ("ended", None):
            os._exit(0)
        asked.put(message)

    # Not Python's own stdin: an interpreter that leaves while a thread reads that one dies of it.
    threading.Thread(target=_passed_on, args=(os.fdopen(os.dup(0), "rb"), put), daemon=True).start()

    def say(kind: str, value: Any) -> None:
        pickle.dump((kind, value), out, protocol=5)
        out.flush()

    held: dict[str, Inputs] = {}
    while True:
        try:
            job, name, x = asked.get(timeout=IDLE)
        except queue.Empty:
            os._exit(0)
        try:
            x = held.pop(name) if x is None else x
            while len(held) >= HELD:
                held.pop(next(iter(held)))
            held[name] = x
            say("done", _trained(job, x, say))
        except BrokenPipeError:
            os._exit(0)
        except Exception as error:
            say("failed", _told(error))


def _trained(job: bytes, x: Inputs, say: Callable[[str, Any], None]) -> Trained:
    from threadpoolctl import threadpool_limits

    from ser_keras.runs import job as jobs

    backend.prepare_backend()
    with threadpool_limits(backend.threads(), user_api="blas"):
        made = jobs.train(
            pickle.loads(job), x, lambda epoch, logs: say("told", (epoch + 1, float(logs.get("accuracy", 0))))
        )
        return jobs.portable(made)


def _told(error: Exception) -> Exception:
    """The error, or one that says the same where it cannot travel."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
