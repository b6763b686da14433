"""Boucheta & Roubache: their features, models and splits; the leak that their split makes; a run on the demo corpus."""

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, changes, from_names, load_run, run_script

from ser_keras.models import conv1d
from ser_keras.papers import read
from ser_keras.protocols import RandomSplit, audit, examples_of
from ser_keras.runs.planning import divided

SUPPORTS = {"angry": 183, "disgust": 193, "fearful": 177, "happy": 212, "neutral": 270, "sad": 226, "surprised": 179}


@pytest.fixture(scope="module")
def run():
    return load_run("boucheta2025")


@pytest.fixture(scope="module")
def samples(run):
    """RAVDESS's 7,200 samples as the paper makes them, from the names alone."""
    table = run.labels(from_names("ravdess")).reset_index(drop=True)
    return examples_of(table, np.ones(5 * len(table), int), ("original", *run.COPIES))


def test_features_have_the_shapes_of_both_readings(run):
    waveform = np.random.default_rng(0).normal(size=55_125).astype(np.float32)
    assert run.flatten(waveform).shape == (run.VALUES,) == (4536,)
    assert run.flatten(waveform[:30_000]).shape == (4536,)
    assert not run.flatten(waveform[:30_000])[-42:].any()
    assert run.mean(waveform).shape == (42,)
    np.testing.assert_allclose(run.mean(waveform), run.flatten(waveform).reshape(108, 42).mean(axis=0), rtol=1e-3)


def test_conv1d_has_table_2s_layers():
    model = conv1d.build((4536,), 7, learning_rate=1e-3)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["Reshape", "Conv1D", "MaxPooling1D", "Flatten", "Dense", "Dropout", "Dense"]
    conv, pool, dense, dropout, last = (model.layers[i] for i in (1, 2, 4, 5, 6))
    assert (conv.filters, conv.kernel_size, conv.activation.__name__) == (64, (3,), "relu")
    assert pool.pool_size == (2,)
    assert (dense.units, dense.activation.__name__, dropout.rate) == (64, "relu", 0.3)
    assert (last.units, last.activation.__name__) == (7, "softmax")
    in_dense = 2267 * 64 * 64 + 64
    assert model.count_params() == (3 * 64 + 64) + in_dense + (64 * 7 + 7) == 9_286_407
    optimizer = model.optimizer
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.9, 0.999, 1e-7)


def test_conv1d_saves_and_loads(tmp_path):
    model = conv1d.build((42,), 7, learning_rate=1e-3)
    x = np.random.default_rng(0).normal(size=(3, 42)).astype(np.float32)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6)


def test_a_random_split_can_give_the_papers_supports_and_a_stratified_one_cannot(run, samples):
    reported = np.array(list(SUPPORTS.values()))
    assert len(samples) == 7200
    assert reported.sum() == 1440

    def supports(split):
        return samples.emotion.iloc[split.test].value_counts()[list(SUPPORTS)].to_numpy()

    stratified = supports(RandomSplit(note="", test=0.2).splits(samples, 0)[0])
    assert set(stratified) == {192, 288}
    expected = np.array([288 if e == "neutral" else 192 for e in SUPPORTS])
    distances = [
        np.sum((supports(run.PROTOCOLS["paper"].splits(samples, seed)[0]) - expected) ** 2 / expected)
        for seed in range(40)
    ]
    assert min(distances) < np.sum((reported - expected) ** 2 / expected) < max(distances)


def test_the_audit_counts_siblings(run, samples):
    paper = audit(samples, run.PROTOCOLS["paper"].splits(samples, 0)[0])
    assert (paper["train"], paper["validation"], paper["test"]) == (4608, 1152, 1440)
    assert paper["siblings"] > 1400  # of 1,440: with four siblings each, hardly one has all of them elsewhere
    first = audit(samples, run.PROTOCOLS["split_first"].splits(samples, 0)[0])
    assert (first["siblings"], first["test"], first["shared_speakers"]) == (0, 288, 24)
    for split in run.PROTOCOLS["speaker_independent"].splits(samples, 0):
        found = audit(samples, split)
        assert found["siblings"] == found["shared_speakers"] == found["identical_audio"] == 0


def test_trees_and_neighbours_learn_from_all_of_the_80_per_cent(run, samples):
    knn, cnn = run.VARIANTS["knn_mean"], run.VARIANTS["cnn_mean"]
    for name, protocol in run.PROTOCOLS.items():
        examples = samples if protocol.copies else samples[samples["copy"] == "original"].reset_index(drop=True)
        for whole, own in zip(protocol.splits(examples, 1), divided(knn, protocol).splits(examples, 1), strict=True):
            np.testing.assert_array_equal(own.test, whole.test)
            assert not len(own.validation)
            assert set(own.train) > set(whole.train) | set(whole.validation) or name in ("paper", "originals_only")
            assert set(own.train) >= set(whole.train) | set(whole.validation)
    (split,) = divided(knn, run.PROTOCOLS["paper"]).splits(samples, 0)
    assert len(split.train) == 5760
    assert divided(cnn, run.PROTOCOLS["paper"]) is run.PROTOCOLS["paper"]


