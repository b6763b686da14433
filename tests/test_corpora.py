import errno
import os
import re
import shutil
import socket
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from ser_keras import corpora
from ser_keras.corpora import CORPORA, Corpus, columns, demo, find, locate, named, ravdess, savee
from ser_keras.corpora.index import make_index
from ser_keras.corpora.speakers import SpeakersTable
from ser_keras.support.errors import MissingCorpusError, SerError
from ser_keras.support.files import sha256


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
    first, again = (some_ravdess / place / "Actor_02/03-01-03-01-01-01-02.wav" for place in (".", "again"))
    (some_ravdess / "third").mkdir()
    shutil.copy(first, some_ravdess / "third" / first.name)
    found = CORPORA["ravdess"].validate(some_ravdess)
    assert len(found.table) == 4
    assert len(found.missing) == 1436
    assert found.extra == ["Actor_02/notes.wav"]
    assert found.second_copies == ["third/03-01-03-01-01-01-02.wav"]
    assert found.others == [str(again.relative_to(some_ravdess))]
    assert found.identical == [("03-01-03-01-01-01-02", "03-01-03-01-01-02-02")]
    assert len(found.damaged) == 4  # under the right names, but not the published bytes
    assert found.counts().loc["happy", "02"] == 2
    assert "1,436 missing" in str(found)


def test_an_incomplete_corpus_stops_the_run_with_the_remedy(some_ravdess, monkeypatch, tmp_path):
    corpus, lists = CORPORA["ravdess"], tmp_path / "lists"
    with pytest.raises(SerError, match="1,436 missing") as caught:
        corpus.load(some_ravdess, skip_bad=True, lists=lists)
    assert "--skip-bad" not in str(caught.value)  # nothing would be left
    assert f"(all of them: {lists / 'ravdess-missing.txt'})" in str(caught.value)
    assert len((lists / "ravdess-missing.txt").read_text().splitlines()) == 1436
    sums = corpus.checksums()
    good = some_ravdess / "Actor_01/03-01-01-01-01-01-01.wav"
    monkeypatch.setattr(Corpus, "checksums", lambda self: sums | {good.stem: sha256(good)[:16]})
    with pytest.raises(SerError, match="--skip-bad"):
        corpus.load(some_ravdess, lists=lists)
    rest = corpus.load(some_ravdess, skip_bad=True, lists=lists)
    assert rest.utterance.tolist() == [good.stem]
    assert rest.attrs["left_out"] == 1439
    with pytest.raises(MissingCorpusError, match="zenodo"):
        corpus.load(some_ravdess / "nowhere")


def test_a_file_that_is_no_published_one_counts_as_damaged_whatever_its_ending(tmp_path):
    noise = 0.1 * np.random.default_rng(0).normal(size=8000)
    (tmp_path / "03-01-01-01-01-01-01.flac").write_bytes(b"garbage")
    soundfile.write(tmp_path / "03-01-01-01-01-01-02.mp3", noise, 16_000)
    (tmp_path / "03-01-01-01-01-01-03.OGG").write_bytes(b"")
    found = CORPORA["ravdess"].validate(tmp_path)
    assert found.damaged == [f"03-01-01-01-01-01-0{i}" for i in (1, 2, 3)]
    assert "3 damaged (not the published file)" in str(found)


@pytest.mark.real_audio
def test_a_foreign_file_beside_the_published_one_changes_nothing(real_data, tmp_path):
    name = "03-01-01-01-01-01-01.wav"
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a" / name).write_bytes(b"foreign")
    shutil.copy(real_data / "ravdess" / "Actor_01" / name, tmp_path / "b")
    found = CORPORA["ravdess"].validate(tmp_path)
    assert not found.damaged
    assert found.table.path.tolist() == [str(tmp_path / "b" / name)]
    assert found.others == [f"a/{name}"]


