"""Damaged runs and results under a quick attack; the whole is `python benchmarks/faults runs`. And what it does not do."""

import json
import os
import sys

import pytest
from conftest import ROOT, load_run

sys.path.insert(0, str(ROOT / "benchmarks" / "faults"))
import runs as attacks

from ser_keras.commands.check import check
from ser_keras.commands.counting import counted
from ser_keras.protocols import RandomSplit
from ser_keras.runs import folder as files
from ser_keras.runs import results as store
from ser_keras.runs.checking import NO_DESCRIPTION, Checker
from ser_keras.runs.identity import Describer
from ser_keras.runs.options import Options
from ser_keras.runs.run import Run


def test_a_quick_attack_finds_nothing_silent():
    found = attacks.attack(seed=11, count=attacks.QUICK)
    assert found == {"tried": attacks.QUICK, "silent": 0, "tracebacks": 0, "hangs": 0}


@pytest.fixture
def out(tmp_path):
    attacks._write_runs(tmp_path)
    return tmp_path


def aside(out):
    results = store.from_runs(out, protocols={"paper": RandomSplit(note="", test=0.2)}, corpora=("ravdess",))
    assert len(results.cells) == len(attacks.RUNS) - 1
    return results.aside


def test_what_is_no_file_is_no_record(out):
    """A folder, a ring of links, and a pipe, from which nothing would ever come."""
    path = attacks.RUNS[0].folder(out) / "cell.json"
    for put in (
        path.mkdir,
        lambda: path.symlink_to(path),
        lambda: os.mkfifo(path),
        lambda: path.write_text("[" * 10**5),
    ):
        path.unlink(missing_ok=True)
        put()
        assert list(aside(out)) == ["ravdess/paper/v/seed0/fold0"]
        path.rmdir() if path.is_dir() else None


@pytest.mark.parametrize(
    ("entry", "value", "words"),
    [
        ("files", {}, "does not name history.csv"),
        ("parameters", {}, "do not fit together"),
        ("parameters", {"classes": ["x", "y"]}, "do not fit together"),
        ("audit", None, "do not fit together"),
        ("seconds", "long", "do not fit together"),
    ],
)
def test_a_record_with_its_right_sum_that_says_too_little_is_named(out, entry, value, words):
    folder = attacks.RUNS[0].folder(out)
    files.seal(folder, files.read(folder) | {entry: value})
    assert words in aside(out)["ravdess/paper/v/seed0/fold0"]


def test_an_empty_table_with_its_right_sum_is_named(out):
    folder = attacks.RUNS[0].folder(out)
    record = files.read(folder)
    (folder / "history.csv").write_bytes(b"")
    files.seal(folder, record | {"files": record["files"] | {"history.csv": files.sha256(folder / "history.csv")}})
    assert "do not fit together" in aside(out)["ravdess/paper/v/seed0/fold0"]


def test_what_was_run_must_be_told_in_names_and_numbers():
    checker = Checker(load_run("jin2022").EXPERIMENT, Describer(networks=False))
    assert checker.why_not({"cell": vars(Run("demo", "paper", "mfcc", 0, 0)), "what": 3}) == NO_DESCRIPTION


def test_a_run_that_lies_too_high_is_named(out):
    folder = attacks.RUNS[0].folder(out)
    folder.rename(out / "fold0")
    assert "it is a copy" in aside(out)["fold0"]


def test_a_name_with_control_characters_is_shown_without(out):
    folder = attacks.RUNS[0].folder(out)
    folder.parent.rename(folder.parents[1] / "seed\x1b[31m0")
    assert list(aside(out)) == ["ravdess/paper/v/seed?[31m0/fold0"]


def test_check_loads_no_script_that_a_record_leads_to(out):
    (out / "evil").mkdir()
    (out / "evil" / "run.py").write_text("raise SystemExit('loaded')")
    folder = attacks.RUNS[0].folder(out)
    record = files.read(folder)
    for paper in (str(out / "evil"), f"../{out.name}/evil", "..", "", "a\x1b[31m"):
        files.seal(folder, record | {"paper": paper})
        for other in attacks.RUNS[1:]:
            files.seal(other.folder(out), files.read(other.folder(out)) | {"paper": "jin2022"})
        (found,) = check([out], papers=ROOT / "reproductions")
        (told,) = found.damaged
        assert "there is no paper" in told
        assert told.isprintable()


def test_a_plan_counts_no_damaged_run_as_finished(tmp_path):
    experiment = load_run("jin2022").EXPERIMENT
    run = Run("demo", "paper", "mfcc", 0, 0)
    folder = run.folder(tmp_path / "jin2022")
    folder.mkdir(parents=True)
    options = Options(out=tmp_path, cache=tmp_path / "cache", demo=True, protocols=("paper",), variants=("mfcc",))

    def finished():
        return [expected.finished for expected in counted(experiment, options)]

    for name in ("history.csv", "predictions.csv"):
        (folder / name).write_text("a\n1\n")
    names = {name: files.sha256(folder / name) for name in ("history.csv", "predictions.csv")}
    files.seal(folder, {"cell": vars(run), "seconds": 1.0, "files": names})
    assert finished() == [1]
    (folder / "history.csv").write_text("a\n2\n")
    assert finished() == [0]
    for broken in ([], {"cell": 3}, {"cell": vars(run)}):
        (folder / "cell.json").write_text(json.dumps(broken))
        assert finished() == [0]


def test_a_pipe_in_the_place_of_checksums_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / store.SUMS)
    assert store.damaged(tmp_path) == [f"{store.SUMS} is missing or unreadable"]
