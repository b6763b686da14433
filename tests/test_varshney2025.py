"""Varshney et al.: features, network, cyclic rate, masks, oversampling, splits; a run on the demo corpus."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import flat_model, from_names, load_run, run_script

from ser_keras.augmentation.batches import mask, noisy
from ser_keras.models import conv2d_residual
from ser_keras.protocols import audit, examples_of
from ser_keras.training.fit import oversampled
from ser_keras.training.schedules import CyclicRate


@pytest.fixture(scope="module")
def run():
    return load_run("varshney2025")


@pytest.fixture(scope="module")
def model(run):
    return run.build((83, 64, 1), 8)


def test_features_have_83_rows_or_82(run, speech):
    from ser_keras.features.audio import resample

    waveform = resample(speech, 16_000, run.SAMPLE_RATE)
    made = run.extract(waveform)
    assert made.shape == (run.ROWS, 64, 1) == (83, 64, 1)
    fewer = run.VARIANTS["rows82"].extraction.extract(waveform)
    assert fewer.shape == (82, 64, 1)
    np.testing.assert_array_equal(made[:60], fewer[:60])  # MFCCs and their derivatives
    np.testing.assert_array_equal(made[67:], fewer[66:])  # all behind the contrast
    short = run.extract(waveform[: run.SAMPLE_RATE // 2])
    assert not short[:, -10:].any()


def test_layers_in_order(model):
    kinds = [type(layer).__name__ for layer in model.layers]
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert sorted(c.filters for c in convolutions) == [32, 32, 64, 64, 64, 128, 128]
    assert [c.kernel_size for c in convolutions].count((1, 1)) == 1
    assert kinds.count("BatchNormalization") == 7 + 2
    assert kinds.count("GlobalAveragePooling2D") == kinds.count("Add") == 1
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.2, 0.3, 0.4, 0.4]
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [d.units for d in dense] == [256, 128, 8]
    assert [float(d.kernel_regularizer.l2) for d in dense[:2]] == pytest.approx([1e-3, 1e-3])
    assert type(dense[2].kernel_initializer).__name__ == "HeNormal"


def test_weights_by_hand(model):
    def conv(size, source, target):
        return size * size * source * target + target + 4 * target  # with batch normalisation

    def dense(source, target):
        return source * target + target + 4 * target

    expected = conv(3, 1, 32) + conv(3, 32, 32) + conv(3, 32, 64) + conv(1, 64, 64) + conv(3, 64, 64)
    expected += conv(3, 64, 128) + conv(3, 128, 128) + dense(128, 256) + dense(256, 128) + 128 * 8 + 8
    assert model.count_params() == expected == 361_128


def test_the_optimizer_is_the_papers(model):
    adam = model.optimizer
    assert isinstance(adam, keras.optimizers.Adam)
    assert (adam.clipnorm, adam.epsilon, adam.beta_1, adam.beta_2) == (1.0, 1e-8, 0.9, 0.999)
    assert float(adam.learning_rate) == pytest.approx(1e-3)


def test_a_gradient_over_norm_1_is_clipped():
    build = {"learning_rate": 1.0, "label_smoothing": 0.1}
    model = conv2d_residual.build((16, 16, 1), 3, clipnorm=1.0, **build)
    long = keras.ops.array([3.0, 4.0])
    (clipped,) = model.optimizer._clip_gradients([long])
    np.testing.assert_allclose(np.asarray(clipped), [0.6, 0.8], rtol=1e-6)
    short = keras.ops.array([0.3, 0.4])
    np.testing.assert_allclose(np.asarray(model.optimizer._clip_gradients([short])[0]), [0.3, 0.4], rtol=1e-6)


def test_steady_averages_follow_ten_times_as_fast_and_meet_no_dropout(run):
    x = np.random.default_rng(0).normal(5, 1, (4, 16, 16, 1)).astype(np.float32)

    def averages(build):
        """Of the last batch normalisation, behind three dropouts: after one batch, and after the same once more."""
        keras.utils.set_random_seed(0)
        model = build((16, 16, 1), 3)
        *_, last = (layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
        for _ in range(2):
            model(x, training=True)
            yield keras.ops.convert_to_numpy(last.moving_mean).copy()

    once, twice = averages(run.build_with_steady_averages)
    assert np.abs(once).max() > 1e-3
    np.testing.assert_allclose(twice, 1.9 * once, atol=1e-6)  # 0.1 of the batch's mean, then 0.19
    once, twice = averages(run.build)
    assert np.abs(twice - 1.99 * once).max() > 1e-5


def test_steady_averages_keep_the_last_dropout(run):
    model = run.build_with_steady_averages((16, 16, 1), 3)
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0, 0, 0, 0.4]


def test_label_smoothing_is_in_effect(model):
    perfect = np.eye(8, dtype=np.float32)[[2]]
    loss = float(model.loss(perfect, perfect))
    assert loss > 0.5
    smoothed = 0.9 * perfect + 0.1 / 8
    expected = -(smoothed * np.log(np.clip(perfect, 1e-7, 1 - 1e-7))).sum()
    assert loss == pytest.approx(expected, rel=1e-3)


def test_cyclic_rate_at_its_corners():
    cycle = CyclicRate(1e-4, 1e-2, step=8)
    corners = {0: 1e-4, 4: 5.05e-3, 8: 1e-2, 16: 1e-4, 24: (1e-4 + 1e-2) / 2, 32: 1e-4, 40: 1e-4 + 9.9e-3 / 4}
    for epochs, rate in corners.items():
        assert cycle.rate(epochs) == pytest.approx(rate)


def test_cyclic_rate_reaches_the_optimizer_before_each_batch():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.5), loss="mse")
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(float(model.optimizer.learning_rate))
    )
    x = np.zeros((8, 2), np.float32)
    model.fit(x, x[:, :1], batch_size=2, epochs=2, verbose=0, callbacks=[CyclicRate(0.1, 0.9, step=1), watch])
    np.testing.assert_allclose(seen, [0.1, 0.3, 0.5, 0.7, 0.9, 0.7, 0.5, 0.3], rtol=1e-6)


def test_masks_stay_within_bounds():
    rng = np.random.default_rng(0)
    widths = set()
    for _ in range(200):
        hidden = (mask(np.ones((83, 64, 1)), rng, axis=1, low=2, high=7) == 0).all(axis=(0, 2))
        widths.add(int(hidden.sum()))
        assert np.ptp(np.flatnonzero(hidden)) == hidden.sum() - 1  # one stretch
    assert widths == {2, 3, 4, 5, 6, 7}
    assert not mask(np.ones((3, 4)), rng, axis=0, low=5, high=5).any()  # wider than there is


def test_noise_has_the_deviation_that_was_drawn():
    made = [noisy(np.zeros((83, 64, 1)), np.random.default_rng(i), low=0.001, high=0.02).std() for i in range(50)]
    assert 0.0009 < min(made) < 0.004
    assert 0.017 < max(made) < 0.021


def test_half_of_a_training_batch_is_changed(run):
    batch = np.random.default_rng(1).normal(size=(400, 83, 64, 1)).astype(np.float32)
    before = batch.copy()
    made = run.change(batch, np.random.default_rng(0))
    np.testing.assert_array_equal(batch, before)
    changed = (made != batch).any(axis=(1, 2, 3))
    assert 0.4 < changed.mean() < 0.6
    assert made.dtype == np.float32


def test_nothing_but_training_batches_is_changed(run):
    from ser_keras.training import fit as training

    seen = []

    def spy(batch, rng):
        seen.append(len(batch))
        return batch

    recipe = replace(run.CODE, build=flat_model, change=spy, callbacks=None, oversample=True)
    labels = np.array([0, 0, 0, 0, 1, 1, 0, 1, 0, 1])
    parts = {"train": np.arange(6), "validation": np.arange(6, 8), "test": np.arange(8, 10)}
    training.fit(recipe, np.ones((10, 2, 2), np.float32), labels, parts, n_classes=2, seed=0, epochs=2)
    assert set(seen) == {8}  # 4 + 4 after oversampling; the 2 of validation and test never
    assert len(seen) >= 2


def test_oversampled_copies_come_from_the_training_part():
    labels = np.array([0] * 6 + [1] * 2 + [1] * 4)
    train = np.arange(8)
    made = oversampled(train, labels, seed=3)
    assert set(made) <= set(train)
    assert np.bincount(labels[made]).tolist() == [6, 6]
    np.testing.assert_array_equal(made[:8], train)


@pytest.fixture(scope="module")
def samples():
    table = from_names("ravdess")
    return examples_of(table, np.ones(len(table), int), ("original",))


def test_the_split_has_the_authors_sizes(run, samples):
    for seed in range(3):
        (split,) = run.PROTOCOLS["paper"].splits(samples, seed)
        unseen = split.others["unseen"]
        assert (len(split.train), len(split.validation), len(split.test), len(unseen)) == (823, 146, 171, 300)
        assert set(samples.speaker.iloc[unseen]) == {"20", "21", "22", "23", "24"}
        assert not set(samples.speaker.iloc[unseen]) & set(samples.speaker.iloc[split.train])
        counts = samples.emotion.iloc[split.test].value_counts()
        assert counts["neutral"] in (11, 12)
        assert set(counts.drop("neutral")) <= {22, 23}


def test_unseen_folds_share_no_speaker(run, samples):
    for split in run.PROTOCOLS["speaker_independent"].splits(samples, 0):
        assert audit(samples, split)["shared_speakers"] == 0
        assert not set(samples.speaker.iloc[split.validation]) & set(samples.speaker.iloc[split.train])


def test_saves_and_loads(model, tmp_path):
    x = np.random.default_rng(0).normal(size=(2, 83, 64, 1)).astype(np.float32)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6)


def test_the_paper_on_the_demo_corpus(tmp_path):
    done = run_script("varshney2025", "--demo", "--epochs", 1, "--out", "o", "--cache", "c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "o" / "tables" / "protocols.csv")
    assert len(table) == 4
    results = pd.read_csv(tmp_path / "o" / "results.csv").set_index(["protocol", "variant", "split", "metric"])
    unseen = results.loc[("unseen_actors", "code", "unseen", "accuracy")]
    assert unseen.n == 32  # one of five voices, eight emotions
