import platform
import subprocess
import sys

import keras
import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from ser_keras.features.extraction import Extraction
from ser_keras.support.errors import SerError
from ser_keras.training import fit as training
from ser_keras.training import scaling
from ser_keras.training.recipe import Recipe


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


def test_precision_is_the_models_and_the_policy_is_put_back(data):
    before = keras.config.dtype_policy().name
    assert fit(data, precision="mixed_bfloat16").model.layers[0].compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == before
    assert fit(data).model.layers[0].compute_dtype == "float32"


def normalised(input_shape, n_classes):
    model = keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(n_classes, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.05), loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def test_moments_are_those_of_one_and_the_same_training(data):
    x, labels = data
    parts = {"train": np.arange(70), "validation": np.arange(70, 90), "test": np.arange(90, 120)}
    stop = {"callbacks": lambda: [keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)]}
    recipe = Recipe(extraction=EXTRACTION, build=normalised, epochs=9, batch_size=16, **stop)
    names = ("best_on_test", "best_on_validation", "epoch_2", "last", "recalibrated", "epoch_99")

    def fitted(moments):
        return training.fit(recipe, x, labels, parts, n_classes=3, seed=1, epochs=9, moments=moments)

    plain, made = fitted(()), fitted(names)
    np.testing.assert_array_equal(plain.probabilities, made.probabilities)  # looking changes nothing
    assert plain.history.loss.tolist() == made.history.loss.tolist()
    assert set(made.moments) == set(names) - {"epoch_99"}  # never reached

    def accuracy(name, part):
        return np.mean(made.moments[name].argmax(axis=1)[parts[part]] == labels[parts[part]])

    history = made.history
    assert accuracy("best_on_validation", "validation") == pytest.approx(history.validation_accuracy.max())
    assert accuracy("best_on_test", "test") == pytest.approx(history.test_accuracy.max())
    assert accuracy("last", "test") == pytest.approx(history.test_accuracy.iloc[-1])
    assert accuracy("epoch_2", "test") == pytest.approx(history.test_accuracy.iloc[1])
    short = training.fit(recipe, x, labels, parts, n_classes=3, seed=1, epochs=2)
    np.testing.assert_allclose(made.moments["epoch_2"], short.probabilities, atol=1e-6)
    assert np.abs(made.moments["recalibrated"] - made.probabilities).max() > 1e-3
    weights = made.model.get_weights()
    np.testing.assert_allclose(training.predict(made.model, x), made.probabilities, atol=1e-6)
    assert all(np.isfinite(w).all() for w in weights)


def test_recalibrated_statistics_are_those_of_the_training_part(data):
    from ser_keras.training.recalibration import recalibrate

    x = data[0][:64]
    model = normalised((3,), 3)
    assert recalibrate(model, lambda: (x[i : i + 20] for i in range(0, 64, 20)))
    hidden = np.maximum(x @ model.layers[0].kernel.numpy() + model.layers[0].bias.numpy(), 0)
    np.testing.assert_allclose(model.layers[2].moving_mean.numpy(), hidden.mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.layers[2].moving_variance.numpy(), hidden.var(axis=0), rtol=1e-3, atol=1e-6)
    assert not recalibrate(build((3,), 3), lambda: iter([x]))


def test_a_loss_that_is_no_number_is_told(data):
    with pytest.raises(SerError, match="learning rate"):
        fit(data, Recipe(extraction=EXTRACTION, build=explode, epochs=2, batch_size=16))


def test_scalers_are_fitted_on_train_alone():
    rng = np.random.default_rng(0)
    x = rng.normal(5, 3, (100, 7, 4)).astype(np.float32)
    x[80:] += 100
    train = np.arange(80)
    by_value = scaling.Scaler.fit(x, train, "value").apply(x)
    np.testing.assert_allclose(by_value[:80].mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(by_value[:80].std(axis=0), 1, atol=1e-4)
    by_coefficient = scaling.Scaler.fit(x, train, "coefficient").apply(x)
    np.testing.assert_allclose(by_coefficient[:80].mean(axis=(0, 1)), 0, atol=1e-4)
    assert by_coefficient[80:].mean() > 10
    assert scaling.Scaler.fit(x, train, None).apply(x) is x
    with pytest.raises(ValueError, match="no way to scale"):
        scaling.Scaler.fit(x, train, "frame").apply(x)


def test_a_scikit_learn_classifier_in_the_place_of_a_network(data):
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
from ser_keras.training import backend
backend._keep_freed_memory()
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
