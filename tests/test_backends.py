"""The papers' networks train and predict alike under every backend, so that a run may use whichever is fastest."""

import functools
import json

import numpy as np
import pytest
from conftest import under_backend

# Weights come from NumPy and dropout is off, so that no random stream of a backend's own is left.
SCRIPT = """
import json
from functools import partial
from ser_keras.training.backend import device, prepare_backend
prepare_backend()
import keras
import numpy as np
from ser_keras.models import conv2d_residual, resnet18, stacked_lstm

def answer(build, shape):
    model = build(shape, 3)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.01, 0.2, w.shape).astype("float32") for w in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0
    x, y = rng.normal(size=(8, *shape)).astype("float32"), np.eye(3, dtype="float32")[np.arange(8) % 3]
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    return model.predict(x, verbose=0).tolist()

lstm = partial(stacked_lstm.build, units=4)
made = {
    "lstm": answer(lstm, (6, 5)),
    "keras1": answer(partial(lstm, recurrent_activation="hard_sigmoid_1"), (6, 5)),
    "vanilla": answer(partial(lstm, cell="vanilla"), (6, 5)),
    "bidirectional": answer(partial(lstm, cell="bidirectional"), (6, 5)),
    "conv2d_residual": answer(
        partial(conv2d_residual.build, learning_rate=1e-3, clipnorm=1.0, label_smoothing=0.1), (16, 12, 1)
    ),
    "resnet18": answer(
        partial(resnet18.build, loss="categorical_crossentropy", learning_rate=1e-3, width=4), (32, 34, 1)
    ),
}
print(json.dumps({"backend": keras.backend.backend(), "device": device(), **made}))
"""


@functools.cache
def answers(backend):
    done = under_backend(backend, SCRIPT)
    assert "cuda" not in done.stderr.lower()  # TensorFlow's chatter, which Keras wakes under every backend
    made = json.loads(done.stdout)
    assert made.pop("backend") == backend
    assert made.pop("device")
    return made


@pytest.mark.parametrize("network", ["lstm", "keras1", "vanilla", "bidirectional", "conv2d_residual", "resnet18"])
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_two_steps_and_a_prediction_on_every_backend(network, backend):
    pytest.importorskip(backend)
    np.testing.assert_allclose(answers(backend)[network], answers("tensorflow")[network], atol=1e-3)
