"""Ctrl-C and SIGTERM at random instants of the five papers' demos: one sentence, the right code, nothing lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ser_keras.support.interruption import SENTENCE, SIGNALS

TITLE = "Signals"
FULL, QUICK = 50, 4
SECONDS = 30  # from the signal to the end of the process
IMPORTS, WHOLE = 0.5, 25.0  # seconds within which a signal comes; half of them fall into the first
ROOT = Path(__file__).parents[2]
PAPERS = sorted(path.parent for path in (ROOT / "reproductions").glob("*/run.py"))


def attack(seed: int, count: int) -> Counter:
    """Interrupt `count` demos, from the moment on at which Python runs the script's first line.

    Returns:
        How many were `tried`; of these `stopped` as they should, and `ended` before the signal came; else `silent`
        (another code, no sentence, or `lost`: finished runs that are there no more), `tracebacks`, and `hangs`.
    """
    rng = random.Random(seed)
    counts = Counter(dict.fromkeys(("tried", "stopped", "ended", "silent", "tracebacks", "hangs", "lost"), 0))
    with tempfile.TemporaryDirectory() as name:
        for _ in range(count):
            paper, number = rng.choice(PAPERS), rng.choice(SIGNALS)
            delay = rng.uniform(0, IMPORTS if rng.random() < 0.5 else WHOLE)
            again, terminal = rng.random() < 0.3, rng.random() < 0.5
            out = Path(name) / paper.name
            before = _finished(out)
            flags = ["--demo", "--epochs", "1", "--out", out, "--cache", Path(name) / "features"]
            process = subprocess.Popen(
                [sys.executable, paper / "run.py", *map(str, flags)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                preexec_fn=_default_signals,
            )
            verdict, error = _interrupted(process, number, delay, again=again, terminal=terminal)
            counts["tried"] += 1
            counts[verdict] += 1
            if any(_finished(out).get(path) != content for path, content in before.items()):
                counts["lost"] += 1
                counts["silent"] += 1
            if verdict not in ("stopped", "ended"):
                print(f"seed {seed}: {paper.name}, {number.name} after {delay:.2f} s: {verdict}: {error[-2000:]}")
    return counts


def _default_signals() -> None:
    """In the child: whoever runs this in the background has told it to ignore Ctrl-C."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _finished(out: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in out.rglob("cell.json")}


def _interrupted(
    process: subprocess.Popen, number: signal.Signals, delay: float, *, again: bool, terminal: bool
) -> tuple[str, str]:
    """What becomes of a process, and what it says; a terminal sends Ctrl-C to the workers, too."""
    while process.poll() is None and not _answers_signals(process.pid):
        time.sleep(0.001)
    time.sleep(delay)
    if process.poll() is not None:
        return ("ended" if process.returncode == 0 else "silent"), process.communicate()[1]
    for _ in range(1 + again):
        if process.poll() is None:
            os.killpg(process.pid, number) if terminal else process.send_signal(number)
            time.sleep(0.05)
    try:
        error = process.communicate(timeout=SECONDS)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return "hangs", process.communicate()[1]
    if "Traceback" in error:
        return "tracebacks", error
    right = process.returncode == 128 + number and error.endswith(f"\n{SENTENCE}\n") and error.count(SENTENCE) == 1
    return "stopped" if right else "silent", error


def _answers_signals(pid: int) -> bool:
    """Whether the process has a handler for SIGTERM, which Python alone does not install."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(status.get("SigCgt", "0"), 16) >> (signal.SIGTERM - 1) & 1)


if __name__ == "__main__":
    start = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    print(f"{TITLE}, seed {start}: {dict(attack(start, FULL))}")
