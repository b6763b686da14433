"""Code of one's own in a network, its loss, its optimiser and its callbacks: a constant in it is seen, a name is not."""

import keras
import numpy as np
import pytest

from ser_keras.runs.identity import differences
from ser_keras.training import behaviour
from ser_keras.training.description import of_callbacks, of_model


def described(k, *, renamed=False):
    """A network in which everything is one's own, under one constant."""

    def loss(target, p):
        return k["loss"] * keras.ops.mean(keras.ops.abs(target - p), axis=-1)

    def another_loss(target, p):
        return loss(target, p)

    def act(x):
        return keras.ops.maximum(k["activation"] * x, 0)

    class Scale(keras.layers.Layer):
        def call(self, x):
            return k["layer"] * x

    class Decay(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return k["rate"] / (1 + step)

        def get_config(self):
            return {}

    class Steps(keras.optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, k["step"] * keras.ops.cast(gradient, variable.dtype))

    def words(x):
        return act(x)

    activation = words if renamed else act
    optimiser = Steps() if k.get("own") else keras.optimizers.SGD(Decay())
    layers = [keras.Input((3, 2)), keras.layers.Flatten(), Scale(), keras.layers.Dense(4, activation=activation)]
    layers += [keras.layers.Lambda(lambda x: k["lambda"] * x), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    model.compile(optimiser, another_loss if renamed else loss)
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: k["epochs"] * 0.9**epoch)
    return {"model": of_model(model), "callbacks": of_callbacks(lambda: [schedule])}


ONES = dict.fromkeys(("loss", "activation", "layer", "rate", "step", "lambda", "epochs"), 1.0)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("name", ONES)
def test_a_constant_in_code_of_ones_own_is_seen(name, own):
    told = differences(described(ONES | {"own": own}), described(ONES | {"own": own, name: 1.25}))
    unused = {"step"} if not own else {"rate"}
    assert len(told) == (name not in unused)
    assert all(("in the record and would be" in line and "gives" in line) or "rates" in line for line in told)


def test_names_and_another_wording_are_not():
    one = described(ONES)
    assert differences(one, described(ONES, renamed=True)) == []
    assert "another_loss" not in str(described(ONES, renamed=True))


def test_describing_a_layer_leaves_its_weights():
    layer = keras.layers.Dense(2)
    keras.Sequential([keras.Input((3,)), layer])
    before = layer.get_weights()
    assert len(behaviour.of_layer(layer)) > 2
    for one, other in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_records_of_before_say_nothing_of_it_and_count():
    new = {"model": {"loss": {"class": "FocalLoss", "gamma": 2.0, "gives": [1.0, 2.0]}}}
    old = {"model": {"loss": {"class": "FocalLoss", "gamma": 2.0}}}
    assert differences(old, new) == differences(new, old) == []
    other = {"model": {"loss": {"class": "FocalLoss", "gamma": 2.0, "gives": [1.0, 2.1]}}}
    assert differences(new, other) == ["model/loss/gives/2 is 2 in the record and would be 2.1 now"]


def test_callbacks_that_come_or_go_are_another_run():
    model = {"model": {"weights": 3}}
    stopped = model | {"callbacks": [{"class": "EarlyStopping", "patience": 3}]}
    come, gone = differences(model, stopped), differences(stopped, model)
    assert come[0].startswith("callbacks is absent in the record and would be")
    assert gone[0].endswith("in the record and would not be there now")
    # Where no backend was asked, nobody can tell.
    assert differences(stopped, {}) == differences({}, stopped) == []
