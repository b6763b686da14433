import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_keras.corpora import CORPORA, demo, ravdess, savee
from ser_keras.support.errors import MissingCorpusError, SerError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Actor_01/03-01-06-01-02-01-01.wav", ("fearful", "01", "male", "normal", "speech")),
        ("Actor_24/03-02-05-02-01-02-24.wav", ("angry", "24", "female", "strong", "song")),
    ],
)
def test_ravdess_names(name, expected):
    row = ravdess.parse(Path(name))
    assert (row["emotion"], row["speaker"], row["gender"], row["intensity"], row["channel"]) == expected


@pytest.mark.parametrize("name", ["readme.wav", "03-01-09-01-01-01-01.wav", "02-01-01-01-01-01-01.wav", "03-01-01.wav"])
def test_names_that_are_not_ravdess(name):
    assert ravdess.parse(Path(name)) is None


def test_speech_passes_over_songs():
    assert ravdess.parse_speech(Path("03-02-05-02-01-02-24.wav")) == {}
    assert ravdess.parse_song(Path("03-01-05-02-01-02-24.wav")) == {}


@pytest.mark.parametrize("path", ["AudioData/DC/sa07.wav", "DC/sa07.wav", "ALL/DC_sa07.wav", "DC_sa07.wav"])
def test_savee_layouts_give_one_utterance(path):
    row = savee.parse(Path(path))
    assert (row["utterance"], row["speaker"], row["emotion"]) == ("DC_sa07", "DC", "sad")


def test_savee_common_sentences_are_one_text():
    assert savee.parse(Path("KL/a02.wav"))["text"] == savee.parse(Path("KL/n02.wav"))["text"]
    assert savee.parse(Path("KL/a04.wav"))["text"] != savee.parse(Path("KL/n04.wav"))["text"]
    assert savee.parse(Path("XX/a02.wav")) is None


@pytest.fixture
def some_ravdess(tmp_path):
    """Four recordings under the right names, one of them twice, one stranger, and a song."""
    rng = np.random.default_rng(0)
    for name in (
        "Actor_01/03-01-01-01-01-01-01.wav",
        "Actor_01/03-01-02-01-01-01-01.wav",
        "Actor_02/03-01-03-01-01-01-02.wav",
        "again/Actor_02/03-01-03-01-01-01-02.wav",
        "Actor_02/notes.wav",
        "Actor_02/03-02-03-01-01-01-02.wav",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.normal(size=4000), 16_000)
    twin = tmp_path / "Actor_02/03-01-03-01-01-02-02.wav"
    twin.write_bytes((tmp_path / "Actor_02/03-01-03-01-01-01-02.wav").read_bytes())
    return tmp_path


def test_validation_tells_missing_extra_damaged_and_duplicates_apart(some_ravdess):
    found = CORPORA["ravdess"].validate(some_ravdess)
    assert len(found.table) == 4
    assert len(found.missing) == 1436
    assert found.extra == ["Actor_02/notes.wav"]
    assert found.second_copies == ["again/Actor_02/03-01-03-01-01-01-02.wav"]
    assert found.identical == [("03-01-03-01-01-01-02", "03-01-03-01-01-02-02")]
    assert len(found.damaged) == 4  # under the right names, but not the published bytes
    assert found.counts().loc["happy", "02"] == 2
    assert "1,436 missing" in str(found)


def test_an_incomplete_corpus_stops_the_run_with_the_remedy(some_ravdess):
    with pytest.raises(SerError, match="missing") as caught:
        CORPORA["ravdess"].load(some_ravdess)
    assert "--skip-bad" in str(caught.value)
    with pytest.raises(MissingCorpusError, match="zenodo"):
        CORPORA["ravdess"].load(some_ravdess / "nowhere")


