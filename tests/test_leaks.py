"""The audit of anyone's split, and the fingerprint that it listens with."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import RATE

import ser_keras as ser
from ser_keras import augmentation
from ser_keras.commands import verbs
from ser_keras.leaks import alignment, likeness, listing, matching, page, worth
from ser_keras.support.errors import SerError


def spoken(seed, seconds=3.0):
    """Something like a sentence: syllables at times, of loudness and at a pitch of their own for every seed."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    made = np.zeros(len(t))
    pitch = rng.uniform(110, 230)
    for start in np.arange(0.1, seconds - 0.3, 0.22) + rng.uniform(
        -0.06, 0.06, len(np.arange(0.1, seconds - 0.3, 0.22))
    ):
        length, bend = rng.uniform(0.1, 0.2), rng.uniform(-60, 60)
        u = np.clip((t - start) / length, 0, 1)
        phase = 2 * np.pi * np.cumsum(pitch * rng.uniform(0.8, 1.25) + bend * u) / RATE
        formant = rng.uniform(400, 2500)
        tone = sum(np.sin(k * phase) / (1 + ((k * pitch - formant) / 300) ** 2) for k in range(1, 20))
        made += rng.uniform(0.3, 1) * np.sin(np.pi * u) ** 2 * tone
    return (0.3 * made / np.abs(made).max() + 1e-4 * rng.normal(size=len(t))).astype(np.float32)


