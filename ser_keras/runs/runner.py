"""Making the runs that are not there yet: train, predict, write; and making way for a recipe that has changed."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Container, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.protocols import audit
from ser_keras.runs import folder as files
from ser_keras.runs.costs import Costs
from ser_keras.runs.identity import differences
from ser_keras.runs.options import Options
from ser_keras.runs.planning import Plan
from ser_keras.runs.results import was
from ser_keras.runs.run import Run
from ser_keras.support.errors import SerError
from ser_keras.support.files import try_exclusive
from ser_keras.support.progress import Progress, duration
from ser_keras.training.fit import Fitted, fit

if TYPE_CHECKING:
    import pandas as pd


def make(
    plans: Sequence[Plan], options: Options, finished: Container[Run] = (), costs: Costs | None = None
) -> list[str]:
    """Make the runs that are neither finished below `options.out` nor named as finished elsewhere.

    Several processes may work on one folder: each run is held by one of them.

    Args:
        plans: The runs that are to be there.
        options: What is asked for.
        finished: Runs that are finished elsewhere.
        costs: What a run is expected to take, where `options.until` sets an end.

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
    undone = []
    if todo:
        with Progress("training (steps)", sum(p.epochs * p.steps for p in todo)) as progress:
            for number, p in enumerate(todo, 1):
                if options.until is not None and costs is not None:
                    left = options.until - time.monotonic()
                    if costs.seconds(p.run) > left:
                        undone.append(f"{p.run} is not started: it takes about {duration(costs.seconds(p.run))}.")
                        progress.spare(p.epochs * p.steps)
                        continue
                with try_exclusive(p.run.folder(options.out)) as held:
                    if not held:
                        undone.append(f"{p.run} is being made by another process; run again when it is done.")
                        progress.spare(p.epochs * p.steps)
                    elif not options.fresh and is_finished(p, options.out):  # by another process, meanwhile
                        progress.spare(p.epochs * p.steps)
                    else:
                        set_aside(p, options.out)
                        make_one(p, options, progress, f"run {number} of {len(todo)}: {p.run}")
    return undone


def is_finished(p: Plan, out: Path) -> bool:
    """Whether the run is there, whole, and what would be run now."""
    record = files.read(p.run.folder(out))
    return record is not None and not differences(record["what"], p.what)


def set_aside(p: Plan, out: Path) -> None:
    """Move a finished run of an older recipe out of the way: its variant becomes `variant@was-<digest>`."""
    folder = p.run.folder(out)
    record = files.read(folder)
    if record is None or not (told := differences(record["what"], p.what)):
        return
    name = was(record)
    moved = Run(**record["cell"] | {"variant": name})
    target = moved.folder(out)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.rmtree(target)
    target.mkdir()
    for path in folder.iterdir():
        if not path.name.startswith("."):  # the lock stays
            path.replace(target / path.name)
    files.seal(target, record | {"cell": asdict(moved)})
    print(f"{p.run} is run anew: {told[0]}. The earlier one is kept as {name}.", file=sys.stderr)


def make_one(p: Plan, options: Options, progress: Progress, title: str) -> None:
    """Train, predict and write one run."""
    parts = {"train": p.split.train, "validation": p.split.validation, "test": p.split.test, **p.split.others}
    positions = np.concatenate(list(parts.values()))
    # Each part's place among the rows that this run uses, so that only those are held and predicted.
    ends = np.cumsum([len(part) for part in parts.values()])
    used = dict(zip(parts, np.split(np.arange(len(positions)), ends[:-1]), strict=True))
    number = {name: i for i, name in enumerate(p.data.classes)}
    labels = p.data.examples.emotion.map(number).to_numpy()[positions]
    start = last = time.monotonic()

    def told(epoch: int, logs: dict[str, float]) -> None:
        nonlocal last
        now = time.monotonic()
        seconds, last = now - last, now
        speed = f"{duration(seconds)} an epoch, {1000 * seconds / p.steps:.0f} ms a step"
        note = f"{title}, epoch {epoch + 1}/{p.epochs}, accuracy {logs.get('accuracy', 0):.3f}, {speed}"
        progress.step(note, by=p.steps)

    try:
        fitted = fit(
            p.recipe,
            p.data.x[positions],
            labels,
            used,
            n_classes=len(p.data.classes),
            seed=p.run.seed + 1000 * p.run.fold,
            epochs=p.epochs,
            precision=p.precision,
            moments=p.moments,
            on_epoch=told,
        )
    except SerError as error:
        raise SerError(f"{p.run}: {error}") from error
    progress.spare((p.epochs - len(fitted.history)) * p.steps)  # where the callbacks ended it before
    shown = p.data.examples.iloc[positions].reset_index(drop=True)
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
            "weights": getattr(fitted.model, "count_params", lambda: None)(),
        },
        "left_out": p.data.left_out,
        "padded": p.data.padded,
        "audit": audit(p.data.examples, p.split, scaler="train" if p.recipe.scaler else None),
        "seconds": round(time.monotonic() - start, 1),
        "environment": files.environment(),
    }
    if (p.data.lengths != 1).any():
        record["examples_of_recordings"] = p.data.lengths.tolist()
    files.write(
        p.run.folder(options.out),
        model=fitted.model if options.keep_models or _is_first(p, options.out) else None,
        scaler=fitted.scaler,
        history=fitted.history,
        predictions=files.predictions_table(shown, used, fitted.probabilities, p.data.classes),
        moments=_moments_table(shown, used, fitted, p.data.classes),
        record=record,
    )


def _moments_table(
    shown: pd.DataFrame, used: dict[str, np.ndarray], fitted: Fitted, classes: Sequence[str]
) -> pd.DataFrame | None:
    import pandas as pd

    if not fitted.moments:
        return None
    made = []
    for name, probabilities in fitted.moments.items():
        table = files.predictions_table(shown, used, probabilities, classes)
        table.insert(0, "moment", name)
        made.append(table)
    return pd.concat(made, ignore_index=True)


def _is_first(p: Plan, out: Path) -> bool:
    """Whether no other run of the variant has kept its model: one is enough to try it."""
    variant = p.run.folder(out).parents[1]
    return not any(path.parent != p.run.folder(out) for path in variant.glob(f"seed*/fold*/{files.MODEL}"))
