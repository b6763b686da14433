"""RMSprop as it was up to Keras 2.10: its formula by hand, and that a saved network keeps it."""

import keras
import numpy as np
import pytest

from ser_keras.training.optimisers import RMSprop2

RATE, RHO, EPSILON = 0.1, 0.9, 1e-7
GRADIENTS = np.array([[1e-6, -1e-4, 0.5], [2e-6, 1e-4, -0.25], [1e-6, -3e-4, 1.0]], np.float32)


def weights_after(optimiser, gradients):
    """A variable of ones after a step for each gradient."""
    variable = keras.Variable(np.ones(gradients.shape[1], np.float32))
    optimiser.build([variable])
    for gradient in gradients:
        optimiser.apply([keras.ops.array(gradient)], [variable])
        yield keras.ops.convert_to_numpy(variable).copy()


def by_hand(gradients, step):
    w, v = np.ones(gradients.shape[1]), np.zeros(gradients.shape[1])
    for g in gradients.astype(float):
        v = RHO * v + (1 - RHO) * g**2
        w = w - RATE * step(g, v)
        yield w


def test_three_steps_by_hand():
    made = weights_after(RMSprop2(RATE, rho=RHO, epsilon=EPSILON), GRADIENTS)
    expected = by_hand(GRADIENTS, lambda g, v: g / (np.sqrt(v) + EPSILON))
    for one, other in zip(made, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_keras_3s_own_steps_are_shorter_where_gradients_are_small():
    own = list(weights_after(keras.optimizers.RMSprop(RATE, rho=RHO, epsilon=EPSILON), GRADIENTS))[-1]
    expected = list(by_hand(GRADIENTS, lambda g, v: g / np.sqrt(v + EPSILON)))[-1]
    np.testing.assert_allclose(own, expected, rtol=1e-5)
    old = list(weights_after(RMSprop2(RATE, rho=RHO, epsilon=EPSILON), GRADIENTS))[-1]
    moved = np.abs(old - 1) / np.abs(own - 1)
    assert moved[0] > 100  # of 1e-6
    assert moved[2] == pytest.approx(1, abs=1e-3)  # of 0.5


def test_how_much_longer_the_old_step_is():
    """The figures of the ledger: steady gradients, epsilon 1e-7."""
    ratios = [np.sqrt(g**2 + 1e-7) / (g + 1e-7) for g in (1e-4, 1e-5, 1e-6)]
    assert [round(r, 1) if r < 10 else round(r) for r in ratios] == [3.3, 31, 287]


def test_a_saved_network_keeps_it_and_goes_on_alike(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(RMSprop2(RATE), loss="mse")
    x, y = np.ones((4, 2), np.float32), np.zeros((4, 1), np.float32)
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras", safe_mode=True)
    assert type(again.optimizer) is RMSprop2
    for each in (model, again):
        each.fit(x, y, verbose=0)
    np.testing.assert_allclose(again.get_weights()[0], model.get_weights()[0], rtol=1e-6)


@pytest.mark.parametrize("asked", [{"momentum": 0.9}, {"centered": True}])
def test_what_it_does_not_have_is_refused(asked):
    with pytest.raises(ValueError, match="neither momentum nor centring"):
        RMSprop2(RATE, **asked)