def test_what_is_no_file_is_not_counted_and_named_for_what_it_is(tmp_path):
    names = [f"DC_a{i:02}.wav" for i in range(1, 7)]
    (tmp_path / names[0]).mkdir()
    os.mkfifo(tmp_path / names[1])
    (tmp_path / names[2]).symlink_to("nowhere.wav")
    (tmp_path / names[3]).symlink_to("/dev/zero")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / names[4]))
    soundfile.write(tmp_path / names[5], 0.1 * np.ones(1000), 16_000)
    found = CORPORA["savee"].validate(tmp_path)
    server.close()
    assert found.table.utterance.tolist() == ["DC_a06"]
    assert found.odd == [
        f"{name} ({what})"
        for name, what in zip(names, ("a directory", "a FIFO", "a broken link", "a device", "a socket"), strict=False)
    ]
    assert len(found.missing) == 479  # once each
    assert CORPORA["savee"].load(tmp_path, skip_bad=True).attrs["left_out"] == 479


def every_savee(folder, layout):
    for name in CORPORA["savee"].names:
        speaker, stem = name.split("_")
        path = folder / layout.format(speaker=speaker, stem=stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.mark.parametrize("layout", ["{speaker}_{stem}.wav", "AudioData/{speaker}/{stem}.wav"])
def test_savee_is_held_against_its_full_list(tmp_path, layout):
    every_savee(tmp_path, layout)
    whole = CORPORA["savee"].validate(tmp_path)
    assert (len(whole.table), whole.missing, whole.extra) == (480, [], [])
    assert whole.table.emotion.value_counts().to_dict() == {"neutral": 120} | dict.fromkeys(
        ("angry", "disgust", "fearful", "happy", "sad", "surprised"), 60
    )
    one = tmp_path / layout.format(speaker="DC", stem="a05")
    one.rename(one.with_name(one.name.replace("a05", "a77")))
    found = CORPORA["savee"].validate(tmp_path)
    assert found.missing == ["DC_a05"]
    assert [Path(name).name for name in found.extra] == [one.name.replace("a05", "a77")]


def test_names_with_control_characters_are_told_without_them(tmp_path):
    for name in (b"DC_evil\x1b[31m.wav", b"DC_\xff\n.wav", "DC_\u202egpj.wav".encode()):
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(b"")
    told = str(CORPORA["savee"].validate(tmp_path))
    told.encode()
    assert "3 extra" in told
    assert not any(character in told for character in "\x1b\u202e\udcff")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("speaker", 7, '"speaker" of a is 7, not a text'),
        ("speaker", "", "\"speaker\" of a is '', not a text"),
        ("emotion", "hapy", "not an emotion of the vocabulary"),
        ("text", 3.5, '"text" of a is 3.5, not a text or None'),
        ("gender", "F", "not one of female, male, other or None"),
        ("utterance", "b", "b stands there twice"),
    ],
)
def test_a_corpus_that_parses_wrongly_is_told_by_column(column, value, words):
    good = {"speaker": "x", "emotion": "sad", "text": None, "gender": None}
    table = pd.DataFrame([{"utterance": "a"} | good, {"utterance": "b"} | good])
    columns.check(table, "mine")
    with pytest.raises(SerError, match=re.escape(words)) as caught:
        columns.check(table.astype(object).assign(**{column: [value, table[column][1]]}), "mine")
    assert str(caught.value).startswith("mine: ")
    with pytest.raises(SerError, match='no column "speaker"'):
        columns.check(table.drop(columns="speaker"), "mine")


def test_corpora_are_found_and_their_words_are_the_vocabularys():
    assert {"demo", "emodb", "iemocap", "ravdess", "ravdess_standin", "ravdess_song", "savee"} == set(CORPORA)
    assert all(name == corpus.name for name, corpus in CORPORA.items())
    with pytest.raises(SerError, match=r"'hapy' is no emotion of the vocabulary; did you mean 'happy'\?"):
        replace(CORPORA["demo"], emotions=("hapy",))
    assert find("savee") is named("savee") is CORPORA["savee"]
    assert named("gone.csv").speaker_of("x") == ""


