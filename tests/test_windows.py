"""Windows: every one that fits, none across two recordings, frames held once."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import flat_model
from hypothesis import given
from hypothesis import strategies as st

from ser_keras.features.windows import Window, Windows, cut
from ser_keras.runs.rows import whole_utterances
from ser_keras.training import fit as training
from ser_keras.training import scaling
from ser_keras.training.batches import Batches
from ser_keras.training.recipe import Recipe


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.integers(1, 30), st.integers(1, 10))
def test_windows_against_their_definition(lengths, length, shift):
    frames = np.arange(sum(lengths), dtype=np.float32)[:, None]
    windows, counts = cut(frames, np.array(lengths), Window(length, shift))
    expected = []
    for n, end in zip(lengths, np.cumsum(lengths), strict=True):
        own = frames[end - n : end, 0]
        starts = range(0, n - length + 1, shift)
        made = [own[s : s + length] for s in starts]
        if n and not made:  # shorter than a window: its last frame is repeated
            made = [np.pad(own, (0, length - n), mode="edge")]
        expected.append(made)
    assert counts.tolist() == [len(made) for made in expected]
    assert windows.shape == (sum(counts), length, 1)
    flat = [window for made in expected for window in made]
    if flat:
        np.testing.assert_array_equal(windows.gather(np.arange(len(windows)))[:, :, 0], flat)


def test_a_choice_of_windows_uses_its_frames_alone():
    windows, _ = cut(np.arange(10, dtype=np.float32)[:, None], np.array([6, 4]), Window(3, 3))
    assert windows[np.array([0, 2])].used().tolist() == [0, 1, 2, 6, 7, 8]


def test_frames_of_a_corpus_are_held_once():
    """Emo-DB at a shift of 3 with 120 coefficients: 540 MB if windows were copied, and once more to scale them."""
    frames = np.zeros((140_000, 120), np.float32)
    tracemalloc.start()
    windows, counts = cut(frames, np.full(535, 260), Window(25, 3))
    scaled = scaling.Scaler.fit(windows, np.arange(len(windows)), "coefficient").apply(windows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(scaled) == counts.sum() == 535 * 79
    assert peak < 8 * frames.nbytes < 1024**3


def test_scaling_counts_each_training_frame_once():
    rng = np.random.default_rng(0)
    windows, _ = cut(rng.normal(3, 2, (50, 2)).astype(np.float32), np.array([30, 20]), Window(5, 1))
    train = np.flatnonzero(windows.last < 30)
    made = scaling.Scaler.fit(windows, train, "coefficient").apply(windows)
    np.testing.assert_allclose(made.frames[:30].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(made.frames[:30].std(axis=0), 1, atol=1e-6)
    assert abs(made.frames[30:].mean()) > 1e-3
    with pytest.raises(ValueError, match="overlap"):
        scaling.Scaler.fit(windows, train, "value").apply(windows)


@pytest.fixture
def windows():
    frames = np.arange(20, dtype=np.float32)[:, None]
    return Windows(frames, np.arange(18), np.full(18, 19), 3)


def test_batches_hold_every_sample_once_an_epoch_in_a_new_order(windows):
    targets = np.eye(18)
    batches = Batches(windows, targets, 4, seed=1)

    def epoch():
        made = [batches[i] for i in range(len(batches))]
        x, y = (np.concatenate(parts) for parts in zip(*made, strict=True))
        np.testing.assert_array_equal(x[:, 0, 0], y.argmax(axis=1))
        batches.on_epoch_end()
        return x[:, 0, 0].tolist()

    first, second = epoch(), epoch()
    assert sorted(first) == sorted(second) == list(range(18))
    assert first != second
    again = Batches(windows, targets, 4, seed=1)
    assert np.concatenate([again[i][0] for i in range(5)])[:, 0, 0].tolist() == first


def test_batches_without_a_seed_keep_the_order(windows):
    batches = Batches(windows, None, 5)
    made = np.concatenate([batches[i][0] for i in range(len(batches))])
    assert made[:, 0, 0].tolist() == list(range(18))


def test_fitting_on_windows_is_fitting_on_the_gathered_array():
    from ser_keras.features.extraction import Extraction

    rng = np.random.default_rng(0)
    windows, _ = cut(rng.normal(size=(80, 2)).astype(np.float32), np.array([50, 30]), Window(6, 2))
    labels = rng.integers(0, 2, len(windows))
    parts = {"train": np.arange(20), "validation": np.arange(20, 24), "test": np.arange(24, len(windows))}

    recipe = Recipe(
        extraction=Extraction(extract=np.abs, sample_rate=1),
        build=flat_model,
        epochs=3,
        batch_size=20,
        scaler="coefficient",
    )
    # The whole training part is one batch, so that the order within it changes nothing.
    lazily = training.fit(recipe, windows, labels, parts, n_classes=2, seed=0, epochs=3)
    scaled = scaling.Scaler.fit(windows, parts["train"], "coefficient").apply(windows).gather(np.arange(len(windows)))
    recipe = replace(recipe, scaler=None)
    plainly = training.fit(recipe, scaled, labels, parts, n_classes=2, seed=0, epochs=3)
    np.testing.assert_allclose(lazily.probabilities, plainly.probabilities, rtol=1e-4)
    pd.testing.assert_frame_equal(lazily.history, plainly.history, rtol=1e-4)


def test_whole_utterances_are_judged_by_mean_probability():
    table = pd.DataFrame(
        {
            "utterance": ["u", "u", "u", "v"],
            "window": [0, 1, 2, 0],
            "split": ["test", "test", "train", "test"],
            "label": "sad",
            "prediction": ["sad", "happy", "sad", "happy"],
            "p_happy": [0.4, 0.9, 0.1, 0.7],
            "p_sad": [0.6, 0.1, 0.9, 0.3],
        }
    )
    made = whole_utterances(table, ["happy", "sad"])
    assert made.set_index(["utterance", "split"]).prediction.to_dict() == {
        ("u", "test"): "happy",  # 0.65 on average
        ("u", "train"): "sad",
        ("v", "test"): "happy",
    }
    assert set(made.window) == {-1}
