"""Tripathi et al.: selection, features, network, folds; a run on the demo corpus."""

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import changes, from_names, load_run, run_script

from ser_keras.losses import FocalLoss
from ser_keras.models import resnet18
from ser_keras.protocols import audit, examples_of


@pytest.fixture(scope="module")
def run():
    return load_run("tripathi2019")


@pytest.fixture(scope="module")
def ravdess():
    return from_names("ravdess_standin")


def test_the_stand_in_has_the_papers_shares(run, ravdess):
    chosen = run.labels(ravdess)
    assert chosen.emotion.value_counts().to_dict() == run.STAND_IN
    shares = 100 * chosen.emotion.value_counts(normalize=True)
    for emotion, reported in {"neutral": 48.8, "happiness": 12.3, "sadness": 26.9, "anger": 12.0}.items():
        assert shares[emotion] == pytest.approx(reported, abs=0.3)
    by_actor = chosen.groupby(["emotion", "speaker"]).size().unstack()
    assert (by_actor.max(axis=1) - by_actor.min(axis=1)).max() <= 1
    assert run.labels(ravdess.sample(frac=1, random_state=1)).utterance.sort_values().tolist() == sorted(
        chosen.utterance
    )


def iemocap(run, *, neutral=1099):
    """IEMOCAP's counts, from the release's own summary; scripted and other utterances beside them."""
    counts = dict(run.IMPROVISED, neutral=neutral)
    rows = [
        {"utterance": f"Ses0{i % 5 + 1}F_impro01_{emotion[0]}{i:04d}", "emotion": emotion, "improvised": True}
        | {"session": str(i % 5 + 1), "speaker": f"Ses0{i % 5 + 1}{'FM'[i % 2]}"}
        for emotion, count in counts.items()
        for i in range(count)
    ]
    other = {"emotion": "neutral", "improvised": False, "session": "1", "speaker": "Ses01F"}
    rows += [other | {"utterance": f"Ses01F_script01_F{i:04d}"} for i in range(10_039 - len(rows))]
    return pd.DataFrame(rows)


def test_iemocaps_selection_is_asserted(run):
    chosen = run.labels(iemocap(run))
    assert len(chosen) == 2280
    assert chosen.improvised.all()
    with pytest.raises(AssertionError):
        run.labels(iemocap(run, neutral=1100))


def test_features_have_the_papers_sizes(run, speech):
    from ser_keras.features.audio import resample

    y = resample(speech, 16_000, run.SAMPLE_RATE)
    mel, cepstra = run.spectrogram(y), run.mfcc(y)
    assert mel.shape == (128, 259, 1)
    assert cepstra.shape == (40, 259, 1)
    assert (mel[:, -1] == mel.min()).all()  # as quiet as the quietest
    assert not cepstra[:, -1].any()
    long = np.tile(y, 4)[: 6 * run.SAMPLE_RATE]
    assert run.spectrogram(long).shape == (128, 259, 1)


@pytest.mark.parametrize("height", [32, 40, 128])
def test_the_network_has_18_layers_at_any_height(height):
    model = resnet18.build((height, 64, 1), 4, loss="categorical_crossentropy", learning_rate=1e-4, width=8)
    assert resnet18.layer_count(model) == 18
    assert model.output_shape == (None, 4)
    with pytest.raises(ValueError, match="too small"):
        resnet18.build((31, 64, 1), 4, loss="categorical_crossentropy", learning_rate=1e-4)


def test_weights_by_hand():
    model = resnet18.build((40, 259, 1), 4, loss="categorical_crossentropy", learning_rate=1e-4)
    weights = 7 * 7 * 64 + 4 * 64
    source = 64
    for stage, width in enumerate((64, 128, 256, 512)):
        weights += 4 * source + 9 * source * width + 4 * width + 9 * width * width
        weights += source * width if stage else 0
        weights += 2 * (4 * width + 9 * width * width)
        source = width
    assert model.count_params() == weights + 4 * 512 + 512 * 4 + 4


def test_batch_normalisation_stands_before_relu():
    model = resnet18.build((32, 32, 1), 4, loss="categorical_crossentropy", learning_rate=1e-4, width=8)
    relus = [layer for layer in model.layers if isinstance(layer, keras.layers.Activation)]
    assert len(relus) == 1 + 16 + 1
    for relu in relus:
        producer = relu.input._keras_history.operation
        assert isinstance(producer, keras.layers.BatchNormalization)


def test_behind_convolutions_it_is_the_cited_papers_network():
    """ResNet-18 of He et al., Deep residual learning, for one channel and four classes."""
    model = resnet18.build((40, 259, 1), 4, loss="categorical_crossentropy", learning_rate=1e-4, pre_activation=False)
    assert resnet18.layer_count(model) == 18
    weights, source = 7 * 7 * 64 + 4 * 64, 64
    for stage, width in enumerate((64, 128, 256, 512)):
        weights += 9 * source * width + 9 * width * width + 2 * 4 * width  # the first block
        weights += source * width + 4 * width if stage else 0  # its shortcut
        weights += 2 * (9 * width * width + 4 * width)  # the second
        source = width
    assert model.count_params() == weights + 512 * 4 + 4
    adds = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    assert len(adds) == 8
    for add in adds:
        (reader,) = add.output._keras_history.operation._outbound_nodes
        assert reader.operation.get_config()["activation"] == "relu"  # behind the addition
    relus = [layer for layer in model.layers if isinstance(layer, keras.layers.Activation)]
    before = [relu.input._keras_history.operation for relu in relus]
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in before) == 1 + 8
    assert sum(isinstance(layer, keras.layers.Add) for layer in before) == 8


