"""Folders of several machines join into one, and a plan says what is left."""

import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from ser_keras.commands import reproduce
from ser_keras.runs import folder as files
from ser_keras.runs.costs import Costs
from ser_keras.runs.merging import merge
from ser_keras.runs.options import Options
from ser_keras.runs.run import Run
from ser_keras.support.errors import SerError
from ser_keras.support.files import exclusive


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


def test_who_shares_a_folder_waits_for_its_tables(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from ser_keras.support.files import exclusive\n"
        f"with exclusive(Path({str(tmp_path)!r})): print('held', flush=True); time.sleep(1)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(SerError, match="in use by another run"), exclusive(tmp_path):
            pass
        with exclusive(tmp_path, wait=30):
            assert other.wait(5) == 0


def test_seconds_of_another_machine_are_scaled_by_its_speed_where_that_is_known():
    slow, unknown = {"gflops": 50.0}, {}
    records = [{"cell": vars(RUNS[i]), "seconds": 60, "measured": m} for i, m in enumerate((slow, unknown))]
    assert Costs(records[:1], gflops=100.0).seconds(RUNS[2]) == 30
    assert Costs(records[:1]).seconds(RUNS[2]) == 60
    both = Costs(records, gflops=100.0)
    assert both.seconds(RUNS[2]) == 45
    assert both.unscaled == 1


def test_memory_is_the_highest_measured_else_what_the_features_take():
    what = {"examples": {"train": {"number": 3 * 2**18}, "test": {"number": 2**18}}}
    record = {"cell": vars(RUNS[0]), "seconds": 1, "parameters": {"input_shape": [4]}, "what": what}
    assert Costs([record]).memory(RUNS[1]) == (16.0, False)
    windows = record | {"what": what | {"window": {"length": 25, "shift": 5}}}
    assert Costs([windows]).memory(RUNS[1]) == (pytest.approx(3.2), False)
    peaks = [record | {"measured": {"peak_mb": peak}} for peak in (900, 1100)]
    assert Costs([record, *peaks]).memory(RUNS[1]) == (1100, True)
    assert Costs([]).memory(RUNS[1]) == (0.0, False)
    assert Costs([record]).disk(RUNS[:2]) == 16.0 + 2 * 2**20 * 40 / 2**20
    assert Costs([]).disk(RUNS) == 0.0


def test_the_plan_of_committed_papers_loads_no_corpus_and_nothing_heavy(tmp_path):
    """In under a second of its own: what takes longer is not imported, and no recording is opened."""
    for name in ("ravdess", "emodb"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "not-a-recording.txt").touch()
    code = (
        "import sys; from ser_keras.commands import verbs\n"
        f"try: verbs.main(['reproduce', '--plan', '--data', {str(tmp_path)!r}, '--out', {str(tmp_path)!r}])\n"
        "except SystemExit as end: assert not end.code\n"
        "print({'keras', 'sklearn', 'scipy', 'librosa', 'distributed'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    *shown, loaded = done.stdout.splitlines()
    assert "varshne" in done.stdout
    assert any(line.endswith("GB on disk") for line in shown)
    assert any(
        line.endswith("do not say how fast their machine was: their hours are taken as they were.") for line in shown
    )
    assert loaded == "set()"


def test_folds_are_counted_as_they_are_drawn():
    from ser_keras.protocols import examples_of, number_of_splits
    from ser_keras.runs.checking import published
    from ser_keras.runs.experiment import is_view
    from ser_keras.runs.planning import chosen_recordings

    for experiment in reproduce.experiments(papers=ROOT / "reproductions"):
        for corpus in ("ravdess", "emodb"):
            try:
                recordings, _ = chosen_recordings(experiment, corpus, published(corpus))
            except SerError:
                continue
            examples = examples_of(recordings, np.ones(len(recordings), int), ("original",))
            for name, protocol in experiment.protocols.items():
                if not is_view(protocol):
                    counted = number_of_splits(protocol, examples, 0)
                    assert counted == len(protocol.splits(examples, 0)), (experiment.folder.name, corpus, name)


def test_the_plan_says_what_open_verdicts_cost(tmp_path, capsys):
    folder = tmp_path / "jin2022"
    tables = folder / "results" / "tables"
    tables.mkdir(parents=True)
    header = "Corpus,Reading,More runs,Hours,Verdicts settled,Of open ones"
    (tables / "plan.csv").write_text(f"{header}\nravdess,dear,3,9.0,0.9,1\nravdess,cheap,1,0.0,0.5,2\n")
    made = reproduce.experiments(["jin2022"])[0]
    reproduce.show_open_verdicts([replace(made, folder=folder)])
    told = capsys.readouterr().out
    assert told.index("cheap") < told.index("dear")
    reproduce.show_open_verdicts([replace(made, folder=tmp_path)])  # nothing committed, nothing said
    assert capsys.readouterr().out == ""


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
