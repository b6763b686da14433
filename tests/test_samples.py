import numpy as np
import pytest

from ser_keras.training import scaling
from ser_keras.training.standardised import StandardisedArray

X = np.random.default_rng(0).normal(5, 3, (200, 4, 7, 1)).astype(np.float32)


def test_rows_are_standardised_by_the_training_part():
    train = np.arange(0, 200, 2)
    made = scaling.Scaler.fit(X, train, "row").apply(X)
    expected = (X - X[train].mean(axis=(0, 2, 3), keepdims=True)) / X[train].std(axis=(0, 2, 3), keepdims=True)
    np.testing.assert_allclose(made.gather(np.arange(200)), expected, rtol=1e-4, atol=1e-5)


def test_a_row_that_never_changes_becomes_zero():
    flat = X.copy()
    flat[:, 1] = 0.1
    assert not scaling.Scaler.fit(flat, np.arange(200), "row").apply(flat).gather(np.arange(3))[:, 1].round(4).any()


def test_padding_counts_for_nothing_and_stays_zero_where_it_is_left_out():
    padded = X.copy()
    padded[::2, :, 4:] = 0
    padded[1, 2, 3] = 0  # one row alone: a frame like any other
    train = np.arange(0, 100)
    made = scaling.Scaler.fit(padded, train, "row_without_padding").apply(padded).gather(np.arange(200))
    assert not made[::2, :, 4:].any()
    sound = padded[train].any(axis=1, keepdims=True) & np.ones((1, 4, 1, 1), bool)
    for row in range(4):
        of_row = padded[train][:, row][sound[:, row]]
        expected = (padded[1::2, row] - of_row.mean()) / of_row.std()
        np.testing.assert_allclose(made[1::2, row], expected, rtol=1e-4, atol=1e-5)
    assert np.abs(scaling.Scaler.fit(padded, train, "row").apply(padded).gather(np.arange(2))[0, :, 4:]).min() > 0.1


def test_choosing_copies_nothing_and_gathering_leaves_the_values_alone():
    some = StandardisedArray(X, np.arange(200))[np.array([5, 3])]
    assert some.values is X
    assert some.shape == (2, 4, 7, 1)
    before = X.copy()
    some = scaling.Scaler.fit(some, np.array([0, 1]), "row").apply(some)
    np.testing.assert_array_equal(some.gather(np.array([1, 0]))[::-1], some.gather(np.array([0, 1])))
    np.testing.assert_array_equal(X, before)


def test_only_rows_can_be_scaled_lazily():
    with pytest.raises(ValueError, match="row"):
        scaling.Scaler.fit(StandardisedArray(X, np.arange(200)), np.arange(10), "value").apply(
            StandardisedArray(X, np.arange(200))
        )
