"""The focal loss against its formula, Keras's own, and numeric slopes; the same on every backend."""

import keras
import numpy as np
import pytest
from conftest import under_backend

from ser_keras.losses import FocalLoss

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 3, (16, 4)).astype(np.float32)
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
LABELS = RNG.integers(0, 4, 16)
TARGETS = np.eye(4, dtype=np.float32)[LABELS]


def value(loss, targets=TARGETS, predictions=PROBABILITIES):
    return float(loss(targets, predictions))


def by_formula(gamma, alpha=(1, 1, 1, 1)):
    p = PROBABILITIES[np.arange(16), LABELS].astype(float)
    return float(np.mean(-np.array(alpha)[LABELS] * (1 - p) ** gamma * np.log(p)))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_equation_2(gamma):
    assert value(FocalLoss(gamma=gamma)) == pytest.approx(by_formula(gamma), rel=1e-4)
    logits = value(FocalLoss(gamma=gamma, from_logits=True), predictions=LOGITS)
    assert logits == pytest.approx(by_formula(gamma), rel=1e-4)


def test_gamma_0_is_cross_entropy():
    expected = value(keras.losses.CategoricalCrossentropy())
    assert value(FocalLoss(gamma=0.0)) == pytest.approx(expected, rel=1e-6)
    smoothed = value(keras.losses.CategoricalCrossentropy(label_smoothing=0.1))
    assert value(FocalLoss(gamma=0.0, label_smoothing=0.1)) == pytest.approx(smoothed, rel=1e-5)


def test_the_papers_example_is_96_per_cent_lower():
    target, given = np.array([[1.0, 0.0]]), np.array([[0.8, 0.2]])
    ratio = value(FocalLoss(gamma=2.0), target, given) / value(FocalLoss(gamma=0.0), target, given)
    assert ratio == pytest.approx(0.04, abs=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_keras_own_agrees(gamma, smoothing):
    theirs = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=gamma, label_smoothing=smoothing)
    assert value(FocalLoss(gamma=gamma, label_smoothing=smoothing)) == pytest.approx(value(theirs), rel=1e-4)


def test_alpha_weighs_the_true_class():
    alpha = [0.5, 1.0, 2.0, 4.0]
    assert value(FocalLoss(gamma=2.0, alpha=alpha)) == pytest.approx(by_formula(2.0, alpha), rel=1e-4)


def slopes(loss, predictions):
    import tensorflow as tf

    x = tf.Variable(predictions)
    with tf.GradientTape() as tape:
        result = loss(TARGETS[: len(predictions)], x)
    return tape.gradient(result, x).numpy()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("size", [0.0, 1.0, 30.0, 200.0])
def test_slopes_are_finite_at_the_extremes(gamma, size):
    right, wrong = size * (2 * TARGETS - 1), size * (1 - 2 * TARGETS)
    for logits in (right, wrong):
        made = slopes(FocalLoss(gamma=gamma, from_logits=True), logits)
        assert np.isfinite(made).all()
        probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)
        assert np.isfinite(slopes(FocalLoss(gamma=gamma), probabilities)).all()
        assert np.isfinite(value(FocalLoss(gamma=gamma), predictions=probabilities))
    # A network that is wholly wrong still learns.
    assert np.abs(slopes(FocalLoss(gamma=gamma, from_logits=True), wrong)).max() > 0.01


@pytest.mark.parametrize("gamma", [0.5, 2.0, 3.0])
def test_slopes_against_numeric_differentiation(gamma):
    loss, step = FocalLoss(gamma=gamma, from_logits=True), 1e-2
    exact = slopes(loss, LOGITS[:3] / 3)
    for i in range(3):
        for j in range(4):
            moved = np.zeros((3, 4), np.float32)
            moved[i, j] = step
            above, below = (value(loss, TARGETS[:3], LOGITS[:3] / 3 + sign * moved) for sign in (1, -1))
            assert exact[i, j] == pytest.approx((above - below) / (2 * step), abs=2e-4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_predictions_are_judged_in_float32(dtype):
    half = keras.ops.cast(PROBABILITIES, dtype)
    made = FocalLoss(gamma=2.0)(TARGETS, half)
    assert keras.backend.standardize_dtype(made.dtype) == "float32"
    assert float(made) == pytest.approx(by_formula(2.0), rel=0.02)
    tiny = keras.ops.cast(np.array([[0.0, 1.0, 0.0, 0.0]]), dtype)
    assert np.isfinite(float(FocalLoss()(TARGETS[:1], tiny)))


@pytest.mark.parametrize("wrong", [{"gamma": -1.0}, {"label_smoothing": 1.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FocalLoss(**wrong)


def test_a_model_with_the_loss_saves_and_loads(tmp_path):
    loss = FocalLoss(gamma=1.5, alpha=[1, 2, 3, 4], label_smoothing=0.1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="softmax")])
    model.compile("adam", loss=loss)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras", safe_mode=True).loss
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()


BACKEND = """
import numpy as np
from ser_keras.losses import FocalLoss
import keras
rng = np.random.default_rng(1)
logits = rng.normal(0, 3, (16, 4)).astype("float32")
targets = np.eye(4, dtype="float32")[rng.integers(0, 4, 16)]
print(keras.backend.backend())
for loss in (FocalLoss(gamma=2.0, from_logits=True, alpha=[1, 2, 3, 4], label_smoothing=0.1), FocalLoss(gamma=0.5, from_logits=True)):
    print(float(loss(targets, logits)))
"""


def on_backend(name):
    done = under_backend(name, BACKEND)
    backend, *values = done.stdout.split()
    assert backend == name
    return [float(v) for v in values]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_same_values_on_every_backend(backend):
    pytest.importorskip(backend)
    np.testing.assert_allclose(on_backend(backend), on_backend("tensorflow"), rtol=1e-5)
