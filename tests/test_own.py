"""A table of one's own recordings as a corpus: what it gives, and every mistake at once."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import PAPERS, load_run

from ser_keras.corpora import find, locate, named
from ser_keras.corpora.own import from_csv
from ser_keras.support.errors import MissingCorpusError, SerError

LINES = ["a/1.wav,angry,ann", "a/2.wav,Sadness,ann", "b/1.wav,anger,bob", "b/2.wav,sad,bob"]


@pytest.fixture
def table(tmp_path):
    """Write four recordings and a table: `table(lines, header=..., ...)` returns its path."""
    rng = np.random.default_rng(0)
    for name in ("a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav"):
        (tmp_path / "sound" / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "sound" / name, 0.1 * rng.normal(size=800), 16_000)

    def write(lines=LINES, *, header="path,emotion,speaker", name="my.csv", encoding="utf-8"):
        path = tmp_path / "sound" / name
        path.write_bytes("\n".join([header, *lines, ""]).encode(encoding, "surrogateescape"))
        return path

    return write


def load(path, **options):
    corpus = find(path)
    return corpus.load(locate(corpus, path.parent / "elsewhere"), **options)


def test_a_table_is_a_corpus(table):
    path = table()
    made = load(path)
    assert made.utterance.tolist() == ["a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav"]
    assert made.emotion.tolist() == ["angry", "sad", "angry", "sad"]
    assert made.speaker.tolist() == ["ann", "ann", "bob", "bob"]
    assert made.text.isna().all()
    assert all(os.path.isabs(file) for file in made.path)
    assert made.attrs["left_out"] == 0
    corpus = named("my.csv")
    assert corpus.emotions == ("sad", "angry")
    assert (corpus.speaker_of("b/1.wav"), corpus.speaker_of("?")) == ("bob", "")
    assert not corpus.synthetic


def test_optional_columns_are_kept(table):
    lines = [f"{line},hello,{gender},{split}" for line, gender, split in zip(
        LINES, ("F", "female", "", "m"), ("train", "train", "test", ""), strict=True)]  # fmt: skip
    made = load(table(lines, header="path,emotion,speaker,text,gender,split"))
    assert made.text.tolist() == ["hello"] * 4
    assert made.gender.tolist()[:2] + made.gender.tolist()[3:] == ["female", "female", "male"]
    assert made.gender.isna().sum() == made.split.isna().sum() == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_what_spreadsheets_write_is_read(table, mark, encoding):
    lines = [line.replace(",", mark) for line in LINES] + ["", mark * 2]
    path = table(lines, header=f" Path{mark}EMOTION{mark}Speaker ", encoding=encoding)
    assert len(load(path)) == 4


def test_absolute_paths_and_other_folders_are_allowed(table, tmp_path):
    (tmp_path / "far").mkdir()
    shutil.move(tmp_path / "sound" / "a", tmp_path / "far" / "a")
    table()
    lines = [f"{tmp_path}/far/{LINES[0]}", f"../far/{LINES[1]}", *LINES[2:]]
    assert load(table(lines)).utterance.tolist() == ["far/a/1.wav", "far/a/2.wav", "sound/b/1.wav", "sound/b/2.wav"]


def test_all_mistakes_are_listed_at_once(table, tmp_path):
    shutil.copy(tmp_path / "sound/a/1.wav", tmp_path / "sound/twin.wav")
    (tmp_path / "sound/folder.wav").mkdir()
    lines = [
        *LINES,
        "a/3.wav,angry,ann,,",
        "folder.wav,angry,ann,,",
        "a/1.wav,sad,ann,,",
        "twin.wav,sad,bob,,",
        "b/1.wav,hapy,,male,",
        ",sad,bob,,",
        "a/2.wav,,bob,x,trian",
        "b/2.wav,sad",
    ]
    lines[:4] = [f"{line},," for line in LINES]
    with pytest.raises(SerError) as caught:
        from_csv(table(lines, header="path,emotion,speaker,gender,split"))
    told = str(caught.value)
    for words in (
        "my.csv cannot be used as a corpus",
        "1 files are missing: line 6: a/3.wav",
        "1 paths are no files: line 7: folder.wav (a directory)",
        "3 recordings stand there twice: line 8 as line 2, line 10 as line 4, line 12 as line 3",
        "1 recordings are identical to another: line 9: twin.wav (line 2: 1.wav)",
        """1 emotions are unknown: line 10: "hapy"; did you mean 'happy'?""",
        "1 lines have no speaker: line 10",
        "1 lines have no path: line 11",
        "1 lines have no emotion: line 12",
        '1 genders are unknown: line 12: "x"',
        """1 splits are none of train, validation, test: line 12: "trian"; did you mean 'train'?""",
        "1 lines have another number of fields than the heading: line 13: 2 fields in place of 5",
    ):
        assert words in told


@pytest.mark.parametrize(
    ("header", "lines", "words"),
    [
        ("file,emotion,speakers", LINES, r"""2 columns are missing: path, speaker; did you mean 'speakers'\?"""),
        ("path,emotion,speaker", LINES[:2], "1 speaker alone, where two are the least: ann"),
        ("path,emotion,speaker", LINES[::2], "1 emotion alone, where two are the least: angry"),
        ("path,emotion,speaker", [], "there is nothing below the heading"),
        ("path,emotion,speaker,path", [], "1 columns stand there twice: path"),
        ("path,emotion,speaker", ['"a/1.wav,sad,ann'], "line 2: no CSV"),
        ("path,emotion,speaker", ["a\0.wav,sad,ann", "c,angry,bob"], r"2 files are missing: line 2: a\?\.wav"),
        (
            "path,emotion,speaker",
            ["x" * 5000 + ",sad,ann", "c,angry,bob"],
            r"2 files are missing: line 2: x{192}\.\.\., line 3",
        ),
        ("path,emotion,speaker", ["\x1b[31m.wav,sad,ann", "b,angry,bob"], r"line 2: \?\[31m\.wav"),
    ],
)
def test_a_table_that_is_none_says_why(table, header, lines, words):
    with pytest.raises(SerError, match=words) as caught:
        from_csv(table(lines, header=header))
    assert "my.csv" in str(caught.value)


def test_a_long_list_of_mistakes_is_written_to_a_file(table, tmp_path):
    with pytest.raises(SerError, match=r"12 files are missing: .* and 7 more \(all of them: (.*)\)") as caught:
        from_csv(table([f"{i}.wav,sad,ann" for i in range(12)]), lists=tmp_path / "lists")
    (written,) = (tmp_path / "lists").glob("my-*.txt")
    assert str(written) in str(caught.value)
    assert len(written.read_text().splitlines()) == 12


def test_files_that_are_no_table_are_told(table, tmp_path):
    path = table()
    for content, words in ((b"", "is empty"), (b"path\xff", "no text in UTF-8"), (b"\x00" * 10, "columns are missing")):
        path.write_bytes(content)
        with pytest.raises(SerError, match=words):
            find(path)
    with pytest.raises(MissingCorpusError, match=r"gone\.csv is not there"):
        find(tmp_path / "gone.csv")
    os.mkfifo(tmp_path / "fifo.csv")
    with pytest.raises(SerError, match="is a FIFO, not a CSV file"):
        find(tmp_path / "fifo.csv")


def test_a_damaged_recording_is_told_when_the_corpus_is_loaded(table, tmp_path):
    path = table()
    (tmp_path / "sound/a/1.wav").write_bytes(b"no sound")
    with pytest.raises(SerError, match=r"1 damaged \(cannot be read as audio\): a/1\.wav"):
        load(path)
    assert load(path, skip_bad=True).attrs["left_out"] == 1


def test_an_unknown_corpus_is_met_with_a_suggestion():
    with pytest.raises(SerError, match=r"""no corpus "Ravdes"; did you mean 'ravdess'\? Known are demo, emodb"""):
        find("Ravdes")


@pytest.mark.parametrize("paper", PAPERS)
def test_every_paper_labels_it(table, paper):
    made = load(table([*LINES[:3], "b/2.wav,neutral,bob"]))
    chosen = load_run(paper).EXPERIMENT.labels(made)
    assert isinstance(chosen, pd.DataFrame)
    assert len(chosen) >= (1 if paper == "tripathi2019" else 4)
