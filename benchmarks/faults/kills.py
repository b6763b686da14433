"""SIGKILL at random instants of the five papers' demos: the same command goes on, and ends with the same tables."""

from __future__ import annotations

import contextlib
import csv
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ser_keras.runs import folder as runs
from ser_keras.runs.run import RECORD

TITLE = "Kills"
FULL, QUICK = 50, 4
A_PAPER = 10  # kills: with fewer than 50, only some of the papers are tried
IN_TURN = 8  # kills of one command at most, before it may go on to its end
COLD = 0.2  # of all tries begin without features
AT_A_FILE = 0.6  # of all kills come while files are written, the others at any instant
CHANGES = 40  # files that come or go while a demo writes its runs and tables
SECONDS = 300  # for a demo to end; alone on a machine, the longest takes half a minute
FLAGS = ("--demo", "--epochs", "1", "--protocol", "paper")
SEEDS = {"jin2022": "2", "cournut2017": "2"}
ROOT = Path(__file__).parents[2]
PAPERS = sorted(path.parent for path in (ROOT / "reproductions").glob("*/run.py"))
# How long a run took stands in them; `audit.csv` has the same table, and is compared without that column.
TIMED = {RECORD, runs.MODEL, "report.html", "audit.md", "audit.tex"}


class Demo:
    """A paper's demo in a folder of its own."""

    def __init__(self, paper: Path, place: Path) -> None:
        self.out, self.cache, self.errors = place / "out", place.parent / "features", place / "stderr"
        place.mkdir()
        self.command = [sys.executable, paper / "run.py", *FLAGS, "--seeds", SEEDS.get(paper.name, "1")]
        self.command += ["--out", self.out, "--cache", self.cache]

    def start(self) -> subprocess.Popen:
        """Begin, or go on."""
        with self.errors.open("w") as errors:
            return subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)

    def end(self, process: subprocess.Popen) -> str:
        """What is wrong with how it ended, if anything: "hangs", "tracebacks", "silent"."""
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return "hangs"
        return "tracebacks" if "Traceback" in self.errors.read_text() else "silent" if code else ""

    def finished(self) -> dict[Path, bytes]:
        """The records of runs that are whole."""
        return {path: path.read_bytes() for path in self.out.rglob(RECORD) if not runs.damage(path.parent)}

    def half_written(self) -> list[Path]:
        """What a kill left behind."""
        return list(self.out.rglob(".*.partial*"))

    def numbers(self) -> dict[Path, bytes]:
        """Every file that a reader could take for a result, but for those that say how long it took."""
        files = [p for p in self.out.rglob("[!.]*") if p.is_file() and p.name not in TIMED]
        return {p.relative_to(self.out): _untimed(p) if p.name == "audit.csv" else p.read_bytes() for p in files}


def _untimed(audit: Path) -> bytes:
    with audit.open(newline="") as file:
        rows = [{k: v for k, v in row.items() if k != "Seconds a run"} for row in csv.DictReader(file)]
    return repr(rows).encode()


