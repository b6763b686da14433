"""Making the runs that are not there yet: train, predict, write; and making way for a recipe that has changed."""

from __future__ import annotations

import itertools
import shutil
import sys
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.protocols import audit
from ser_keras.runs import folder as files
from ser_keras.runs.costs import Costs
from ser_keras.runs.identity import differences
from ser_keras.runs.job import Job, Trained, job_of, train
from ser_keras.runs.options import Options
from ser_keras.runs.planning import Plan
from ser_keras.runs.results import was
from ser_keras.runs.run import Run
from ser_keras.support.files import try_exclusive
from ser_keras.support.progress import Progress, duration

if TYPE_CHECKING:
    import pandas as pd

    from ser_keras.runs.cluster import Cluster


def make(
    plans: Sequence[Plan],
    options: Options,
    finished: Container[Run] = (),
    costs: Costs | None = None,
    cluster: Cluster | None = None,
) -> list[str]:
    """Make the runs that are neither finished below `options.out` nor named as finished elsewhere.

    Several processes may work on one folder: each run is held by one of them.

    Args:
        plans: The runs that are to be there.
        options: What is asked for.
        finished: Runs that are finished elsewhere.
        costs: What a run is expected to take, where `options.until` sets an end.
        cluster: Where to train; None for here, one run after the other.

    Returns:
        What was not done, a sentence each: runs that another process is making, and those that would take too long.

    Raises:
        SerError: A run failed; the message names it.
    """
    if not plans:
        return []
    todo = [p for p in plans if p.run not in finished and (options.fresh or not is_finished(p, options.out))]
    print(
        f"{plans[0].run.corpus}: {len(plans)} training runs, {len(plans) - len(todo)} of them finished before",
        file=sys.stderr,
    )
    undone: list[str] = []
    if todo:
        with Progress("training (steps)", sum(p.epochs * p.steps for p in todo)) as progress:
            held = _held(todo, options, costs, progress, undone)
            made = _one_by_one(held, progress, len(todo)) if cluster is None else cluster.trained(held, progress, todo)
            with closing(held), closing(made):
                for turn, trained in made:
                    keep(turn, trained, options)
                    turn.release()
    return undone


@dataclass(frozen=True)
class Turn:
    """A run that is held by this process until it is written.

    Attributes:
        plan: The run.
        job: Its training.
        release: Called when it is written.
    """

    plan: Plan
    job: Job
    release: Callable[[], None]


def _held(
    todo: Sequence[Plan], options: Options, costs: Costs | None, progress: Progress, undone: list[str]
) -> Iterator[Turn]:
    """The runs that are to be made now, each held; whoever trains asks for the next one when he is free."""
    with ExitStack() as all_locks:
        models: set[Path] = set()  # variants of which a run of this process keeps its model
        for p in todo:
            if options.until is not None and costs is not None:
                left = options.until - time.monotonic()
                if costs.seconds(p.run) > left:
                    undone.append(f"{p.run} is not started: it takes about {duration(costs.seconds(p.run))}.")
                    progress.spare(p.epochs * p.steps)
                    continue
            lock = all_locks.enter_context(ExitStack())
            if not lock.enter_context(try_exclusive(p.run.folder(options.out))):
                undone.append(f"{p.run} is being made by another process; run again when it is done.")
                progress.spare(p.epochs * p.steps)
            elif not options.fresh and is_finished(p, options.out):  # by another process, meanwhile
                progress.spare(p.epochs * p.steps)
                lock.close()
            else:
                set_aside(p, options.out)
                variant = p.run.folder(options.out).parents[1]
                first = variant not in models and _is_first(p, options.out)
                models.add(variant)
                yield Turn(p, job_of(p, keep_model=options.keep_models or first), lock.close)