def test_quiet_padding_is_silence_and_leaves_the_sound_alone(run, speech):
    from ser_keras.features.audio import resample

    y = resample(speech, 16_000, run.SAMPLE_RATE)
    zeros, quiet = run.mfcc(y)[:, :, 0], run.quiet_mfcc(y)[:, :, 0]
    sound = zeros.any(axis=0)
    np.testing.assert_allclose(quiet[:, sound], zeros[:, sound], atol=1e-2)
    floor = np.sqrt(128) * run.spectrogram(y).min()
    np.testing.assert_allclose(quiet[0, ~sound], floor, rtol=1e-5)
    assert np.abs(quiet[1:, ~sound]).max() < 1e-3
    assert quiet[0, ~sound].max() <= quiet[0, sound].min() + 1e-3  # never louder than what is heard
    assert zeros[0, ~sound].min() > zeros[0, sound].max()  # what zeros are


def test_readings_change_one_thing_of_the_pair(run):
    for loss in ("focal", "softmax"):
        main = run.VARIANTS[f"mfcc_{loss}"]
        shape = (40, 64, 1)
        assert changes(main, run.READINGS[f"mfcc_{loss}_unpadded"], shape, 4) == ({"scaler"}, [])
        settings, told = changes(main, run.READINGS[f"mfcc_{loss}_quiet"], shape, 4)
        assert (settings, told) == (set(), [])
        assert run.READINGS[f"mfcc_{loss}_quiet"].extraction.extract is run.quiet_mfcc
        settings, told = changes(main, run.READINGS[f"mfcc_{loss}_post_activation"], shape, 4)
        assert settings == set()
        assert not any("loss" in sentence or "optimiser" in sentence for sentence in told)
        assert any("network" in sentence for sentence in told)


def test_gamma_is_a_curve_of_five_points(run):
    losses = {name: recipe.build((40, 64, 1), 4).loss for name, recipe in run.READINGS.items() if "gamma" in name}
    assert {name: loss.gamma for name, loss in losses.items()} == {
        "mfcc_gamma_0": 0.0,
        "mfcc_gamma_0_5": 0.5,
        "mfcc_gamma_1": 1.0,
        "mfcc_gamma_5": 5.0,
    }
    settings, told = changes(run.VARIANTS["mfcc_focal"], run.READINGS["mfcc_gamma_5"], (40, 64, 1), 4)
    assert settings == set()
    assert told[0] == "model/loss/gamma is 2 in the record and would be 5 now"
    assert all(line.startswith("model/loss/") for line in told)  # and what the loss gives


def test_recalibrated_runs_are_views(run):
    assert run.EXPERIMENT.moments("paper") == run.EXPERIMENT.moments("speaker_independent") == ("recalibrated",)
    assert run.EXPERIMENT.run_under("mfcc_focal") == ("paper", "speaker_independent")
    assert run.EXPERIMENT.run_under("mfcc_focal_quiet") == ("paper",)


def test_the_ledgers_arithmetic():
    assert 52.0 / 25.2 > 2

    def whole(shares, number):
        """Whether shares in per cent, one decimal, are counts of a number of utterances."""
        near = [[k for k in range(number + 1) if abs(round(100 * k / number, 1) - s) < 1e-9] for s in shares]
        return all(near) and sum(options[0] for options in near) <= number

    anger = (48.7, 5.6, 2.9, 42.8)
    assert not any(whole(anger, number) for number in range(1, 306))
    assert whole(anger, 306)


def test_both_losses_are_the_papers(run):
    focal = run.EXPERIMENT.variants["mfcc_focal"].build
    assert isinstance(focal((40, 259, 1), 4).loss, FocalLoss)
    assert focal((40, 259, 1), 4).loss.gamma == 2.0
    assert run.EXPERIMENT.variants["mfcc_softmax"].build((40, 259, 1), 4).loss == "categorical_crossentropy"


def test_folds_are_stratified_and_unheard_ones_share_nobody(run, ravdess):
    chosen = run.labels(ravdess).reset_index(drop=True)
    samples = examples_of(chosen, np.ones(len(chosen), int), ("original",))
    shared = set()
    tested = []
    for split in run.PROTOCOLS["paper"].splits(samples, 0):
        counts = samples.emotion.iloc[split.test].value_counts()
        assert {e: abs(n - run.STAND_IN[e] / 5) < 1 for e, n in counts.items()} == dict.fromkeys(run.STAND_IN, True)
        shared.add(audit(samples, split)["shared_speakers"])
        tested += split.test.tolist()
    assert sorted(tested) == list(range(588))
    assert min(shared) > 20
    for split in run.PROTOCOLS["speaker_independent"].splits(samples, 0):
        assert audit(samples, split)["shared_speakers"] == 0


def test_iemocap_is_divided_by_session(run):
    samples = run.labels(iemocap(run)).reset_index(drop=True)
    samples = examples_of(samples.assign(sha256=samples.utterance, text=""), np.ones(2280, int), ("original",))
    for split in run.PROTOCOLS["speaker_independent"].splits(samples, 0):
        assert samples.session.iloc[split.test].nunique() == 1
        assert audit(samples, split)["shared_speakers"] == 0


@pytest.mark.slow
def test_the_paper_on_the_demo_corpus(tmp_path):
    done = run_script("tripathi2019", "--demo", "--out", "o", "--cache", "c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "o" / "tables" / "protocols.csv")
    assert len(table) == 2 * 4  # two protocols, each also recalibrated