def test_demo_is_deterministic(demo_folder, tmp_path):
    path = next(demo_folder.glob("f1_angry*"))
    again, _ = soundfile.read(path, dtype="int16")
    speaker, emotion, text, repetition = path.stem.split("_")
    computed = demo.utterance(speaker, emotion, text, int(repetition))
    assert np.abs(again / 32768 - computed).max() < 1e-4


def test_demo_loads_and_is_balanced(demo_folder):
    table = CORPORA["demo"].load(demo_folder)
    assert len(table) == 180
    assert table.sha256.is_unique
    assert set(table.groupby(["speaker", "emotion"]).size()) == {4}


def test_the_speaker_stands_in_the_name_of_an_utterance(demo_folder):
    demo = CORPORA["demo"].load(demo_folder)
    assert [CORPORA["demo"].speaker_of(u) for u in demo.utterance] == demo.speaker.tolist()
    for corpus, utterance, speaker in (
        ("ravdess", "03-01-06-01-02-01-12", "12"),
        ("ravdess_standin", "03-01-06-01-02-01-12", "12"),
        ("emodb", "03a01Fa", "03"),
        ("savee", "DC_sa05", "DC"),
        ("iemocap", "Ses01F_impro05_M019", "Ses01M"),
        ("emodb", "no-such-name", ""),
    ):
        assert CORPORA[corpus].speaker_of(utterance) == speaker


def test_demo_emotions_move_what_they_should():
    def level(emotion):
        return np.mean([np.std(demo.utterance("f1", emotion, t, r)) for t in demo.TEXTS for r in (0, 1)])

    def length(emotion):
        return np.mean([len(demo.utterance("m1", emotion, t, r)) for t in demo.TEXTS for r in (0, 1)])

    assert level("angry") > 2 * level("neutral") > 3 * level("sad")
    assert length("sad") > length("neutral") > length("fearful")


def test_a_deleted_or_damaged_demo_file_is_told(tmp_path):
    CORPORA["demo"].make(tmp_path)
    names = sorted(tmp_path.glob("*.wav"))
    names[0].unlink()
    names[1].write_bytes(b"x")
    found = CORPORA["demo"].validate(tmp_path)
    assert len(found.missing) == 1
    assert found.damaged == [names[1].stem]
    rest = CORPORA["demo"].load(tmp_path, skip_bad=True)
    assert len(rest) == 178
    assert rest.attrs["left_out"] == 2


@pytest.mark.real_audio
def test_real_ravdess_is_whole_and_its_twin_is_found(real_data):
    found = CORPORA["ravdess"].validate(real_data / "ravdess")
    assert len(found.table) == 1440
    assert not found.missing
    assert not found.damaged
    assert not found.extra
    assert found.identical == [("03-01-03-01-02-01-07", "03-01-03-01-02-02-07")]
    assert found.counts().loc["neutral", "total"] == 96
    assert (found.counts().loc["total"].drop("total") == 60).all()


@pytest.mark.parametrize("suffix", ["flac", "mp3"])
def test_other_formats_under_the_right_names_are_taken(tmp_path, suffix):
    sound = 0.1 * np.random.default_rng(0).normal(size=8000)
    soundfile.write(tmp_path / f"03-01-01-01-01-01-01.{suffix}", sound, 16_000)
    found = CORPORA["ravdess"].validate(tmp_path)
    assert found.table.utterance.tolist() == ["03-01-01-01-01-01-01"]
    assert not found.damaged  # published sums are of the WAV files


def test_the_list_of_corpora_tells_state_and_remedy(tmp_path, demo_folder):
    shutil.copytree(demo_folder, tmp_path / "savee")  # strangers only
    command = [sys.executable, "-m", "ser_keras.corpora", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for words in (
        "ravdess: MISSING",
        "--get ravdess",
        "savee: MISSING",
        "Register.html",
        "iemocap: MISSING",
        "Licence:",
    ):
        assert words in done.stdout
    assert "demo" not in done.stdout.split("ravdess: MISSING")[0]
