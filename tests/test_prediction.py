"""A trained model as a folder, and what it says of recordings."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import PAPERS, RATE, ROOT, flat_model

import ser_keras as ser
from ser_keras.commands import paper as command
from ser_keras.features.extraction import Extraction
from ser_keras.prediction import Model, hearing, store
from ser_keras.prediction.constants import parameters
from ser_keras.runs.options import Options
from ser_keras.runs.script import load as load_script
from ser_keras.support.errors import SerError
from ser_keras.training import fit
from ser_keras.training.recipe import Recipe
from ser_keras.training.scaling import Scaler

TOML = """
[paper]
key = "tiny2026"
short = "Tiny 2026"
title = "One dense layer"
authors = ["A. Example"]
year = 2026
venue = "Nowhere"
corpora = ["ravdess"]
summary = "One dense layer on MFCCs."
finding = "None."
"""
RUN = '''
from functools import partial
from pathlib import Path
import numpy as np
from ser_keras import Experiment, Extraction, Recipe, Window, features
from ser_keras.protocols import GroupKFold, RandomSplit

SAMPLE_RATE = 16_000
N_MFCC, FRAMES = 13, 100

def extract(waveform, *, whole=False):
    """MFCCs."""
    spectrum = features.stft(waveform, sample_rate=SAMPLE_RATE, n_fft=512, hop_length=256)
    made = features.mfcc(spectrum, n_mfcc=N_MFCC, n_mels=40, fmin=0, fmax=None)
    return made if whole else features.fix_length(made, FRAMES)

def build(input_shape, n_classes):
    import keras
    model = keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(n_classes, "softmax")])
    model.compile("sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    return model

def tree(input_shape, n_classes):
    from sklearn.tree import DecisionTreeClassifier
    return DecisionTreeClassifier()

FIXED = Recipe(
    extraction=Extraction(extract=extract, sample_rate=SAMPLE_RATE, offset=0.1), build=build, epochs=1, batch_size=32,
    scaler="value",
)
WINDOWED = Recipe(
    extraction=Extraction(extract=partial(extract, whole=True), sample_rate=SAMPLE_RATE, ragged=True), build=build,
    epochs=1, batch_size=32, scaler="coefficient", window=Window(length=20, shift=10),
)
TREE = Recipe(
    extraction=Extraction(extract=extract, sample_rate=SAMPLE_RATE), build=tree, epochs=1, batch_size=32, scaler="value",
)
EXPERIMENT = Experiment(
    folder=Path(__file__).parent, corpora=("ravdess",),
    variants={"fixed": FIXED, "windowed": WINDOWED, "tree": TREE},
    protocols={"paper": RandomSplit(note="", test=0.2), "speaker_independent": GroupKFold(note="", folds=2)},
)
'''


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A paper, its runs on the synthetic corpus, and that corpus's table."""
    root = tmp_path_factory.mktemp("tiny")
    folder = root / "papers" / "tiny2026"
    folder.mkdir(parents=True)
    (folder / "run.py").write_text(RUN)
    (folder / "paper.toml").write_text(TOML)
    options = Options(out=root / "runs", demo=True, protocols=("paper",), cache=root / "cache" / "features", jobs=1)
    options = dataclasses.replace(options, variants=("fixed", "windowed", "tree"), keep_models=True)
    command.make(load_script(folder).EXPERIMENT, options)
    table = command.load_corpus("demo", None, root / "cache" / "features")
    return root / "papers", root / "runs" / "demo" / "paper", table


def run_of(made, variant):
    return made[1] / variant / "seed0" / "fold0"


