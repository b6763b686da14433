import platform
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

from ser_keras.features.extraction import Extraction
from ser_keras.support.errors import SerError
from ser_keras.training import fit as training
from ser_keras.training.fit import Cell, Recipe


def build(input_shape, n_classes, rate=0.05):
    model = keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(n_classes, activation="softmax", dtype="float32"),
        ]
    )
    model.compile(keras.optimizers.Adam(rate), loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def explode(input_shape, n_classes):
    model = build(input_shape, n_classes)
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    return model


EXTRACTION = Extraction(extract=np.abs, sample_rate=16_000)
RECIPE = Recipe(extraction=EXTRACTION, build=build, epochs=6, batch_size=16)
PARTS = {"train": np.arange(90), "validation": np.array([], int), "test": np.arange(90, 120)}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 120)
    return (np.eye(3)[labels] * 2 + rng.normal(size=(120, 3))).astype(np.float32), labels


def fit(data, recipe=RECIPE, *, seed=0, parts=PARTS, precision="float32"):
    return training.fit(recipe, *data, parts, n_classes=3, seed=seed, epochs=recipe.epochs, precision=precision)


def test_learns_and_watches_the_held_out_part(data):
    fitted = fit(data)
    right = fitted.probabilities.argmax(axis=1) == data[1]
    assert right[:90].mean() > 0.7
    assert fitted.history.epoch.tolist() == [1, 2, 3, 4, 5, 6]
    assert fitted.history.test_accuracy.iloc[-1] == pytest.approx(right[90:].mean(), abs=1e-6)
    np.testing.assert_allclose(fitted.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_same_seed_gives_the_same_predictions(data):
    first, second, other = fit(data, seed=3), fit(data, seed=3), fit(data, seed=4)
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    assert (first.probabilities != other.probabilities).any()


def test_a_validation_part_is_named_so(data):
    parts = PARTS | {"validation": np.arange(80, 90), "train": np.arange(80)}
    assert "validation_accuracy" in fit(data, parts=parts).history


def test_precision_is_the_models(data):
    assert fit(data, precision="mixed_bfloat16").model.layers[0].compute_dtype == "bfloat16"
    assert fit(data).model.layers[0].compute_dtype == "float32"


def test_a_loss_that_is_no_number_is_told(data):
    with pytest.raises(SerError, match="learning rate"):
        fit(data, Recipe(extraction=EXTRACTION, build=explode, epochs=2, batch_size=16))


@pytest.fixture
def written(data, tmp_path):
    fitted = fit(data)
    samples = pd.DataFrame(
        {"utterance": [f"u{i}" for i in range(120)], "emotion": np.array(["a", "b", "c"])[data[1]]}
    ).assign(copy="original", window=0)
    table = training.predictions_table(samples, PARTS, fitted.probabilities, ["a", "b", "c"])
    folder = Cell("c", "p", "v", 0, 0).folder(tmp_path)
    training.write_cell(folder, fitted, table, {"digest": "x"})
    return folder, table, data


def test_a_cell_is_read_back(written):
    folder, table, data = written
    assert training.read_cell(folder)["digest"] == "x"
    again = pd.read_csv(folder / "predictions.csv")
    assert list(again.columns) == ["utterance", "split", "label", "prediction", "p_a", "p_b", "p_c"]
    assert (again.prediction == table.prediction).all()
    assert again.split.value_counts().to_dict() == {"train": 90, "test": 30}
    model = keras.models.load_model(folder / "model.keras", safe_mode=True)
    np.testing.assert_allclose(model.predict(data[0], verbose=0), again[["p_a", "p_b", "p_c"]], atol=1e-5)


@pytest.mark.parametrize("name", ["cell.json", "predictions.csv", "history.csv"])
def test_a_cell_that_is_not_whole_is_not_finished(written, name):
    folder, _, _ = written
    (folder / name).unlink()
    assert training.read_cell(folder) is None


def test_altered_predictions_are_not_finished(written):
    folder, _, _ = written
    path = folder / "predictions.csv"
    path.write_text(path.read_text().replace("u7,", "u8,"))
    assert training.read_cell(folder) is None


def test_half_a_record_is_not_finished(written):
    folder, _, _ = written
    path = folder / "cell.json"
    path.write_text(path.read_text()[:40])
    assert training.read_cell(folder) is None


def test_scalers_are_fitted_on_train_alone():
    rng = np.random.default_rng(0)
    x = rng.normal(5, 3, (100, 7, 4)).astype(np.float32)
    x[80:] += 100
    train = np.arange(80)
    by_value = training.scaled(x, train, "value")
    np.testing.assert_allclose(by_value[:80].mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(by_value[:80].std(axis=0), 1, atol=1e-4)
    by_coefficient = training.scaled(x, train, "coefficient")
    np.testing.assert_allclose(by_coefficient[:80].mean(axis=(0, 1)), 0, atol=1e-4)
    assert by_coefficient[80:].mean() > 10
    assert training.scaled(x, train, None) is x
    with pytest.raises(ValueError, match="no way to scale"):
        training.scaled(x, train, "frame")


def test_a_scikit_learn_classifier_in_the_place_of_a_network(data, tmp_path):
    recipe = Recipe(
        extraction=EXTRACTION,
        build=lambda input_shape, n_classes: DecisionTreeClassifier(max_features=1),
        epochs=1,
        batch_size=1,
        scaler="value",
    )
    first, second, other = fit(data, recipe), fit(data, recipe), fit(data, recipe, seed=1)
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    assert (first.probabilities != other.probabilities).any()
    assert (first.probabilities[:90].argmax(axis=1) == data[1][:90]).all()  # a tree learns by heart
    assert first.history.accuracy.tolist() == [1.0]
    training.write_cell(tmp_path / "cell", first, pd.DataFrame({"utterance": []}), {"digest": "x"})
    assert training.read_cell(tmp_path / "cell")
    assert not (tmp_path / "cell" / "model.keras").exists()


def test_callbacks_are_made_for_each_run(data):
    recipe = Recipe(
        extraction=EXTRACTION,
        build=build,
        epochs=50,
        batch_size=16,
        callbacks=lambda: [keras.callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=10)],
    )
    assert len(fit(data, recipe).history) < 5
    assert len(fit(data, recipe).history) < 5


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries have no such setting")
def test_freed_blocks_are_kept():
    code = """
import ctypes, resource
from ser_keras.training import fit as training
training._keep_freed_memory()
libc, size = ctypes.CDLL(None), 64 * 2**20
libc.malloc.restype = ctypes.c_void_p
faults = []
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = ctypes.c_void_p(libc.malloc(ctypes.c_size_t(size)))
    ctypes.memset(block, 1, size)
    libc.free(block)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
assert faults[-1] * resource.getpagesize() < size / 2, faults
"""
    subprocess.run([sys.executable, "-c", code], check=True)
