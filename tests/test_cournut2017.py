"""Cournut & Buldu: features against the lab recipe, the split, shapes, networks; a run on the demo corpus."""

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import from_names, load_run, run_script
from scipy.fft import dct
from scipy.signal import get_window, lfilter

from ser_keras.features.windows import cut
from ser_keras.models import stacked_lstm
from ser_keras.protocols import audit, examples_of
from ser_keras.training.activations import hard_sigmoid_1


@pytest.fixture(scope="module")
def run():
    return load_run("cournut2017")


def bank_edges():
    """Auditory Toolbox: 13 linear filters 66.67 Hz apart from 133.33 Hz on, then 27 spaced by 1.0711703."""
    linear = 400 / 3 + 200 / 3 * np.arange(13)
    return np.concatenate([linear, linear[-1] * 1.0711703 ** np.arange(1, 30)])


def recipe(y):
    """MSPEC as the speech course's functions compute it, step by step."""
    y = lfilter([1, -0.97], [1], y)
    starts = range(0, len(y) - 400 + 1, 160)
    frames = np.stack([y[s : s + 400] for s in starts]) * get_window("hamming", 400)
    power = np.abs(np.fft.rfft(frames, 512)) ** 2
    edges, bins = bank_edges(), np.arange(257) * 16_000 / 512
    bank = np.zeros((40, 257))
    for i, (low, centre, high) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
        bank[i] = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    return np.log(power @ bank.T)


@pytest.fixture
def waveform(speech):
    return speech[:16_000]


def test_mspec_is_the_lab_recipe(run, waveform):
    expected = recipe(waveform.astype(float))
    made = run.log_mel(waveform)
    assert made.shape == expected.shape == (98, 40)
    np.testing.assert_allclose(made, expected, atol=0.02)  # librosa's scale turns at 1,000 Hz, the lab's at 999.8


def test_mfcc_is_the_lab_recipe(run, waveform):
    lifter = 1 + 11 * np.sin(np.pi * np.arange(13) / 22)
    expected = dct(recipe(waveform.astype(float)), axis=1)[:, :13] * lifter
    np.testing.assert_allclose(run.cepstra(waveform), expected, atol=0.01 * np.abs(expected).max())


def test_second_derivative_in_both_readings(run):
    static = np.random.default_rng(0).normal(size=(9, 2))
    t = 4

    def slope(c, t, n):
        return sum(k * (c[t + k] - c[t - k]) for k in range(1, n + 1)) / (2 * sum(k * k for k in range(1, n + 1)))

    first = np.array([slope(static, i, 1) for i in range(1, 8)])
    made = run.with_deltas(static, derivatives=2)
    assert made.shape == (9, 6)
    np.testing.assert_allclose(made[t, 2:4], first[t - 1])
    np.testing.assert_allclose(made[t, 4:], slope(first, t - 1, 2))
    np.testing.assert_allclose(run.with_deltas(static, derivatives=2, of_static=True)[t, 4:], slope(static, t, 2))


def test_input_sizes_are_table_2s(run, waveform):
    for name, shape in run.SHAPES.items():
        extraction = run.VARIANTS[name].extraction
        frames = extraction.extract(waveform)
        made, counts = cut(frames, np.array([len(frames)]), run.WINDOW)
        assert made.shape[1:] == shape
        assert counts == [(98 - 25) // 3 + 1]


@pytest.fixture(scope="module")
def samples():
    """Emo-DB's utterances, from the names alone."""
    table = from_names("emodb")
    return examples_of(table, np.full(len(table), 3), ("original",))


def test_the_split_has_table_1s_sizes(run, samples):
    (split,) = run.PROTOCOLS["paper"].splits(samples, 0)
    found = audit(samples, split)
    assert [found[f"utterances/{part}"] for part in ("train", "validation", "test")] == [408, 56, 71]
    assert set(samples.speaker.iloc[split.test]) == {"16"}
    assert found["siblings"] == found["shared_speakers"] == 0


def test_another_division_of_emodb_is_refused(run, samples):
    renamed = samples.assign(speaker=samples.speaker.replace("16", "00"))
    with pytest.raises(AssertionError):
        run.PROTOCOLS["paper"].splits(renamed, 0)


def test_every_speaker_is_left_out_once(run, samples):
    splits = run.PROTOCOLS["speaker_independent"].splits(samples, 0)
    left_out = [set(samples.speaker.iloc[split.test]) for split in splits]
    assert sorted(next(iter(speakers)) for speakers in left_out) == sorted(samples.speaker.unique())
    assert all(len(speakers) == 1 for speakers in left_out)


def test_random_windows_leak_and_the_audit_says_so(run, samples):
    (split,) = run.PROTOCOLS["random_windows"].splits(samples, 0)
    found = audit(samples, split)
    assert found["siblings"] > 0.9 * found["test"]
    assert found["test"] == pytest.approx(71 / 535 * len(samples), abs=1)


def lstm_weights(inputs, units):
    return 4 * units * (inputs + units + 1)


def test_weights_by_hand():
    dense = 128 * 7 + 7
    assert stacked_lstm.build((25, 120), 7).count_params() == lstm_weights(120, 128) + lstm_weights(128, 128) + dense
    both_ways = 2 * (lstm_weights(120, 64) + lstm_weights(128, 64))
    assert stacked_lstm.build((25, 120), 7, cell="bidirectional", units=64).count_params() == both_ways + dense
    vanilla = 128 * (120 + 128 + 1) + 128 * (128 + 128 + 1)
    assert stacked_lstm.build((25, 120), 7, cell="vanilla").count_params() == vanilla + dense


def test_the_network_is_the_papers():
    model = stacked_lstm.build((25, 120), 7)
    assert [type(layer).__name__ for layer in model.layers] == ["Dropout", "LSTM", "Dropout", "LSTM", "Dense"]
    assert {layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)} == {0.2}
    assert float(model.layers[-1].kernel_regularizer.l2) == pytest.approx(1e-4)
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    with pytest.raises(ValueError, match="gru"):
        stacked_lstm.build((25, 120), 7, cell="gru")


def test_keras_1s_hard_sigmoid():
    x = np.array([-3.0, -2.5, -1.0, 0.0, 1.0, 2.5, 3.0])
    made = np.asarray(hard_sigmoid_1(keras.ops.array(x)))
    np.testing.assert_allclose(made, [0, 0, 0.3, 0.5, 0.7, 1, 1], atol=1e-6)
    assert np.abs(made - np.asarray(keras.activations.hard_sigmoid(keras.ops.array(x)))).max() > 0.03


def test_saves_and_loads_with_keras_1s_gates(tmp_path):
    model = stacked_lstm.build((25, 13), 7, recurrent_activation="hard_sigmoid_1")
    assert model.layers[1].recurrent_activation is hard_sigmoid_1
    x = np.random.default_rng(0).normal(size=(3, 25, 13)).astype(np.float32)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6)


def test_the_paper_on_the_demo_corpus(tmp_path):
    done = run_script("cournut2017", "--demo", "--epochs", 1, "--out", "o", "--cache", "c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "o" / "tables" / "protocols.csv")
    assert len(table) == 3
    results = pd.read_csv(tmp_path / "o" / "results.csv").set_index(["variant", "protocol", "split", "metric"])
    key = ("mspec_dd", "paper", "test")
    assert results.loc[(*key, "accuracy"), "n"] > results.loc[(*key, "utterance/accuracy"), "n"] == 28  # seven emotions
