"""Runs an hour on a cluster beside plain processes, and what Dask costs a run.

python benchmarks/cluster.py [--epochs N] [--runs N]

Every way makes the same runs of a small network on the synthetic corpus, one thread each: in one process, in K
processes with `--shard`, and on K workers of `--cluster local:K`; then on two "machines", process groups that have a
core and a cache of their own. Times are those of the records: from the start of the first training to the last record,
so that imports count for nobody. What is spent beside training is the time between two records of one worker less what
training took; what Dask costs is that, less what a plain process spends.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from printing import show

from ser_keras.training.backend import thread_settings

ROOT = Path(__file__).parents[1]
SCRIPT = '''
"""A network of three layers."""
from pathlib import Path

from ser_keras import Experiment, Extraction, Recipe, reproduce
from ser_keras.protocols import GroupKFold, RandomSplit


def extract(y):
    return y[4000:8000]


def build(shape, n_classes):
    import keras

    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input(shape), dense(256, "relu"), dense(256, "relu"), dense(n_classes, "softmax")])
    model.compile("adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


EXPERIMENT = Experiment(
    folder=Path(__file__).parent,
    corpora=("ravdess",),
    variants={
        "main": Recipe(
            extraction=Extraction(extract=extract, sample_rate=16_000), build=build, epochs=100, batch_size=16
        )
    },
    protocols={"paper": RandomSplit(note="", test=0.2), "speaker_independent": GroupKFold(note="", folds=5)},
)

if __name__ == "__main__":
    reproduce(EXPERIMENT, __doc__)
'''
TOML = """
[paper]
key = "small"
short = "Small"
title = "A network of three layers"
authors = ["A. Example"]
year = 2026
venue = "Nowhere"
corpora = ["ravdess"]
summary = "Three layers."
finding = "None."

[[reported]]
table = "Table 1"
row = "RAVDESS"
column = "Accuracy"
corpus = "ravdess"
variant = "main"
metric = "accuracy"
value = 50.0
headline = true
"""


class Bench:
    """Makes the runs in different ways, and reads from the records how long it took."""

    def __init__(self, folder: Path, epochs: int, runs: int) -> None:
        self.folder, self.epochs, self.runs = folder, epochs, runs
        (folder / "small").mkdir()
        (folder / "small" / "run.py").write_text(SCRIPT)
        (folder / "small" / "paper.toml").write_text(TOML)

    def environment(self, cache: str = "cache") -> dict[str, str]:
        """Of every process: one thread, and a cache."""
        own = {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(self.folder / cache)}
        return os.environ | thread_settings(1) | own

    def client(
        self, out: Path, *flags: str, cache: str = "cache", before: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        """One command, started."""
        asked = ("--demo", "--protocol", "paper", "--seeds", str(self.runs), "--epochs", str(self.epochs))
        command = [*before, sys.executable, str(self.folder / "small" / "run.py"), *asked, "--out", str(out), *flags]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment(cache), **quiet)

    def plain(self, processes: int, *, machines: bool = False) -> list[Path]:
        """Processes that share the runs by `--shard`."""
        outs, started = [], []
        for i in range(processes):
            out = self.folder / f"plain{processes}{machines}" / (str(i) if machines else "all")
            own = {"cache": f"cache{i}", "before": ("taskset", "-c", str(i))} if machines else {}
            started.append(self.client(out, "--shard", f"{i + 1}/{processes}", **own))
            outs.append(out)
        for process in started:
            ended(process)
        return sorted(set(outs))

    def local(self, workers: int) -> list[Path]:
        """A cluster of this machine."""
        out = self.folder / f"local{workers}"
        ended(self.client(out, "--cluster", f"local:{workers}"))
        return [out]

    def two_machines(self) -> list[Path]:
        """A scheduler, and a worker on each of two cores with a cache of its own."""
        out = self.folder / "machines"
        with self.scheduler() as address:
            ended(self.client(out, "--cluster", address))
        return [out]

    @contextmanager
    def scheduler(self) -> Iterator[str]:
        """A scheduler and two workers, started as commands."""
        file = self.folder / "scheduler.json"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": self.folder}
        where = ("--scheduler-file", str(file))
        program = (sys.executable, "-m")
        command = [*program, "distributed.cli.dask_scheduler", *where, "--port", "0", "--no-dashboard"]
        started = [subprocess.Popen(command, env=self.environment(), **quiet)]
        for core in (0, 1):
            worker = [*program, "distributed.cli.dask_worker", *where, "--nthreads", "1", "--memory-limit", "0"]
            own = self.environment(f"cache{core}")
            started.append(subprocess.Popen(["taskset", "-c", str(core), *worker], env=own, **quiet))
        try:
            while not file.exists():
                time.sleep(0.1)
            time.sleep(5)  # for both workers to be there
            yield json.loads(file.read_text())["address"]
        finally:
            for process in reversed(started):
                process.send_signal(signal.SIGTERM)
            for process in started:
                process.wait()


def ended(process: subprocess.Popen[bytes]) -> None:
    """Wait for a command that must not fail."""
    if process.wait():
        raise SystemExit(f"{process.args} ended with {process.returncode}")


def times(outs: Sequence[Path]) -> list[tuple[float, float]]:
    """When each run's record was written, and the seconds of its training, in order."""
    paths = [path for out in outs for path in out.rglob("cell.json")]
    return sorted((path.stat().st_mtime, json.loads(path.read_text())["seconds"]) for path in paths)


