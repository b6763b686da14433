"""Boucheta & Roubache: their features, models and splits; the leak that their split makes; a run on the demo corpus."""

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import from_names, load_run, run_script

from ser_keras.models import conv1d
from ser_keras.protocols import RandomSplit, audit, examples_of

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
