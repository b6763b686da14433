"""Every network computes the same under every backend, so that a run may use whichever is fastest."""

import functools
import importlib.util
import sys

import numpy as np
import pytest
from conftest import ROOT, under_backend

sys.path.insert(0, str(ROOT / "benchmarks"))
import agreement

# One of each kind of layer, optimiser and loss; the benchmark has them all.
NETWORKS = [
    "jin2022 keras_2_rmsprop",
    "boucheta2025 cnn_mean",
    "cournut2017 mspec_dd",
    "cournut2017 mfcc_dd_vanilla",
    "cournut2017 mfcc_dd_bidirectional",
    "cournut2017 mspec_dd_keras_1_2",
    "varshney2025 code",
    "tripathi2019 mfcc_focal",
]
TOLERANCE = 1e-6
answers = functools.cache(lambda backend: agreement.answers(backend, NETWORKS))

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_twenty_steps_and_the_predictions_after_them(network, backend):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    made, ours = answers(backend)[network], answers("tensorflow")[network]
    assert agreement.apart(made["losses"], ours["losses"]) < TOLERANCE
    assert agreement.apart(made["predictions"], ours["predictions"]) < TOLERANCE
    # The network has learnt on the way: equal starting values alone would agree, too.
    assert np.ptp(ours["losses"]) > 0.01


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_the_backend_starts_quietly_and_names_its_device(backend):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    script = "from ser_keras.training.backend import device, prepare_backend; prepare_backend(); print(device())"
    done = under_backend(backend, script)
    assert done.stdout.strip()
    assert "cuda" not in done.stderr.lower()  # TensorFlow's chatter, which Keras wakes under every backend