CHANGES = {
    "noise": lambda y: augmentation.add_noise(y, noise=np.random.default_rng(1).normal(size=len(y)), level=0.005),
    "shift": lambda y: augmentation.shift(y, samples=80),
    "trimmed": lambda y: y[RATE // 4 : -RATE // 3],
    "louder": lambda y: 2 * y,
    "faster": lambda y: augmentation.stretch(y, rate=1.08),
    "slower": lambda y: augmentation.stretch(y, rate=0.85),
    "higher": lambda y: augmentation.pitch(y, semitones=1.5, sample_rate=RATE),
    "lower": lambda y: augmentation.pitch(y, semitones=-1.5, sample_rate=RATE),
}


@pytest.fixture
def write(tmp_path):
    def write(name, samples, rate=RATE, **how):
        path = tmp_path / name
        soundfile.write(path, samples, rate, **how)
        return str(path)

    return write


def test_copies_are_found_and_others_are_not(write):
    originals = [write(f"o{i}.wav", spoken(i)) for i in range(8)]
    copies = [write(f"{name}.wav", change(spoken(5))) for name, change in CHANGES.items()]
    copies.append(write("a.mp3", spoken(5)))
    strangers = [write(f"s{i}.wav", spoken(100 + i)) for i in range(8)]
    known = matching.know(originals, jobs=1)
    found, unusable = matching.copies(known, originals, copies + strangers, jobs=1)
    assert not unusable
    assert {(c.train, c.test) for c in found} == {(5, i) for i in range(len(copies))}
    speeds = {copies[c.test].rsplit("/", 1)[-1]: c.speed for c in found}
    assert speeds["noise.wav"] == 1
    assert speeds["faster.wav"] == pytest.approx(1.08, abs=0.05)
    assert speeds["slower.wav"] == pytest.approx(0.85, abs=0.05)


def test_the_same_sound_is_identical_under_any_name_and_format(write):
    sound = np.round(2**15 * spoken(1)).astype(np.int16)
    one = write("a.wav", sound)
    other = [write("b.wav", sound), write("c.flac", sound), write("d.wav", spoken(2))]
    found, _ = matching.copies(matching.know([one], jobs=1), [one], other, jobs=1)
    assert {(c.test, c.identical) for c in found} == {(0, True), (1, True)}


def test_a_list_beside_itself_gives_no_recording_its_own_copy(write):
    paths = [write("a.wav", spoken(1)), write("b.wav", spoken(2)), write("c.wav", spoken(1))]
    found, _ = matching.copies(matching.know(paths, jobs=1), paths, paths, jobs=1, itself=True)
    assert {(c.train, c.test) for c in found} == {(0, 2), (2, 0)}


def test_a_piece_of_a_long_recording_is_found(write):
    whole = np.concatenate([spoken(i) for i in range(10)])
    long, piece = write("long.wav", whole), write("piece.wav", whole[11 * RATE : 16 * RATE])
    known = matching.know([long], jobs=1)
    assert len(known.vectors) > 5
    found, _ = matching.copies(known, [long], [piece, write("other.wav", spoken(50))], jobs=1)
    assert {c.test for c in found} == {0}


def test_silence_and_what_is_too_short_have_no_likeness():
    assert likeness.describe(np.zeros(8000, np.float32)) is None
    assert likeness.describe(np.ones(100, np.float32)) is None
    assert alignment.align(np.zeros((10, 134), np.float32), np.zeros((300, 134), np.float32)) is None


def test_a_doubtful_pair_is_a_copy_only_if_it_fits():
    moved, still = alignment.Alignment(0.93, 1.1, 0.0), alignment.Alignment(0.93, 1.0, 0.0)
    assert matching.is_copy(0.4, moved)
    assert not matching.is_copy(0.2, moved)
    assert not matching.is_copy(0.4, still)
    assert matching.is_copy(0.2, alignment.Alignment(0.97, 1.0, 0.0))
    assert not matching.is_copy(0.4, None)


@pytest.fixture
def lists(write, tmp_path):
    """Two lists with nothing in common."""
    sides = {}
    for side, first in (("train", 0), ("test", 10)):
        rows = [(write(f"{side}{i}.wav", spoken(first + i)), f"{side}-{i}", f"text {side}") for i in range(3)]
        sides[side] = pd.DataFrame(rows, columns=["path", "speaker", "text"])
    return sides


def code(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        verbs.main(["audit", *map(str, arguments)])
    return ended.value.code, capsys.readouterr()


def test_a_clean_split_is_clean_by_csv_and_json_lines(lists, tmp_path, capsys):
    lists["train"].assign(path=[p.rsplit("/", 1)[-1] for p in lists["train"].path]).to_csv(
        tmp_path / "a.csv", index=False
    )
    lists["test"].to_json(tmp_path / "b.jsonl", orient="records", lines=True)
    ended, said = code(
        capsys, tmp_path / "a.csv", tmp_path / "b.jsonl", "--json", tmp_path / "o.json", "--html", tmp_path / "o.html"
    )
    assert ended == 0, said
    assert said.out.startswith("CLEAN")
    told = json.loads((tmp_path / "o.json").read_text())
    assert (told["verdict"], told["shared_speakers"], told["copies"]) == ("clean", [], [])
    assert "Clean" in (tmp_path / "o.html").read_text()


def test_every_kind_of_leak_is_told(lists, write, tmp_path, capsys):
    test = pd.concat(
        [
            lists["test"],
            pd.DataFrame(
                [
                    (write("copy.wav", CHANGES["higher"](spoken(1))), "train-2", "text train"),
                    (write("again.wav", spoken(0)), "new", "new"),
                ],
                columns=["path", "speaker", "text"],
            ),
        ]
    )
    found = ser.audit(lists["train"], test)
    assert found.code == 1
    assert found.speakers == ["train-2"]
    assert found.texts == ["text train"]
    assert found.copies.identical.tolist() == [True, False]
    assert found.test_copies == 2
    assert len(found.leaks) == 3
    text = "\n".join(found.lines())
    assert "copy.wav" in text
    assert "told, not counted" in text
    html = page.html(found, at=tmp_path / "o.html")
    assert 'src="copy.wav"' in html
    assert "What such a leak was worth" in html


def test_shared_sentences_count_where_that_is_asked(lists):
    test = lists["test"].assign(text="text train")
    assert ser.audit(lists["train"], test).code == 0
    assert ser.audit(lists["train"], test, texts=True).code == 1
    assert ser.audit(lists["train"], test.drop(columns="text"), texts=True).code == 2


def test_what_cannot_be_judged_is_no_clean_split(lists, tmp_path, capsys):
    assert ser.audit(lists["train"].drop(columns="speaker"), lists["test"]).code == 2
    assert ser.audit(lists["train"].drop(columns="speaker"), lists["test"], speakers=False).code == 0
    (tmp_path / "text.wav").write_text("no sound")
    bad = pd.concat([lists["test"], pd.DataFrame([{"path": str(tmp_path / "text.wav"), "speaker": "x", "text": "y"}])])
    found = ser.audit(lists["train"], bad)
    assert found.code == 2
    assert "text.wav" in "\n".join(found.lines())
    assert code(capsys, tmp_path / "gone.csv", tmp_path)[0] == 2


def test_windows_of_one_recording_are_told_with_what_they_share(lists):
    windows = lists["train"].assign(start=[0.0, 0.0, 0.0], end=[1.0, 1.0, 1.0])
    test = pd.concat(
        [lists["test"].assign(start=0.0, end=1.0), windows.iloc[:1].assign(start=0.6, end=1.6, speaker="s")]
    )
    found = ser.audit(windows, test)
    assert found.windows.overlap.tolist() == [0.4]
    assert found.copies.empty
    assert (found.code, found.test_copies) == (1, 1)


def test_folders_are_lists_too(write, tmp_path):
    for side, seed in (("one", 1), ("two", 2)):
        (tmp_path / side).mkdir()
        write(f"{side}/a.wav", spoken(seed))
    assert ser.audit(tmp_path / "one", tmp_path / "two", speakers=False).code == 0
    assert ser.audit(tmp_path / "one", tmp_path / "one", speakers=False).code == 1


def test_a_split_of_examples_is_counted_as_before():
    examples = pd.DataFrame({"utterance": ["a", "b"], "speaker": ["x", "x"], "text": ["t", "u"], "sha256": ["1", "2"]})
    split = ser.protocols.Split(np.array([0]), np.array([], int), np.array([1]))
    assert ser.audit(examples, split)["shared_speakers"] == 1


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "file,speaker\na.wav,x\n", "no column 'path'"),
        ("a.csv", "path\n", "lists no recording"),
        ("a.csv", "path,speaker\na.wav\n", "1 fields in place of 2"),
        ("a.csv", "path,start,end\na.wav,x,1\n", "no number of seconds"),
        ("a.csv", "path,start,end\na.wav,-1,1\n", "no time in a recording"),
        ("a.csv", "path,speaker\n,x\n", "row 1 has no path"),
        ("a.jsonl", '{"path": "a.wav"}\n[1]\n', "line 2: no object"),
        ("a.jsonl", "{\n", "line 1: no JSON"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(tmp_path, name, text, says):
    (tmp_path / name).write_text(text)
    with pytest.raises(SerError, match=says):
        listing.read(tmp_path / name, side="train")


def test_what_a_leak_was_worth_follows_from_committed_results():
    table = worth.worth()
    assert set(table.leak) == {"copies", "windows", "speakers"}
    assert set(table.paper) >= {"boucheta2025", "jin2022", "cournut2017"}
    row = table[(table.paper == "boucheta2025") & (table.variant == "cnn_mean") & (table.leak == "copies")].iloc[0]
    assert row.points == pytest.approx(row["with"] - row["without"], abs=0.11)
    assert row.points > 10
    assert "points of accuracy" in worth.sentence(table, "copies")
    assert worth.sentence(table, "nothing") == ""
    assert worth.worth("nowhere").empty


@pytest.mark.slow
@pytest.mark.real_audio
def test_two_takes_of_a_sentence_by_one_actor_are_no_copies(real_data):
    table = ser.load("ravdess", data=real_data)
    table = table[table.speaker.isin(sorted(table.speaker.unique())[:4])]
    paths = list(table.path)
    found, _ = matching.copies(matching.know(paths), paths, paths, itself=True)
    assert not found
