import numpy as np
import pytest

from ser_keras.training import scaling
from ser_keras.training.standardised import Samples

X = np.random.default_rng(0).normal(5, 3, (200, 4, 7, 1)).astype(np.float32)


def test_rows_are_standardised_by_the_training_part():
    train = np.arange(0, 200, 2)
    made = scaling.scaled(X, train, "row")
    expected = (X - X[train].mean(axis=(0, 2, 3), keepdims=True)) / X[train].std(axis=(0, 2, 3), keepdims=True)
    np.testing.assert_allclose(made.gather(np.arange(200)), expected, rtol=1e-4, atol=1e-5)


def test_a_row_that_never_changes_becomes_zero():
    flat = X.copy()
    flat[:, 1] = 0.1
    assert not scaling.scaled(flat, np.arange(200), "row").gather(np.arange(3))[:, 1].round(4).any()


def test_choosing_copies_nothing_and_gathering_leaves_the_values_alone():
    some = Samples(X, np.arange(200))[np.array([5, 3])]
    assert some.values is X
    assert some.shape == (2, 4, 7, 1)
    before = X.copy()
    some = some.standardised(np.array([0, 1]))
    np.testing.assert_array_equal(some.gather(np.array([1, 0]))[::-1], some.gather(np.array([0, 1])))
    np.testing.assert_array_equal(X, before)


def test_only_rows_can_be_scaled_lazily():
    with pytest.raises(ValueError, match="row"):
        scaling.scaled(Samples(X, np.arange(200)), np.arange(10), "value")