def spent(made: Sequence[tuple[float, float]]) -> float:
    """Seconds from the start of the first training to the last record."""
    return made[-1][0] - min(end - seconds for end, seconds in made)


def hourly(made: Sequence[tuple[float, float]]) -> float:
    """Runs an hour."""
    return 3600 * len(made) / spent(made)


def at_work(made: Sequence[tuple[float, float]], processes: int) -> float:
    """The share of the processes' time that training took: it does not depend on how busy the machine is."""
    return sum(seconds for _, seconds in made) / (processes * spent(made))


def beside(made: Sequence[tuple[float, float]]) -> float:
    """Seconds a run that one worker spends beside training."""
    return (made[-1][0] - made[0][0] - sum(seconds for _, seconds in made[1:])) / (len(made) - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--runs", type=int, default=12)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), args.epochs, args.runs)
        ended(bench.client(bench.folder / "first", "--shard", f"1/{args.runs}"))  # makes the corpus and its features
        plain, dask = {}, {}
        for k in (1, 2, 4):  # in turns: the machine may be busy
            plain[k], dask[k] = times(bench.plain(k)), times(bench.local(k))
        apart = times(bench.plain(2, machines=True)), times(bench.two_machines())
    rows = [(f"{k} on one machine", k, plain[k], dask[k]) for k in (1, 2, 4)] + [("2 on two machines", 2, *apart)]
    show(
        f"Runs an hour, {args.runs} runs of about {dask[1][-1][1]:.0f} s",
        ["Processes", "Plain, --shard", "Dask", "Ratio", "Plain: time spent training", "Dask"],
        [
            [name, f"{hourly(p):.0f}", f"{hourly(d):.0f}", f"{hourly(d) / hourly(p):.2f}", *shares]
            for name, k, p, d in rows
            for shares in [(f"{at_work(p, k):.0%}", f"{at_work(d, k):.0%}")]
        ],
    )
    one, other = beside(plain[1]), beside(dask[1])
    show(
        "Seconds a run beside training, one worker",
        ["Plain", "Dask", "Dask costs", "of a run of one minute"],
        [[f"{one:.2f}", f"{other:.2f}", f"{other - one:+.2f}", f"{(other - one) / 60:+.1%}"]],
    )


if __name__ == "__main__":
    main()
