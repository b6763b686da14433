"""`local:N`: a Dask scheduler in this process, and N worker processes of this machine that end with it."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from typing import IO

from ser_keras.support.errors import SerError
from ser_keras.training import backend

STARTS = 4  # of each worker that come to nothing, after which nobody tries again
NOTHING = 30.0  # seconds; one that lived longer was of use


def local_number(where: str) -> int:
    """How many workers "local:N" asks for; 0 for an address.

    Args:
        where: As given to `--cluster`.

    Returns:
        From 1, or 0.

    Raises:
        SerError: It is neither.

    Example:
        >>> local_number("local:3"), local_number("tcp://10.0.0.1:8786")
        (3, 0)
    """
    if where.startswith("local"):
        if not re.fullmatch(r"local:0*[1-9][0-9]{0,3}", where):
            raise SerError(f"{where!r} is no cluster; two processes of this machine are local:2")
        return int(where.partition(":")[2])
    if not re.fullmatch(r"([a-z]+://)?[^\s/]+:[0-9]{1,5}/?", where):
        raise SerError(f"{where!r} is no address of a cluster; one is tcp://10.0.0.1:8786, or local:2")
    return 0


class LocalWorkers:
    """Worker processes; each has an equal share of the cores, and at least one.

    They are started as commands, with their threads in the environment, so that these count before anything is
    imported. A worker that is killed is started anew. When this process ends, they lose their scheduler, and end.

    Args:
        number: How many.
    """

    def __init__(self, number: int) -> None:
        self.number, self.threads = number, max(1, backend.threads() // number)
        self.processes: list[subprocess.Popen] = []
        self._voices: list[IO[bytes]] = []
        self._born: list[float] = []
        self._in_vain = 0

    def __enter__(self) -> LocalWorkers:
        from distributed import LocalCluster

        self._folder = tempfile.TemporaryDirectory(prefix="ser_keras_workers_", ignore_cleanup_errors=True)
        try:
            self._scheduler = LocalCluster(
                n_workers=0,
                processes=False,
                protocol="tcp://",
                host="127.0.0.1",
                dashboard_address=None,
                silence_logs=logging.CRITICAL + 1,
            )
            self.address = self._scheduler.scheduler_address
            self.mend()
        except BaseException:
            self.__exit__()
            raise
        return self

    def mend(self) -> None:
        """Start the workers that are not there.

        Raises:
            SerError: They end again and again.
        """
        for i in [i for i, process in enumerate(self.processes) if process.poll() is not None]:
            self._in_vain = self._in_vain + 1 if time.monotonic() - self._born[i] < NOTHING else 0
            if self._in_vain >= STARTS * self.number:
                self._voices[i].seek(0)
                last = self._voices[i].read().decode(errors="replace").strip().splitlines()[-1:]
                raise SerError(f"Worker processes end as soon as they are started ({''.join(last) or 'killed'}).")
            self._voices[i].close()
            self.processes[i], self._voices[i], self._born[i] = self._started()
        while len(self.processes) < self.number:
            process, voice, born = self._started()
            self.processes.append(process)
            self._voices.append(voice)
            self._born.append(born)

    def _started(self) -> tuple[subprocess.Popen, IO[bytes], float]:
        voice = tempfile.TemporaryFile(dir=self._folder.name)  # noqa: SIM115
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "distributed.cli.dask_worker", self.address),
                *("--no-nanny", "--no-dashboard", "--nthreads", str(self.threads)),
                *("--memory-limit", "0", "--local-directory", self._folder.name, "--death-timeout", "60"),
            ],
            env=backend.child_environment(self.threads),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=voice,
            start_new_session=True,  # Ctrl-C in a terminal is this process's
        )
        return process, voice, time.monotonic()

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        if hasattr(self, "_scheduler"):
            with suppress(Exception):
                self._scheduler.close(timeout=2)
        for voice in self._voices:
            voice.close()
        self._folder.cleanup()