def test_a_corpus_in_a_module_of_its_own_is_found(tmp_path, monkeypatch):
    module = tmp_path / "newcorpus.py"
    module.write_text(
        "from dataclasses import replace\nfrom ser_keras.corpora import demo\n"
        "CORPUS = replace(demo.CORPUS, name='new')\n"
    )
    monkeypatch.setattr(corpora, "__path__", [*corpora.__path__, str(tmp_path)])
    assert "new" in corpora._found()
    module.write_text("from ser_keras.corpora.demo import CORPUS\n")
    monkeypatch.delitem(sys.modules, "ser_keras.corpora.newcorpus")
    with pytest.raises(ValueError, match="two corpora are named 'demo'"):
        corpora._found()


@pytest.mark.parametrize(
    ("given", "place"),
    [("", "savee"), ("", "SAVEE"), ("savee", "savee"), ("Savee", "Savee"), ("elsewhere", "elsewhere")],
)
def test_a_corpus_is_found_in_any_case_and_in_its_own_folder(tmp_path, given, place):
    (tmp_path / place / "AudioData" / "DC").mkdir(parents=True)
    (tmp_path / place / "AudioData" / "DC" / "a01.wav").write_bytes(b"")
    (tmp_path / "emodb" / "wav").mkdir(parents=True)
    assert locate(CORPORA["savee"], tmp_path / given) == tmp_path / place
    assert locate(CORPORA["ravdess"], tmp_path / given) == tmp_path / given / "ravdess"
    assert locate(CORPORA["iemocap"], tmp_path / given) == tmp_path / given / "iemocap"


def test_iemocaps_release_is_found_by_its_sessions(tmp_path):
    file = tmp_path / "x" / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    file.parent.mkdir(parents=True)
    file.write_text("[6.29 - 8.23]\tSes01F_impro01_F000\tneu\t[2.5, 2.5, 2.5]\n")
    wav = tmp_path / "x" / "Session1" / "sentences" / "wav" / "Ses01F_impro01" / "Ses01F_impro01_F000.wav"
    wav.parent.mkdir(parents=True)
    wav.write_bytes(b"")
    assert locate(CORPORA["iemocap"], tmp_path / "x") == tmp_path / "x"


SPEAKERS = 'ActorID,Age,Sex\nDC,51,Male\nJE,21,Female\n"JK",42,\n'


def with_speakers(text, folder):
    for speaker in ("DC", "JE", "JK"):
        soundfile.write(folder / f"{speaker}_a01.wav", 0.1 * np.ones(1000), 16_000)
    (folder / "speakers.csv").write_text(text)
    told = SpeakersTable(speaker="ActorID", columns={"gender": "Sex", "age": "Age"})
    return replace(CORPORA["savee"], speakers=told, names=()).validate(folder).table.set_index("speaker")


