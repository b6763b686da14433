"""Every network computes the same under every backend, so that a run may use whichever is fastest."""

import functools
import importlib.util
import sys

import numpy as np
import pytest
from conftest import ROOT

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
