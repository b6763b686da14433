"""Demos under a quick attack by SIGKILL, and what the attack would notice; the whole is `python benchmarks/faults kills`."""

import signal
import sys
import time

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks" / "faults"))
import kills

PARTS = """
import sys, time
from pathlib import Path
from ser_keras.runs import folder as files
from ser_keras.runs.run import Run
from ser_keras.support.files import sha256, try_exclusive, write_text

out = Path(sys.argv[sys.argv.index("--out") + 1])
for seed in range(2):
    run = Run("demo", "paper", "v", seed, 0)
    with try_exclusive(run.folder(out)):
        if files.read(run.folder(out)) is None:
            {write}
            write_text(run.folder(out) / "history.csv", "epoch")
            sums = {{name: sha256(run.folder(out) / name) for name in ("history.csv", "predictions.csv")}}
            files.seal(run.folder(out), {{"cell": vars(run), "files": sums, "at": time.time_ns()}})
            time.sleep(0.2)
with try_exclusive(out):
    write_text(out / "results.csv", "1,2\\n" * 10)
"""
WHOLE = 'write_text(run.folder(out) / "predictions.csv", "a,b" * 10)'
NOT_AGAIN = "import os, sys; assert not os.path.exists(sys.argv[sys.argv.index('--out') + 1])\nimport sys"
HALVES = """with (run.folder(out) / "predictions.csv").open("w") as file:
                for _ in range(10):
                    print("a,b", file=file, flush=True)
                    time.sleep(0.1)"""


@pytest.fixture
def attack(tmp_path, monkeypatch):
    """Kill a script that writes two runs and a table as soon as a file is there: `attack(script, name)`."""
    (tmp_path / "paper").mkdir()
    (tmp_path / "corpora").mkdir()
    for name, value in {"PAPERS": [tmp_path / "paper"], "COLD": 0, "IN_TURN": 1}.items():
        monkeypatch.setattr(kills, name, value)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def attacked(script, awaited):
        def killed(process, demo, rng, seconds):
            while not list(demo.out.rglob(awaited)):
                time.sleep(0.001)
            process.kill()
            return process.wait() == -signal.SIGKILL

        monkeypatch.setattr(kills, "_killed", killed)
        (tmp_path / "paper" / "run.py").write_text(script)
        return kills.attack(seed=1, count=2)

    return attacked


def test_what_goes_on_in_the_right_way_passes(attack):
    found = attack(PARTS.format(write=WHOLE), "cell.json")
    assert (found["tried"], found["ends"], found["finished runs"]) == (2, 2, 2)
    assert (found["silent"], found["tracebacks"], found["hangs"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("script", "awaited", "kind", "words"),
    [
        (PARTS.format(write=HALVES), "predictions.csv", "silent", "predictions.csv differs"),
        (PARTS.format(write=WHOLE).replace("is None", "!= 0"), "cell.json", "silent", "is not as it was"),
        (PARTS.format(write=WHOLE).replace('"1,2', 'f"{time.time_ns()}'), "cell.json", "silent", "results.csv differs"),
        (PARTS.format(write=WHOLE).replace("import sys", NOT_AGAIN), "cell.json", "tracebacks", "Assertion"),
    ],
)
def test_the_attack_notices(attack, capsys, script, awaited, kind, words):
    assert attack(script, awaited)[kind] == 2
    assert words in capsys.readouterr().out


@pytest.mark.slow
def test_a_killed_demo_goes_on_and_ends_with_the_same_tables(monkeypatch, capsys):
    monkeypatch.setattr(kills, "PAPERS", [path for path in kills.PAPERS if path.name == "cournut2017"])
    found = kills.attack(seed=3, count=kills.QUICK)
    assert (found["silent"], found["tracebacks"], found["hangs"]) == (0, 0, 0), capsys.readouterr().out
    assert 0 < found["tried"] <= kills.QUICK  # on some machines a command ends before its last kill
    assert found["ends"] >= 1