def attack(seed: int, count: int) -> Counter:
    """Kill demos `count` times; after one kill, or up to eight, the same command may go on to its end.

    Returns:
        How many kills were `tried`; how many commands came to their `ends`; what kills left behind: `finished runs`
        and `half-written files`; failures: `silent` (a file that is not that of an undisturbed run, a finished run
        that is made again, another exit code), `tracebacks`, and `hangs`; the largest process in `peak MB`.
    """
    rng = random.Random(seed)
    kinds = ("tried", "ends", "finished runs", "half-written files", "silent", "tracebacks", "hangs")
    counts = Counter(dict.fromkeys(kinds, 0))
    papers = rng.sample(PAPERS, max(1, min(len(PAPERS), count // A_PAPER)))
    with tempfile.TemporaryDirectory() as name:
        undisturbed = {}
        for number in range(count):
            if counts["tried"] >= count:
                break
            paper = papers[number % len(papers)]
            if paper not in undisturbed:
                undisturbed[paper] = _undisturbed(paper, Path(name) / f"{paper.name} undisturbed")
            demo = Demo(paper, Path(name) / f"{paper.name} {number}")
            if rng.random() < COLD:
                shutil.rmtree(demo.cache)
                shutil.rmtree(demo.cache.parent / "corpora")
            kills = min(rng.randint(1, IN_TURN), count - counts["tried"])
            wrong = _tried(demo, rng, kills, *undisturbed[paper], counts)
            if wrong:
                counts[wrong.partition(":")[0]] += 1
                print(f"seed {seed}, {paper.name} {number}: {wrong}: {demo.errors.read_text()[-2000:]}")
            shutil.rmtree(demo.out.parent)
    counts["peak MB"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return counts


def _undisturbed(paper: Path, place: Path) -> tuple[dict[Path, bytes], float]:
    """The files of a demo that nobody disturbs, and the seconds that it takes."""
    demo = Demo(paper, place)
    began = time.monotonic()
    if wrong := demo.end(demo.start()):
        raise RuntimeError(f"{paper.name} undisturbed: {wrong}: {demo.errors.read_text()[-2000:]}")
    return demo.numbers(), time.monotonic() - began


def _tried(
    demo: Demo, rng: random.Random, kills: int, expected: dict[Path, bytes], seconds: float, counts: Counter
) -> str:
    """Kill a demo, and again as it goes on; then let it end. What is wrong, if anything: kind and place."""
    finished: dict[Path, bytes] = {}
    for _ in range(kills):
        process = demo.start()
        if not _killed(process, demo, rng, seconds):
            break  # it was quicker than the kill
        counts["tried"] += 1
        if any(damaged := [runs.damage(path.parent) for path in demo.out.rglob(RECORD)]):
            return f"silent: a record of half a run: {damaged}"
        if wrong := _differing(demo, expected, finished):
            return f"silent: after a kill, {wrong}"
        finished = demo.finished()
        counts["finished runs"] += len(finished)
        counts["half-written files"] += len(demo.half_written())
    else:
        process = demo.start()
    if wrong := demo.end(process):
        return wrong
    counts["ends"] += 1
    if missing := expected.keys() - demo.numbers().keys():
        return f"silent: {min(missing)} is missing"
    if left := demo.half_written():
        return f"silent: {left[0]} is left"
    wrong = _differing(demo, expected, finished)
    return f"silent: in the end, {wrong}" if wrong else ""


def _differing(demo: Demo, expected: dict[Path, bytes], finished: dict[Path, bytes]) -> str:
    """A file that is not that of an undisturbed run, or a finished run that was made again or lost."""
    again = [path for path, record in finished.items() if demo.finished().get(path) != record]
    other = [path for path, content in demo.numbers().items() if expected.get(path) != content]
    return f"{again[0].parent} is not as it was" if again else f"{other[0]} differs" if other else ""


def _killed(process: subprocess.Popen, demo: Demo, rng: random.Random, seconds: float) -> bool:
    """Kill a process, alone or with its workers, at an instant of the time that it should take; False: it had ended."""
    changes = rng.randint(1, CHANGES) if rng.random() < AT_A_FILE else None
    until = time.monotonic() + (rng.uniform(0, seconds) if changes is None else SECONDS)
    group, pause = rng.random() < 0.5, rng.uniform(0, 0.01)
    names = set(demo.out.rglob("*"))
    while process.poll() is None and time.monotonic() < until:
        if changes is not None:
            now = set(demo.out.rglob("*"))
            changes, names = changes - len(now ^ names), now
            if changes <= 0:
                break
        time.sleep(0.002)
    time.sleep(pause)
    if process.poll() is not None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL) if group else process.kill()
    return process.wait() == -signal.SIGKILL


if __name__ == "__main__":
    start = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    print(f"{TITLE}, seed {start}: {dict(attack(start, FULL))}")
