"""`ser-keras check`, publishing that adds, and damage that is noticed."""

import gzip
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
from conftest import PAPERS, ROOT, load_run

from ser_keras.commands.check import check
from ser_keras.reports import report
from ser_keras.runs import results as store
from ser_keras.runs.checking import Checker
from ser_keras.runs.identity import Describer
from ser_keras.support.errors import SerError

PAPER = "jin2022"


@pytest.fixture(scope="module")
def describer():
    return Describer()


@pytest.fixture
def copy(tmp_path):
    """A paper's folder of one's own."""
    folder = tmp_path / "reproductions" / PAPER
    shutil.copytree(ROOT / "reproductions" / PAPER, folder)
    return folder


@pytest.mark.slow
def test_all_committed_runs_count_or_are_named():
    found = check(papers=ROOT / "reproductions")
    assert [one.folder.name for one in found] == PAPERS
    for one in found:
        assert not one.damaged
        assert one.runs > 0
        # Those that do not count bear the reason in their record, so that the tables can name it.
        cells = store.from_published(one.folder / "results").cells
        assert sum(bool(cell.get("differs")) for cell in cells) == len(one.differing), list(one.lines())


@pytest.mark.slow
def test_the_command_counts_and_ends_with_a_code(copy):
    command = [sys.executable, "-m", "ser_keras", "check", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    total = len(store.from_published(copy / "results").cells)
    assert done.stdout.splitlines()[-1].startswith(f"{total} runs, ")
    path = copy / "results" / store.PREDICTIONS
    path.write_bytes(path.read_bytes()[:-100])
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert f"{store.PREDICTIONS} is not what was written" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", [*store.SUMMED, store.SUMS])
def test_committed_files_that_are_damaged_are_named(copy, name):
    path = copy / "results" / name
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", whole.replace(b"0", b"1", 5), None):
        path.unlink()
        if broken is not None:
            path.write_bytes(broken)
        with pytest.raises(SerError, match=r"not what was written|missing|does not name|unreadable"):
            store.from_published(copy / "results")
        path.write_bytes(whole)
    store.from_published(copy / "results")


def test_a_manifest_with_right_sums_and_wrong_content_is_refused(copy):
    folder = copy / "results"
    raw = json.loads((folder / store.MANIFEST).read_text())
    for broken in ([], {"format": 1}, raw | {"runs": 3}, raw | {"parts": {}}):
        (folder / store.MANIFEST).write_text(json.dumps(broken))
        store.write_sums(folder)
        with pytest.raises(SerError, match="damaged"):
            store.from_published(folder)


def test_a_doubled_run_and_one_without_rows_are_told(copy):
    results = store.from_published(copy / "results")
    assert store.inconsistent(results) == []
    double = replace(results, cells=[*results.cells, results.cells[0]])
    assert "is there 2 times" in store.inconsistent(double)[0]
    first = tuple(results.cells[0]["cell"].values())
    runs = pd.MultiIndex.from_frame(results.history[list(results.cells[0]["cell"])])
    lacking = replace(results, history=results.history[~runs.isin([first])])
    assert store.inconsistent(lacking) == [f"{store.HISTORY} lacks {' '.join(map(str, first))}"]


def test_publishing_adds_and_keeps_what_no_longer_counts(copy, describer):
    """A changed recipe: the committed runs stay, marked; a flag that names them drops them."""
    before = store.from_published(copy / "results")
    experiment = load_run(PAPER).EXPERIMENT
    name = before.cells[0]["cell"]["variant"].split("@")[0]
    recipe = replace(experiment.variants[name], batch_size=7)
    changed = replace(experiment, variants=experiment.variants | {name: recipe})
    one = before.only(lambda cell: cell["cell"] == before.cells[0]["cell"])
    what = one.cells[0]["what"]
    what |= {"training": what["training"] | {"batch_size": 7}}
    new = replace(one, cells=[one.cells[0] | {"what": what}])
    checker = Checker(changed, describer)
    report.add(new, copy, checker=checker)
    after = store.from_published(copy / "results")
    assert len(after.cells) == len(before.cells) + 1
    assert [cell["cell"] for cell in after.cells if "differs" not in cell] == [new.cells[0]["cell"]]
    assert len(after.predictions) > len(before.predictions)
    old = [cell for cell in after.cells if "@was-" in cell["cell"]["variant"]]
    assert len(old) == 1
    report.drop(copy, [old[0]["cell"]["variant"]])
    left = store.from_published(copy / "results")
    assert len(left.cells) == len(before.cells)
    with pytest.raises(SerError, match="no committed run of"):
        report.drop(copy, ["nobody"])


def test_older_runs_of_several_divisions_stand_side_by_side(copy):
    """They differ in their examples alone, and nothing of them is dropped."""
    before = store.from_published(copy / "results")
    for letter in "abc":
        one = before.only(lambda cell: cell["cell"] == before.cells[0]["cell"])
        what = one.cells[0]["what"]
        parts = {name: part | {"names": letter + part["names"][1:]} for name, part in what["examples"].items()}
        report.add(replace(one, cells=[one.cells[0] | {"what": what | {"examples": parts}}]), copy)
    after = store.from_published(copy / "results")
    assert store.inconsistent(after) == []
    assert len(after.cells) == len(before.cells) + 3
    older = [cell["cell"]["variant"].split("@was-")[1] for cell in after.cells if "@was-" in cell["cell"]["variant"]]
    assert sorted(older) == [older[0][:8], f"{older[0][:8]}-2", f"{older[0][:8]}-3"]


def test_a_run_made_anew_on_another_machine_takes_the_place_of_the_committed_one(copy):
    """Probes that differ in their last digits are the same features."""
    before = store.from_published(copy / "results")
    one = before.only(lambda cell: cell["cell"] == before.cells[0]["cell"])
    what = json.loads(json.dumps(one.cells[0]["what"]))
    values = what["features"]["probes"]["speech"]["values"]
    values[0] *= 1 + 1e-7
    report.add(replace(one, cells=[one.cells[0] | {"what": what}]), copy)
    assert len(store.from_published(copy / "results").cells) == len(before.cells)


def test_no_python_version_stands_in_what_decides():
    """Descriptions are names and numbers: no code, no path, no address, no version."""
    for paper in PAPERS:
        for cell in store.from_published(ROOT / "reproductions" / paper / "results").cells:
            text = json.dumps(cell["what"])
            assert not any(word in text for word in ("0x", ".py", "lambda", "<function", "/home", "/root/"))


def test_the_committed_rows_are_read_as_text():
    raw = gzip.decompress((ROOT / "reproductions" / PAPER / "results" / store.PREDICTIONS).read_bytes())
    assert raw.startswith(b"corpus,protocol,variant,seed,fold,")
