"""A run's folder is whole, or it is said what is wrong with it."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import flat_model

from ser_keras.runs import folder as files
from ser_keras.runs.run import Run

RUN = Run("c", "p", "v", 0, 0)
CLASSES = ["a", "b", "c"]


@pytest.fixture
def written(tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 12)
    probabilities = rng.dirichlet(np.ones(3), 12).astype(np.float32)
    examples = pd.DataFrame({"utterance": [f"u{i}" for i in range(12)], "emotion": np.array(CLASSES)[labels]})
    examples = examples.assign(copy="original", window=0)
    parts = {"train": np.arange(9), "test": np.arange(9, 12)}
    table = files.predictions_table(examples, parts, probabilities, CLASSES)
    folder = RUN.folder(tmp_path)
    record = {"cell": vars(RUN), "what": {}}
    history = pd.DataFrame({"epoch": [1], "loss": [1.0]})
    files.write(folder, model=flat_model((4,), 3), history=history, predictions=table, moments=None, record=record)
    return folder, table


def test_a_run_is_read_back(written):
    folder, table = written
    assert files.damage(folder) == ""
    assert files.read(folder)["cell"] == vars(RUN)
    again = pd.read_csv(folder / "predictions.csv")
    assert list(again.columns) == ["utterance", "split", "label", "prediction", "p_a", "p_b", "p_c"]
    assert (again.prediction == table.prediction).all()
    import keras

    assert keras.models.load_model(folder / "model.keras", safe_mode=True).count_params() == 15


@pytest.mark.parametrize("name", ["predictions.csv", "history.csv"])
def test_every_file_that_a_number_rests_on_is_checked(written, name):
    folder, _ = written
    path = folder / name
    text = path.read_text()
    for broken in (text[: len(text) // 2], text.replace("1", "2", 1), ""):
        path.write_text(broken)
        assert files.damage(folder) == f"{name} is not what was written"
        assert files.read(folder) is None
    path.unlink()
    assert files.damage(folder) == f"{name} is missing"


def test_an_edited_record_is_noticed(written):
    folder, _ = written
    path = folder / "cell.json"
    record = json.loads(path.read_text())
    for broken in (record | {"seconds": 1}, {"cell": record["cell"]}, [], "x", record | {"files": 3}):
        path.write_text(json.dumps(broken))
        assert files.damage(folder).startswith("cell.json is not what was written")
    path.write_text("{")
    assert files.damage(folder) == "cell.json is no JSON"
    path.unlink()
    assert files.damage(folder) == "no record: the run did not end"


def test_a_copy_is_noticed(written):
    folder, _ = written
    for name in ("fold1", "fold0 (copy)"):
        shutil.copytree(folder, folder.parent / name)
        assert files.damage(folder.parent / name) == "it is a copy: the record says c/p/v/seed0/fold0"