def test_a_table_of_speakers_tells_what_names_do_not(tmp_path):
    table = with_speakers(SPEAKERS, tmp_path)
    assert table.gender.dropna().to_dict() == {"DC": "male", "JE": "female"}  # of JK it is not known
    assert table.age["JE"] == "21"
    assert with_speakers(SPEAKERS.replace(",", ";"), tmp_path).gender["JE"] == "female"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Sex", "Sexx", r"""no column "Sex"; did you mean 'sexx'\?"""),
        ("JE,", "XX,", "does not tell of JE"),
        ("Female", "?", r'line 3: "\?" is no gender'),
        ("51,", "51,,", "line 2: 4 fields in place of 3"),
    ],
)
def test_mistakes_in_a_table_of_speakers_are_told(tmp_path, old, new, words):
    with pytest.raises(SerError, match=words) as caught:
        with_speakers(SPEAKERS.replace(old, new), tmp_path)
    assert "speakers.csv" in str(caught.value)


def test_an_index_is_made_of_a_folder_or_an_archive(tmp_path):
    folder = tmp_path / "corpus"
    every_savee(folder, "AudioData/{speaker}/{stem}.wav")
    first = folder / "AudioData" / "DC" / "a01.wav"
    first.write_bytes(b"one")
    (folder / "readme.txt").write_text("no recording")
    with zipfile.ZipFile(tmp_path / "corpus.zip", "w") as opened:
        for path in sorted(folder.rglob("*.*")):
            opened.write(path, path.relative_to(folder))
    made = [
        make_index(CORPORA["savee"], source, tmp_path / f"{source.name}.csv").read_text()
        for source in (folder, tmp_path / "corpus.zip")
    ]
    assert made[0] == made[1]
    assert made[0].splitlines()[:2] == ["utterance,sha256", f"DC_a01,{sha256(first)[:16]}"]
    shutil.copytree(folder / "AudioData" / "DC", folder / "again" / "DC")
    (folder / "again" / "DC" / "a01.wav").write_bytes(b"other")
    with pytest.raises(SerError, match="two different files of DC_a01"):
        make_index(CORPORA["savee"], folder, tmp_path / "x.csv")
    shutil.rmtree(folder / "again")
    first.unlink()
    with pytest.raises(SerError, match="479 recordings of SAVEE's 480"):
        make_index(CORPORA["savee"], folder, tmp_path / "x.csv")
    with pytest.raises(SerError, match="cannot be read"):
        make_index(CORPORA["savee"], folder / "readme.txt", tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()


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


def test_a_deleted_or_damaged_demo_file_is_told(demo_folder, tmp_path):
    shutil.copytree(demo_folder, tmp_path, dirs_exist_ok=True)
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


def test_a_demo_file_that_is_not_as_made_is_made_again(demo_folder, tmp_path):
    shutil.copytree(demo_folder, tmp_path, dirs_exist_ok=True)
    names = sorted(tmp_path.glob("*.wav"))
    whole = [path.read_bytes() for path in names]
    names[0].unlink()
    names[1].write_bytes(whole[1][:-2])
    names[2].write_bytes(whole[3])
    stamp = names[4].stat().st_mtime_ns
    demo.make(tmp_path)
    assert [path.read_bytes() for path in names] == whole
    assert names[4].stat().st_mtime_ns == stamp
    (tmp_path / demo.SUMS).write_text("[")
    demo.make(tmp_path)
    assert [path.read_bytes() for path in names] == whole
    assert not CORPORA["demo"].validate(tmp_path).unusable


def test_a_full_disk_stops_the_demo_corpus_with_one_sentence(tmp_path, monkeypatch):
    def full(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SerError, match=r"f1_neutral_t1_0\.wav cannot be written: the disk is full"):
        demo.make(tmp_path)
    assert not list(tmp_path.iterdir())


def listed(*flags):
    done = subprocess.run(
        [sys.executable, "-m", "ser_keras", "corpora", *map(str, flags)], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done


def test_the_list_of_corpora_has_a_row_each_and_details_tell_the_remedy(tmp_path, demo_folder):
    shutil.copytree(demo_folder, tmp_path / "SAVEE")  # strangers only
    rows = listed("--data", tmp_path).stdout.splitlines()
    assert [row.split()[:2] for row in rows] == [
        [name, "MISSING"] for name in ("emodb", "iemocap", "ravdess", "ravdess_song", "savee")
    ]
    assert "--get ravdess" in rows[2]
    told = listed("ravdess", "savee", "--data", tmp_path).stdout
    for words in ("ravdess: MISSING", "--get ravdess", "savee: MISSING", "Register.html", "Licence:", str(tmp_path)):
        assert words in told
    wrong = listed("ravdes")
    assert (wrong.returncode, "did you mean 'ravdess'" in wrong.stderr) == (1, True)
