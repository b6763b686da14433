"""Folders of several machines join into one, and a plan says what is left."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest

from ser_keras.commands import reproduce
from ser_keras.runs import folder as files
from ser_keras.runs.costs import Costs
from ser_keras.runs.merging import merge
from ser_keras.runs.options import Options
from ser_keras.runs.run import Run
from ser_keras.support.errors import SerError


def written(out, run, accuracy=0.5):
    table = pd.DataFrame({"utterance": ["a"], "split": "test", "label": "x", "prediction": "x", "p_x": [accuracy]})
    history = pd.DataFrame({"epoch": [1], "accuracy": [accuracy]})
    record = {"cell": vars(run), "what": {}, "seconds": 1.0}
    files.write(run.folder(out), model=None, history=history, predictions=table, moments=None, record=record)


RUNS = [Run("c", "p", "v", seed, 0) for seed in range(3)]


def test_runs_are_copied_whole_and_twice_is_once(tmp_path):
    written(tmp_path / "a", RUNS[0])
    written(tmp_path / "b", RUNS[1])
    shutil.copytree(tmp_path / "a", tmp_path / "also_a")
    merged = merge([tmp_path / "a", tmp_path / "b", tmp_path / "also_a"], tmp_path / "all")
    assert merged.copied == ["c/p/v/seed0/fold0", "c/p/v/seed1/fold0"]
    assert merged.known == ["c/p/v/seed0/fold0"]
    assert not merged.refused
    for run in RUNS[:2]:
        assert files.damage(run.folder(tmp_path / "all")) == ""


def test_damaged_and_other_runs_are_left_out_with_the_reason(tmp_path):
    written(tmp_path / "a", RUNS[0])
    written(tmp_path / "b", RUNS[0], accuracy=0.25)
    written(tmp_path / "b", RUNS[1])
    (RUNS[1].folder(tmp_path / "b") / "history.csv").write_text("epoch\n")
    merged = merge([tmp_path / "a", tmp_path / "b"], tmp_path / "a")
    reasons = list(merged.refused.values())
    assert reasons == ["another run of this name is there", "history.csv is not what was written"]
    with pytest.raises(SerError, match="No finished run"):
        merge([tmp_path / "empty"], tmp_path / "a")


def test_costs_are_those_of_the_likest_runs():
    costs = Costs(
        [{"cell": vars(RUNS[0]), "seconds": 30}, {"cell": vars(replace(RUNS[0], protocol="q")), "seconds": 90}]
    )
    assert costs.seconds(RUNS[2]) == 30
    assert costs.seconds(replace(RUNS[2], corpus="d", variant="v@torch")) == 30
    assert costs.seconds(replace(RUNS[2], protocol="r")) == 60


def test_the_plan_counts_without_running(tmp_path, capsys):
    chosen = reproduce.experiments(["jin2022"])
    options = Options(out=tmp_path, cache=tmp_path / "c", demo=True, seeds=(0, 1))
    entries = reproduce.plan(chosen, options)
    assert {(e.protocol, e.runs, e.finished) for e in entries} == {
        (name, 2, 0) for name in ("paper", "augment_before_split", "speaker_independent")
    }
    assert all(e.seconds > 0 for e in entries)
    reproduce.show_plan(entries)
    assert "6 runs" in capsys.readouterr().out
    with pytest.raises(SerError, match="did you mean 'jin2022'"):
        reproduce.experiments(["jin2021"])