@pytest.fixture(scope="module")
def exported(made, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported")
    return {v: ser.export(run_of(made, v), out / v, papers=made[0]).folder for v in ("fixed", "windowed")}


@pytest.mark.parametrize("variant", ["fixed", "windowed"])
def test_a_model_predicts_what_its_run_predicted(made, exported, variant):
    """One pipeline: the exported model gives the run's own probabilities from the files alone."""
    papers, _, table = made
    expected = pd.read_csv(run_of(made, variant) / "predictions.csv").drop_duplicates(
        ["utterance", *()] + (["window"] if variant == "windowed" else [])
    )
    columns = [name for name in expected if name.startswith("p_")]
    expected = expected.groupby("utterance")[columns].mean()
    chosen = table[table.utterance.isin(expected.index)].head(40)
    found = ser.predict(exported[variant], list(chosen.path), papers=papers, jobs=2)
    assert not found.unusable
    np.testing.assert_allclose(found.table[columns], expected.loc[chosen.utterance], atol=2e-6)
    names = found.table[columns].to_numpy().argmax(axis=1)
    assert [columns[i] for i in names] == [f"p_{name}" for name in found.table.prediction]


def test_a_run_predicts_without_an_export(made):
    papers, _, table = made
    found = ser.predict(run_of(made, "fixed"), table.path[0], papers=papers)
    assert len(found.table) == 1


def test_the_folder_holds_what_is_needed_and_no_pickle(made, exported):
    folder = exported["fixed"]
    assert {p.name for p in folder.iterdir()} == {"model.keras", "scaler.json", "model.json", "README.md", "SHA256SUMS"}
    told = json.loads((folder / "model.json").read_text())
    record = json.loads((run_of(made, "fixed") / "cell.json").read_text())
    assert told["classes"] == record["parameters"]["classes"]
    assert told["features"]["constants"] == {"FRAMES": 100, "N_MFCC": 13, "SAMPLE_RATE": 16000}
    assert told["features"]["offset"] == 0.1
    assert told["hears"] == pytest.approx(1.6, abs=0.11)
    assert json.loads((exported["windowed"] / "model.json").read_text())["window"] == {"length": 20, "shift": 10}
    scaler = Scaler.from_json(json.loads((folder / "scaler.json").read_text()))
    assert scaler.mean.shape == (1300,)


def test_the_card_says_what_a_reader_must_know(exported):
    card = (exported["fixed"] / "README.md").read_text()
    head = dict(line.split(": ", 1) for line in card.split("---\n")[1].splitlines())
    assert json.loads(head["library_name"]) == "keras"
    assert json.loads(head["datasets"]) == ["demo"]
    for words in ("new speaker", "this very network", "must not be used for", "--variant fixed", "was not measured"):
        assert words in card


@pytest.mark.parametrize("name", ["model.keras", "scaler.json", "model.json", "README.md"])
def test_a_damaged_folder_is_refused(made, exported, tmp_path, name):
    folder = shutil.copytree(exported["fixed"], tmp_path / "m")
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(SerError, match=f"{name} is not what was written"):
        ser.prediction.load(folder, papers=made[0])
    (folder / name).unlink()
    with pytest.raises(SerError, match=r"is no whole model|neither"):
        ser.prediction.load(folder, papers=made[0])


def test_features_that_are_no_longer_the_models_are_refused(made, exported, tmp_path):
    papers = shutil.copytree(made[0], tmp_path / "papers")
    script = papers / "tiny2026" / "run.py"
    script.write_text(RUN.replace("n_mels=40", "n_mels=41"))
    with pytest.raises(SerError, match="no longer those that the model was trained on"):
        ser.prediction.load(exported["fixed"], papers=papers)
    script.write_text(RUN.replace('"fixed": FIXED', '"fixd": FIXED'))
    with pytest.raises(SerError, match="did you mean 'fixd'"):
        ser.prediction.load(exported["fixed"], papers=papers)


def test_what_cannot_be_exported_is_told(made, tmp_path):
    with pytest.raises(SerError, match="scikit-learn"):
        ser.export(run_of(made, "tree"), tmp_path / "o", papers=made[0])
    folder = shutil.copytree(made[1].parents[1], tmp_path / "runs")
    with pytest.raises(SerError, match=r"2 runs below .* have kept a model; name the folder of one"):
        ser.export(folder, tmp_path / "o", papers=made[0])
    place = folder / "demo" / "paper" / "fixed" / "seed0" / "fold0"
    (place / "scaler.json").unlink()
    with pytest.raises(SerError, match="not the means"):
        ser.export(place, tmp_path / "o", papers=made[0])
    (place / "model.keras").unlink()
    with pytest.raises(SerError, match="--keep-models"):
        ser.export(place, tmp_path / "o", papers=made[0])
    with pytest.raises(SerError, match="neither a run's folder"):
        ser.export(tmp_path / "nothing", tmp_path / "o", papers=made[0])
    with pytest.raises(SerError, match="choose another"):
        ser.export(run_of(made, "fixed"), run_of(made, "windowed"), papers=made[0])


def test_compact_weights_are_near_and_small(made, tmp_path, monkeypatch):
    import keras

    inputs = keras.Input((4,))
    network = keras.Model(inputs, keras.layers.Dense(3, "softmax")(keras.layers.Dense(2000)(inputs)))
    scaler = Scaler(None, np.empty(0), np.empty(0))
    sizes = {}
    for precision in (store.FULL, store.COMPACT):
        store.write(tmp_path / precision, network=network, scaler=scaler, description={}, card="", precision=precision)
        sizes[precision] = (tmp_path / precision / "model.keras").stat().st_size
    x = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    again = store.read_network(tmp_path / store.COMPACT / "model.keras")
    assert again.dtype_policy.name == "float32"
    assert 0 < np.abs(again.predict(x, verbose=0) - network.predict(x, verbose=0)).max() < 1e-3
    assert sizes[store.COMPACT] < 0.75 * sizes[store.FULL]


STRANGE = {
    "silence": (np.zeros(RATE), RATE),
    "click": (np.eye(1, 2 * RATE, 100)[0], RATE),
    "tenth": (0.1 * np.random.default_rng(0).normal(size=RATE // 10), RATE),
    "minute": (0.1 * np.random.default_rng(1).normal(size=60 * RATE), RATE),
    "8k": (0.1 * np.random.default_rng(2).normal(size=16_000), 8000),
    "96k": (0.1 * np.random.default_rng(3).normal(size=96_000), 96_000),
    "stereo": (0.1 * np.random.default_rng(4).normal(size=(RATE, 2)), RATE),
}


def test_strange_recordings_give_a_result_or_a_sentence(made, exported, tmp_path):
    for name, (samples, rate) in STRANGE.items():
        soundfile.write(tmp_path / f"{name}.wav", samples, rate)
    soundfile.write(tmp_path / "b.mp3", 0.1 * np.random.default_rng(5).normal(size=RATE), RATE)
    (tmp_path / "text.wav").write_text("no sound")
    for variant in ("fixed", "windowed"):
        found = ser.predict(exported[variant], [tmp_path, tmp_path / "gone.wav"], papers=made[0])
        values = found.table.filter(like="p_").to_numpy()
        assert np.isfinite(values).all()
        np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-5)
        names = {re.sub(r".*/", "", path) for path in found.table.path}
        assert names >= {"minute.wav", "8k.wav", "96k.wav", "stereo.wav", "b.mp3"}
        bad = {re.sub(r".*/", "", path) for path in found.unusable}
        assert bad >= {"silence.wav", "text.wav", "gone.wav"}
        assert names | bad == {*(f"{name}.wav" for name in STRANGE), "b.mp3", "text.wav", "gone.wav"}


def test_a_long_recording_is_cut_and_a_pause_in_it_has_no_row(made, exported, tmp_path):
    sound = 0.1 * np.random.default_rng(1).normal(size=20 * RATE)
    sound[8 * RATE : 14 * RATE] = 0
    soundfile.write(tmp_path / "a.wav", sound, RATE)
    found = ser.predict(exported["fixed"], tmp_path / "a.wav", papers=made[0])
    hears = found.model.description["hears"]
    assert found.table.start.iloc[0] == 0.1
    np.testing.assert_allclose(found.table.end - found.table.start, hears, atol=1e-3)
    assert found.table.end.iloc[-1] == pytest.approx(20)
    assert len(found.silent) == 3
    assert not found.unusable
    closer = ser.predict(exported["fixed"], tmp_path / "a.wav", papers=made[0], every=0.5)
    assert len(closer.table) > 2 * len(found.table)
    with pytest.raises(SerError, match="above 0"):
        ser.predict(exported["fixed"], tmp_path / "a.wav", papers=made[0], every=0)


@pytest.mark.parametrize("how", ["row", "row_without_padding", None])
def test_features_scaled_by_row_are_scaled_as_in_training(how):
    rng = np.random.default_rng(0)
    x = rng.normal(5, 3, (30, 4, 7, 1)).astype(np.float32)
    network = flat_model((4, 7, 1), 3)
    scaler = Scaler.fit(x, np.arange(20), how)
    recipe = Recipe(
        extraction=Extraction(extract=np.abs, sample_rate=RATE), build=flat_model, epochs=1, batch_size=8, scaler=how
    )
    again = Scaler.from_json(json.loads(json.dumps(scaler.to_json())))
    model = Model({"classes": ["a", "b", "c"]}, recipe, again, network)
    np.testing.assert_array_equal(model.probabilities(list(x)), fit.predict(network, scaler.apply(x)))


def test_reach_is_measured():
    def extraction(length):
        return Extraction(extract=lambda y: np.pad(y, (0, length))[:length], sample_rate=1000)

    assert hearing.reach(extraction(2500)) == 2.5
    assert hearing.reach(Extraction(extract=lambda y: y.mean(keepdims=True), sample_rate=1000)) is None
    assert hearing.reach(Extraction(extract=lambda y: y, sample_rate=1000, duration=3.0)) == 3.0


def test_the_command_predicts_writes_and_lists_what_is_unusable(made, exported, tmp_path, capsys, monkeypatch):
    from ser_keras.commands import verbs

    monkeypatch.chdir(made[0])
    path = made[2].path[0]
    (tmp_path / "text.wav").write_text("no sound")
    arguments = ["predict", exported["fixed"], path, tmp_path / "text.wav", "--csv", tmp_path / "o.csv", "--json", "-"]
    with pytest.raises(SystemExit) as ended:
        verbs.main([str(argument) for argument in arguments])
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["predictions"][0]["path"] == path
    assert sum(told["predictions"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert "1 could not be used" in err
    assert "text.wav: cannot be read as audio" in err
    table = pd.read_csv(tmp_path / "o.csv")
    assert table.prediction[0] == told["predictions"][0]["prediction"]
    with pytest.raises(SystemExit) as ended:
        verbs.main(["predict", str(exported["fixed"]), path])
    assert ended.value.code == 0
    assert table.prediction[0] in capsys.readouterr().out


def test_a_paper_without_a_model_says_which_have_one():
    with pytest.raises(SerError, match=r"comes without a model; .*boucheta2025"):
        ser.prediction.load("tripathi2019")
    with pytest.raises(SerError, match="did you mean 'jin2022'"):
        ser.prediction.load("jin202")


COMMITTED = [paper for paper in PAPERS if (ROOT / "reproductions" / paper / "model").is_dir()]


def test_committed_models_are_small():
    sizes = [p.stat().st_size for paper in COMMITTED for p in (ROOT / "reproductions" / paper / "model").iterdir()]
    assert {"boucheta2025", "cournut2017", "jin2022"} <= set(COMMITTED)
    assert sum(sizes) < 12e6


@pytest.mark.slow
@pytest.mark.parametrize("paper", COMMITTED)
def test_a_committed_model_is_whole_and_its_accuracies_are_those_of_committed_results(paper):
    from ser_keras.prediction import card

    folder = ROOT / "reproductions" / paper
    told, _ = store.read(folder / "model")
    numbers = card.committed(folder)
    for key, protocol in (("paper", "paper"), ("new_speakers", "speaker_independent")):
        variant = told["accuracy"][key]["variant"]
        lead = "utterance/" if told["window"] else ""
        found = card._told(numbers, told["run"]["corpus"], protocol, variant, lead)
        assert found == told["accuracy"][key]
    text = (folder / "model" / "README.md").read_text()
    assert f"{100 * told['accuracy']['new_speakers']['accuracy']:.1f}" in text
    assert told["command"] in text


@pytest.mark.slow
@pytest.mark.real_audio
@pytest.mark.parametrize(
    ("paper", "corpus"), [("boucheta2025", "ravdess"), ("jin2022", "ravdess"), ("cournut2017", "emodb")]
)
def test_committed_models_are_right_on_what_they_were_trained_on(paper, corpus, real_data):
    table = ser.load(corpus, data=real_data).iloc[::20]
    found = ser.predict(paper, list(table.path))
    emotions = table.emotion.replace("calm", "neutral") if paper == "boucheta2025" else table.emotion
    assert (found.table.prediction.to_numpy() == emotions.to_numpy()).mean() > 0.7


def test_constants_are_told():
    told = parameters(
        load_script(ROOT / "reproductions" / "boucheta2025").EXPERIMENT.variants["cnn_mean"].extraction.extract
    )
    assert told["function"] == "mean"
    assert told["arguments"] == {"n_mfcc": 40}
    assert told["constants"]["WINDOW"] == 2048


def test_help_loads_no_backend():
    code = "import sys; from ser_keras.commands import verbs\ntry: verbs.main(['{0}', '--help'])\nexcept SystemExit: pass\nprint([m for m in ('tensorflow', 'keras', 'pandas', 'librosa') if m in sys.modules])"
    for verb in ("predict", "export", "audit"):
        done = subprocess.run([sys.executable, "-c", code.format(verb)], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"