def _one_by_one(turns: Iterable[Turn], progress: Progress, number: int) -> Iterator[tuple[Turn, Trained]]:
    """Train here."""
    for i, turn in enumerate(turns, 1):
        p, last = turn.plan, time.monotonic()

        def told(epoch: int, logs: dict[str, float], p: Plan = p, i: int = i) -> None:
            nonlocal last
            now = time.monotonic()
            seconds, last = now - last, now
            speed = f"{duration(seconds)} an epoch, {1000 * seconds / p.steps:.0f} ms a step"
            accuracy = f"accuracy {logs.get('accuracy', 0):.3f}"
            progress.step(
                f"run {i} of {number}: {p.run}, epoch {epoch + 1}/{p.epochs}, {accuracy}, {speed}", by=p.steps
            )

        trained = train(turn.job, p.data.x, told)
        progress.spare((p.epochs - len(trained.history)) * p.steps)  # where the callbacks ended it before
        yield turn, trained


def is_finished(p: Plan, out: Path) -> bool:
    """Whether the run is there, whole, and what would be run now.

    Args:
        p: The planned run.
        out: The output folder.

    Returns:
        False for one of an older recipe, too.
    """
    record = files.read(p.run.folder(out))
    return record is not None and not differences(record["what"], p.what)


def set_aside(p: Plan, out: Path) -> None:
    """Move a finished run of an older recipe out of the way: its variant becomes `variant@was-<digest>`.

    Args:
        p: The run that is planned in its place.
        out: The output folder.
    """
    folder = p.run.folder(out)
    record = files.read(folder)
    if record is None or not (told := differences(record["what"], p.what)):
        return
    for number in itertools.count(1):
        name = was(record, number)
        moved = Run(**record["cell"] | {"variant": name})
        target = moved.folder(out)
        there = files.read(target)
        # Under the first name may stand another older run: of the same recipe, divided otherwise.
        if there is None or there["what"] == record["what"]:
            break
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for path in folder.iterdir():
        if not path.name.startswith("."):  # the lock stays
            path.replace(target / path.name)
    files.seal(target, record | {"cell": asdict(moved)})
    print(f"{p.run} is run anew: {told[0]}. The earlier one is kept as {name}.", file=sys.stderr)


def keep(turn: Turn, trained: Trained, options: Options) -> None:
    """Write one run.

    Args:
        turn: The planned run and its job.
        trained: What came of it.
        options: What is asked for.

    Raises:
        SerError: It cannot be written.
    """
    p, job = turn.plan, turn.job
    shown = p.data.examples.iloc[job.positions].reset_index(drop=True)
    record = {
        "paper": p.paper,
        "cell": asdict(p.run),
        "what": p.what,
        "parameters": {
            "epochs": p.epochs,
            "batch_size": p.recipe.batch_size,
            "precision": p.precision,
            "sample_rate": p.recipe.extraction.sample_rate,
            "input_shape": list(p.data.x.shape[1:]),
            "classes": list(p.data.classes),
            "scaler": p.recipe.scaler,
            "weights": trained.weights,
        },
        "left_out": p.data.left_out,
        "unused": p.data.unused,
        "padded": p.data.padded,
        "audit": audit(p.data.examples, p.split, scaler="train" if p.recipe.scaler else None),
        "seconds": trained.seconds,
        "measured": dict(trained.measured),
        "environment": dict(trained.environment),
    }
    if (p.data.lengths != 1).any():
        record["examples_of_recordings"] = p.data.lengths.tolist()
    files.write(
        p.run.folder(options.out),
        model=trained.model,
        scaler=trained.scaler,
        history=trained.history,
        predictions=files.predictions_table(shown, job.parts, trained.probabilities, p.data.classes),
        moments=_moments_table(shown, job.parts, trained, p.data.classes),
        record=record,
    )


def _moments_table(
    shown: pd.DataFrame, used: Mapping[str, np.ndarray], trained: Trained, classes: Sequence[str]
) -> pd.DataFrame | None:
    import pandas as pd

    if not trained.moments:
        return None
    made = []
    for name, probabilities in trained.moments.items():
        table = files.predictions_table(shown, used, probabilities, classes)
        table.insert(0, "moment", name)
        made.append(table)
    return pd.concat(made, ignore_index=True)


def _is_first(p: Plan, out: Path) -> bool:
    """Whether no other run of the variant has kept its model: one is enough to try it."""
    variant = p.run.folder(out).parents[1]
    return not any(path.parent != p.run.folder(out) for path in variant.glob(f"seed*/fold*/{files.MODEL}"))
