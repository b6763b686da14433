"""Runs as tasks of a Dask cluster: one run is one task, and one worker makes one run at a time.

The client extracts (through the workers), plans, and writes what comes back, as it would without a cluster. A worker
needs the suite and the same libraries, but no corpus and no folder of the client's: the features of a corpus are
uploaded once, and workers hand them to each other. The client chooses the worker, and gives a run whose worker is
lost to another; so nothing depends on how Dask would place or repeat a task.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_keras.features.extraction import Extraction, Features, Row
from ser_keras.runs import remote
from ser_keras.runs.folder import git_commit
from ser_keras.runs.local_workers import LocalWorkers, local_number
from ser_keras.runs.trainer import TrainerDiedError
from ser_keras.support.errors import LostClusterError, SerError
from ser_keras.training import backend

if TYPE_CHECKING:
    from ser_keras.runs.job import Trained
    from ser_keras.runs.planning import Data, Plan
    from ser_keras.runs.runner import Turn
    from ser_keras.support.progress import Progress

ANSWER = 5.0  # seconds within which a scheduler answers
HANGS = 60.0  # seconds without an answer after which one that did answer is taken for gone
LOOK = 1.0  # seconds between two looks at who is there
ATTEMPTS = 4  # workers that a run may lose
KEPT = "Finished runs are kept; the same command goes on from here."


@contextmanager
def connected(where: Any) -> Iterator[Cluster | None]:
    """A cluster while the block runs.

    Args:
        where: A scheduler's address ("tcp://10.0.0.1:8786"), "local:N" for N processes of this machine, a
            `distributed.Client`, a `Cluster` that is open, or None.

    Yields:
        The cluster; None for None. What was opened here is closed at the end, and local workers end with it.

    Raises:
        SerError: Dask is not installed, or nobody answers.
    """
    if where is None or isinstance(where, Cluster):
        yield where
        return
    try:
        import dask
        import distributed
    except ImportError as error:
        raise SerError(
            f"--cluster needs Dask's scheduler, which is not here ({error}): python -m pip install 'ser-keras[cluster]'"
        ) from error
    if isinstance(where, distributed.Client):
        yield Cluster(where, where.scheduler.address)
        return
    _quiet()
    # A shard of recordings is larger than what Dask takes for a slip.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
        if number := local_number(where):
            with LocalWorkers(number) as local, _client(local.address) as client:
                yield Cluster(client, where, local)
        else:
            with _client(where) as client:
                yield Cluster(client, where)


@contextmanager
def _client(address: str) -> Iterator[Any]:
    from distributed import Client

    made: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            made.put(Client(address, timeout=ANSWER, set_as_default=False))
        except Exception as error:  # of sockets, TLS, names
            made.put(error)

    # In a thread that may be left behind: of a server that accepts and is no scheduler, Dask waits for ever.
    threading.Thread(target=ask, daemon=True).start()
    try:
        client = made.get(timeout=ANSWER + 1)
    except queue.Empty:
        client = TimeoutError("something accepts, and says nothing that a scheduler says")
    if isinstance(client, Exception):
        said = str(client).splitlines()[0] if str(client) else type(client).__name__
        raise SerError(
            f"No Dask scheduler answers at {address} within {ANSWER:g} seconds ({said}). Start one with "
            "`dask scheduler`, or take processes of this machine: --cluster local:2"
        ) from client
    try:
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=2)


def _quiet() -> None:
    """Leave the telling to the suite: Dask logs a lost worker at length, and again on the way out."""
    for name in ("distributed", "tornado", "asyncio", *logging.root.manager.loggerDict):
        if name.split(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@dataclass
class Call:
    """Something that one worker does.

    Attributes:
        function: What; of `remote`, so that a worker knows it by name.
        arguments: All but features.
        data: The features that it needs; None for none.
        of: What the caller knows it by.
        name: It, in words.
        lost: Workers that were lost over it.
        key: Its name at the scheduler; another one every time.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    data: Data | None
    of: Any
    name: str
    lost: int = 0
    key: str = ""
    worker: str = ""