def test_a_part_that_is_scored_is_not_trained_on(run):
    scored = RandomSplit(note="", test=0.2, validation=0.2, scored="validation")
    assert divided(run.VARIANTS["knn_mean"], scored) is scored


def test_the_notebooks_shift_far_and_always_stretch_alike(run):
    y = np.random.default_rng(0).normal(size=55_125).astype(np.float32)
    rolled = [run.NOTEBOOK_COPIES["shift"](np.arange(55_125), np.random.default_rng(i))[0] for i in range(200)]
    by = [(55_125 - first) % 55_125 for first in rolled]
    by = np.array([samples - 55_125 if samples > 55_125 / 2 else samples for samples in by])
    assert 4500 < np.abs(by).max() <= 5000
    assert {len(run.NOTEBOOK_COPIES["stretch"](y, np.random.default_rng(i))) for i in range(3)} == {round(55_125 / 0.8)}
    assert run.NOTEBOOK_COPIES["noise"] is run.COPIES["noise"]
    assert run.NOTEBOOK_COPIES["pitch"] is run.COPIES["pitch"]


def test_the_notebooks_vector_has_its_zeros_behind_everything(run):
    y = np.random.default_rng(0).normal(size=55_125).astype(np.float32)
    made, text = run.notebook_flatten(y), run.flatten(y).reshape(108, 42)
    assert made.shape == (135 * 42,) == (5670,)
    np.testing.assert_array_equal(made[:108], text[:, 0])
    np.testing.assert_array_equal(made[108:216], text[:, 1])
    np.testing.assert_array_equal(made[216 : 108 * 42], text[:, 2:].ravel())
    assert not made[108 * 42 :].any()
    slower = run.notebook_flatten(run.NOTEBOOK_COPIES["stretch"](y, np.random.default_rng(0)), n_mfcc=20)
    assert slower.shape == (135 * 22,)
    assert slower[-1]  # the longest there is


def test_readings_of_trees_and_neighbours_cross_everything(run):
    crossed = [name for name in run.READINGS if "notebook" in name and not name.startswith("cnn")]
    assert len(crossed) == 2 * 2 * 2 * 2
    for name in crossed:
        recipe = run.READINGS[name]
        assert recipe.scaler == (None if name.endswith("_raw") else "value")
        assert not recipe.validates
        shape = recipe.extraction.extract(np.random.default_rng(0).normal(size=55_125).astype(np.float32)).shape
        coefficients = 22 if "_20" in name else 42
        assert shape == ((coefficients,) if "mean" in name else (135 * coefficients,))
    assert run.EXPERIMENT.main == tuple(run.VARIANTS)


def test_the_cnn_without_early_stopping_is_otherwise_the_same(run):
    changed, told = changes(run.VARIANTS["cnn_flatten"], run.READINGS["cnn_flatten_all_epochs"], (42,), 7)
    assert changed == {"callbacks"}
    assert told == []
    assert run.READINGS["cnn_flatten_all_epochs"].callbacks is None


def test_the_reports_averages_follow_from_its_rows():
    """Macro and weighted averages of Boucheta's classification report, as paper.toml has its rows."""
    numbers = read(ROOT / "reproductions" / "boucheta2025" / "paper.toml").reported
    rows = {n.metric: n.value for n in numbers if n.table == "Classification report" and "/" in n.metric}
    supports = np.array(list(SUPPORTS.values()))
    for kind, macro, weighted in (("precision", 75, 75), ("recall", 75, 75), ("f1", 74, 75)):
        values = np.array([rows[f"{kind}/{emotion}"] for emotion in SUPPORTS])
        assert round(values.mean()) == macro
        assert round((values * supports).sum() / supports.sum()) == weighted


@pytest.mark.slow
def test_the_whole_paper_on_the_demo_corpus(tmp_path):
    done = run_script("boucheta2025", "--demo", "--epochs", 1, "--out", "o", "--cache", "c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "o" / "tables" / "protocols.csv")
    assert len(table) == 6 * 4
    comparison = pd.read_csv(tmp_path / "o" / "tables" / "comparison.csv").set_index(["Where", "Metric"])
    trained = comparison.loc[("Table 4: Decision Tree, Train Acc.", "train/accuracy"), "Reproduced"]
    assert trained == "100.0 %"
    results = pd.read_csv(tmp_path / "o" / "results.csv")
    knn = results[(results.variant == "knn_mean") & (results.metric == "accuracy") & (results.split == "test")]
    knn = knn.set_index("protocol").value
    assert knn["paper"] > knn["split_first"]  # the leak pays, here too