@dataclass
class Cluster:
    """Workers that train and extract.

    Args:
        client: A `distributed.Client`.
        where: The cluster, in words.
        local: The processes behind it, if they are this command's.
    """

    client: Any
    where: str
    local: LocalWorkers | None = None
    _threads: dict[str, int] = field(default_factory=dict)  # of each worker that may be used
    _refused: dict[str, str] = field(default_factory=dict)  # why a worker is not used
    _inputs: dict[int, tuple[Data, Any]] = field(default_factory=dict)
    _looked: float = 0.0
    _waits: bool = False

    def ready(self) -> str:
        """Wait for the first worker, and say what there is.

        Raises:
            SerError: None of the workers can be used, or the scheduler is gone.
        """
        while not self._look():
            time.sleep(LOOK / 10)
        threads = sorted(set(self._threads.values()))
        each = f"{threads[0]}" if len(threads) == 1 else f"{threads[0]} to {threads[-1]}"
        workers = "1 worker" if len(self._threads) == 1 else f"{len(self._threads)} workers"
        return f"{workers} of {self.where}, {each} {'thread' if each == '1' else 'threads'} each"

    def trained(
        self, turns: Iterable[Turn], progress: Progress, todo: Sequence[Plan]
    ) -> Iterator[tuple[Turn, Trained]]:
        """Train runs, each on a worker of its own.

        Args:
            turns: The runs; the next one is asked for when a worker is free.
            progress: Told of each epoch.
            todo: All runs, to be counted.

        Yields:
            Each run when it is done, with what it left.
        """
        import cloudpickle

        steps: Counter[str] = Counter()  # told of each run so far
        done = 0
        commit, used = git_commit(), backend.name()

        def calls() -> Iterator[Call]:
            for turn in turns:
                yield Call(remote.train, (used, cloudpickle.dumps(turn.job)), turn.plan.data, turn, turn.job.name)

        def told(call: Call, message: Mapping[str, Any]) -> None:
            p = call.of.plan
            if more := message["epoch"] * p.steps - steps[call.name]:
                steps[call.name] += more
                note = f"{done} of {len(todo)} runs done, {len(self._threads)} workers; {p.run}, "
                note += f"epoch {message['epoch']}/{p.epochs}, accuracy {message['accuracy']:.3f}"
                progress.step(note, by=more)

        def again(call: Call) -> None:
            progress.spare(-steps.pop(call.name, 0))  # those steps are made once more

        try:
            for call, trained in self._each(calls(), told=told, again=again):
                p, epochs, done = call.of.plan, len(trained.history), done + 1
                progress.step(f"{done} of {len(todo)} runs done", by=epochs * p.steps - steps[call.name])
                progress.spare((p.epochs - epochs) * p.steps)  # where the callbacks ended it before
                yield call.of, replace(trained, environment=dict(trained.environment) | {"git_commit": commit})
        finally:
            self._inputs.clear()  # workers drop what nobody holds

    def extracted(
        self, extraction: Extraction, copies: tuple[str, ...], shards: Sequence[Sequence[Row]]
    ) -> Iterator[tuple[Sequence[Row], Features]]:
        """Features of shards of recordings, in their order; `extract_corpus` takes this as `elsewhere`.

        Args:
            extraction: What to compute.
            copies: "original" and names of `extraction.augment`.
            shards: Of each recording utterance, path and SHA-256.
        """
        import cloudpickle

        how = cloudpickle.dumps((extraction, copies))

        def calls() -> Iterator[Call]:
            for number, shard in enumerate(shards):
                sent = [(utterance, path, _content(path)) for utterance, path, _ in shard]
                yield Call(remote.extract, (how, sent), None, number, f"features of {shard[0][1]} and others")

        made: dict[int, Features] = {}
        following = 0
        for call, features in self._each(calls(), at_once=True):
            made[call.of] = features
            while following in made:
                yield shards[following], made.pop(following)
                following += 1

    def _each(
        self,
        calls: Iterator[Call],
        *,
        at_once: bool = False,
        told: Callable[[Call, Mapping[str, Any]], None] = lambda call, message: None,
        again: Callable[[Call], None] = lambda call: None,
    ) -> Iterator[tuple[Call, Any]]:
        """Have calls answered, and yield them as answers come.

        Args:
            calls: The next one is drawn when a worker is free.
            at_once: As many on a worker as it has threads, in place of one.
            told: Given what a worker says meanwhile.
            again: Told of a call that another worker has to begin anew.
        """
        events: queue.SimpleQueue[tuple[str, Any, Any]] = queue.SimpleQueue()
        topic = f"ser_keras-{uuid.uuid4().hex}"
        under_way: dict[str, tuple[Call, Any]] = {}  # by key
        waiting: deque[Call] = deque()
        ready: deque[tuple[Call, Any]] = deque()
        drawn = False  # whether all calls were
        self.client.subscribe_topic(topic, lambda event: events.put(("told", event[1].get("key"), event[1])))
        try:
            while True:
                there = self._look()
                for key, (call, future) in list(under_way.items()):
                    if call.worker not in there:
                        del under_way[key]
                        waiting.append(self._lost(call, again))
                        with suppress(Exception):
                            future.cancel()
                for worker, threads in there.items():
                    busy = sum(call.worker == worker for call, _ in under_way.values())
                    while busy < (threads if at_once else 1) and (waiting or not drawn):
                        call = waiting.popleft() if waiting else next(calls, None)
                        if call is None:
                            drawn = True
                            break
                        call.worker, call.key, busy = worker, f"ser_keras-{uuid.uuid4().hex}", busy + 1
                        if (future := self._submitted(call, topic, events)) is None:
                            waiting.append(self._lost(call, again))
                            break
                        under_way[call.key] = call, future
                while ready:  # whose worker is at work again
                    yield ready.popleft()
                if drawn and not waiting and not under_way:
                    return
                with suppress(queue.Empty):
                    kind, key, value = events.get(timeout=LOOK)
                    if key not in under_way:
                        continue  # of an attempt that was given up
                    call, _ = under_way[key]
                    if kind == "told":
                        told(call, value)
                        continue
                    del under_way[key]
                    if kind == "lost":
                        self._forget(call)
                        waiting.append(self._lost(call, again))
                    elif kind == "failed":
                        raise value
                    else:
                        ready.append((call, value))
        finally:
            with suppress(Exception):
                self.client.unsubscribe_topic(topic)
            if under_way:
                with suppress(Exception):
                    self.client.cancel([future for _, future in under_way.values()], force=True)

    def _submitted(self, call: Call, topic: str, events: queue.SimpleQueue) -> Any | None:
        """The call's future; None where the worker or the scheduler left meanwhile."""
        try:
            inputs = () if call.data is None else self._uploaded(call.data, call.worker)
            future = self.client.submit(
                call.function, topic, *call.arguments, *inputs, key=call.key, workers=[call.worker], pure=False
            )
        except _left():
            return None

        def fetch() -> None:
            # In a thread of its own: what is on its way from a worker that dies never comes.
            from distributed import CancelledError
            from distributed.scheduler import KilledWorker

            try:
                events.put(("done", call.key, future.result()))
            except (CancelledError, KilledWorker, TrainerDiedError, *_left()):
                events.put(("lost", call.key, None))
            except Exception as error:
                events.put(("failed", call.key, error))

        threading.Thread(target=fetch, daemon=True).start()
        return future

    def _uploaded(self, data: Data, worker: str) -> tuple[str, Any]:
        """The features of a corpus as Dask knows them, and their name; workers get them from the first that did."""
        held, future = self._inputs.get(id(data), (None, None))
        if held is not data or future.status != "finished":
            future = self.client.scatter(data.x, workers=[worker], hash=False)
            self._inputs[id(data)] = data, future
        return future.key, future

    def _forget(self, call: Call) -> None:
        """Nothing is known of a worker that lost a call but is there: another process at its address, say."""
        self._threads.pop(call.worker, None)
        self._looked = 0.0

    def _lost(self, call: Call, again: Callable[[Call], None]) -> Call:
        call.lost += 1
        if call.lost >= ATTEMPTS:
            raise SerError(
                f"{call.name}: {call.lost} workers were lost over it, for want of memory perhaps. Give each more, or "
                f"start fewer. {KEPT}"
            )
        again(call)
        return call

    def _look(self) -> dict[str, int]:
        """Threads of each worker that may be used; newcomers are asked what they are.

        Raises:
            SerError: The scheduler is gone, or all workers are refused.
        """
        if self._threads and time.monotonic() - self._looked < LOOK:
            return self._threads
        if self.local:
            self.local.mend()
        self._wait_for_scheduler()
        try:
            there = self.client.sync(self.client.scheduler.ncores, callback_timeout=HANGS)
        except _left():
            there = {}
            self._wait_for_scheduler()
        self._threads = {worker: threads for worker, threads in self._threads.items() if worker in there}
        self._refused = {worker: reason for worker, reason in self._refused.items() if worker in there}
        if new := [worker for worker in there if worker not in self._threads and worker not in self._refused]:
            self._greet(new)
        if there and not self._threads and len(self._refused) == len(there):
            raise SerError(f"No worker of {self.where} can be used. {next(iter(self._refused.values()))}")
        if not self._threads and not self._waits and not self.local:
            print(f"{self.where} has no worker; waiting for one.", file=sys.stderr)
        self._waits = not self._threads
        self._looked = time.monotonic()
        return self._threads

    def _wait_for_scheduler(self) -> None:
        """Give a connection that broke some seconds to come back."""
        end = time.monotonic() + ANSWER
        while self.client.status != "running":
            if time.monotonic() > end or self.client.status in ("closing", "closed"):
                raise LostClusterError(f"The scheduler of {self.where} is gone. {KEPT}")
            time.sleep(0.1)

    def _greet(self, new: Sequence[str]) -> None:
        """Ask workers for their versions, and give those that agree their settings."""
        here = remote.versions(backend.name())
        try:
            answers = self.client.run(remote.greet, here, backend.name(), workers=list(new), on_error="return")
        except _left():
            return
        for worker, answer in answers.items():
            if isinstance(answer, (ImportError, AttributeError)):
                answer = f"has no ser-keras like the one here ({answer})"
            if isinstance(answer, int):
                self._threads[worker] = answer
            elif isinstance(answer, str):
                self._refused[worker] = f"Worker {worker} is not used: it {answer}."
                print(self._refused[worker], file=sys.stderr)


def _left() -> tuple[type[Exception], ...]:
    """What is raised when the other side of a connection is gone."""
    from distributed.comm.core import CommClosedError

    return (CommClosedError, OSError, TimeoutError)


def _content(path: str) -> bytes | None:
    """A recording's bytes; None where it cannot be read, which whoever decodes it then says."""
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError):
        return None
