"""IEMOCAP's loader on a generated tree with the real file grammar."""

import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from ser_keras.corpora import CORPORA, iemocap
from ser_keras.support.errors import MissingCorpusError, SerError

HEAD = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
RATERS = (
    "C-E2:\tNeutral;\t()\nC-E3:\tSadness; Anger;\t(mixed)\nC-F1:\tNeutral;\t()\nA-E3:\tval 3; act 2; dom  2;\t()\n\n"
)


def summary(start, end, utterance, code, vad="2.5000, 2.5000, 2.5000"):
    return f"[{start:.4f} - {end:.4f}]\t{utterance}\t{code}\t[{vad}]\n{RATERS}"


DIALOGS = {
    "Ses01F_impro01": [
        (6.29, 8.24, "Ses01F_impro01_F000", "neu"),
        (10.0, 11.4, "Ses01F_impro01_M000", "xxx"),
        (12.0, 13.4, "Ses01F_impro01_M001", "ang"),
    ],
    "Ses01M_script01_1b": [(1.0, 2.0, "Ses01M_script01_1b_F003", "exc")],
    "Ses05M_impro03": [(1.0, 2.0, "Ses05M_impro03_M012", "hap"), (2.5, 3.0, "Ses05M_impro03_F001", "sad")],
}
WITHOUT_WAV = "Ses05M_impro03_F001"


@pytest.fixture(params=["", "IEMOCAP_full_release"])
def tree(tmp_path, request):
    root = tmp_path / request.param if request.param else tmp_path
    rng = np.random.default_rng(0)
    for dialog, turns in DIALOGS.items():
        session = root / f"Session{dialog[4]}"
        evaluation = session / "dialog" / "EmoEvaluation"
        for folder in ("Attribute", "Categorical", "Self-evaluation"):
            (evaluation / folder).mkdir(parents=True, exist_ok=True)
            (evaluation / folder / f"{dialog}_e1.txt").write_text(f"{turns[0][2]} :val 3; act 2; ()\n")
        text = HEAD + "".join(summary(*turn) for turn in turns)
        (evaluation / f"{dialog}.txt").write_bytes(text.replace("\n", "\r\n" if "script" in dialog else "\n").encode())
        (evaluation / f"._{dialog}.txt").write_bytes(b"\x00\x05\x16\x07")
        for _, _, utterance, _ in turns:
            if utterance != WITHOUT_WAV:
                wav = session / "sentences" / "wav" / dialog / f"{utterance}.wav"
                wav.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(wav, 0.1 * rng.normal(size=1600), 16_000)
    return tmp_path


def test_summary_lines_become_rows(tree):
    found = CORPORA["iemocap"].validate(tree)
    rows = found.table.set_index("utterance")
    assert len(rows) == 5
    assert rows.emotion["Ses01F_impro01_M000"] == "no agreement"
    assert rows.speaker["Ses01F_impro01_M001"] == "Ses01M"
    assert rows.gender["Ses01M_script01_1b_F003"] == "female"
    assert rows.session["Ses05M_impro03_M012"] == "5"
    assert rows.improvised.to_dict()["Ses01M_script01_1b_F003"] is False
    assert rows.improvised.sum() == 4
    assert rows.text["Ses01M_script01_1b_F003"] == "script01_1b"
    assert (rows.valence == 2.5).all()
    assert rows.start["Ses01F_impro01_F000"] == 6.29


def test_a_missing_wav_is_missing_and_named(tree):
    found = CORPORA["iemocap"].validate(tree)
    assert WITHOUT_WAV in found.missing
    assert len(found.missing) == 10_039 - 5
    assert WITHOUT_WAV in str(found)
    rest = CORPORA["iemocap"].load(tree, skip_bad=True)
    assert len(rest) == 5


@pytest.mark.parametrize(
    "line",
    [
        "[6.2901 - 8.2357]\tU_F000\tneu\t[2.5000, 2.5000, 2.5000]",
        "[6.29 - 8.2357]  U_F000  neu  [2.5,2.5,2.5]",
        "[ 6 - 8 ]\tU_F000\tneu\t[ 2, 3, 4 ]",
    ],
)
def test_the_summary_grammar(line):
    assert iemocap.SUMMARY.fullmatch(line)[3] == "U_F000"


@pytest.mark.parametrize("line", ["", "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", *RATERS.splitlines()])
def test_other_lines_are_passed_over(line):
    assert iemocap.SUMMARY.fullmatch(line.strip()) is None


def test_an_unknown_label_names_file_and_line(tree):
    file = next(tree.rglob("Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"))
    file.write_text(file.read_text() + summary(1, 2, "Ses01F_impro01_F009", "joy"))
    with pytest.raises(SerError, match=r"Ses01F_impro01\.txt, line \d+: 'joy'"):
        CORPORA["iemocap"].validate(tree)


def spoilt(tree, line):
    file = next(tree.rglob("Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"))
    file.write_text(file.read_text() + line)
    return CORPORA["iemocap"].validate(tree)


@pytest.mark.parametrize("name", ["F009", "Ses01F-impro01-F009", "../../../Ses01F_impro01_F009", "Ses02F_impro01_F009"])
def test_a_name_that_is_no_turn_is_refused_with_file_and_line(tree, name):
    with pytest.raises(SerError, match=rf"Ses01F_impro01\.txt, line \d+: \"{name}\" is no turn of session 1"):
        spoilt(tree, summary(1, 2, name, "neu"))


@pytest.mark.parametrize("long", ["x" * 2000, "[6.29 - 8.23]\tSes01F_impro01_F" + "0" * 5000 + "\tneu\t[2, 2, 2]"])
def test_an_overlong_line_is_told(tree, long):
    with pytest.raises(SerError, match="characters are no line of IEMOCAP"):
        spoilt(tree, long + "\n")


def test_a_control_character_in_a_name_is_not_printed(tree):
    with pytest.raises(SerError, match=r'"U\?\[31m" is no turn'):
        spoilt(tree, summary(1, 2, "U\x1b[31m", "neu"))


def test_a_turn_named_twice_counts_once_and_is_told(tree):
    found = spoilt(tree, summary(6.29, 8.24, "Ses01F_impro01_F000", "ang"))
    assert found.table.utterance.is_unique
    assert found.table.set_index("utterance").emotion["Ses01F_impro01_F000"] == "neutral"
    assert len(found.missing) == 10_039 - 5
    assert [name.split()[0] for name in found.repeated] == ["Ses01F_impro01_F000"]
    assert "named twice" in str(found)


def test_what_is_no_file_is_told_and_nothing_hangs(tree):
    evaluation = next(tree.rglob("Session1/dialog/EmoEvaluation"))
    (evaluation / "Ses01F_impro77.txt").mkdir()
    os.mkfifo(evaluation / "Ses01F_impro78.txt")
    wav = next(tree.rglob("Ses01F_impro01_M001.wav"))
    wav.unlink()
    wav.mkdir()
    found = CORPORA["iemocap"].validate(tree)
    assert [name.split(" ", 1)[1] for name in found.odd] == ["(a directory)", "(a directory)", "(a FIFO)"]
    assert len(found.table) == 4
    assert found.missing.count("Ses01F_impro01_M001") == 1


def test_sessions_are_held_against_their_published_counts(tree):
    found = CORPORA["iemocap"].validate(tree)
    assert found.miscounted[:2] == [
        "session 1 has 4, published are 1,819",
        "session 2 has 0, published are 1,811",
    ]
    assert found.unusable
    assert sum(iemocap.TURNS.values()) == CORPORA["iemocap"].expected == 10_039


def test_a_whole_count_is_no_finding_and_one_turn_too_many_is(tree):
    wav = next(tree.rglob("Ses05M_impro03_M012.wav"))
    (wav.parent / f"{WITHOUT_WAV}.wav").write_bytes(wav.read_bytes()[:-2] + b"xx")
    counts = {"session": {"1": 4, "5": 2}}
    whole = replace(CORPORA["iemocap"], counts=counts, expected=6)
    assert not whole.validate(tree).unusable
    fewer = replace(whole, counts={"session": {"1": 3, "5": 2}}, expected=5)
    found = fewer.validate(tree)
    assert found.miscounted == ["session 1 has 4, published are 3"]
    with pytest.raises(SerError, match="session 1 has 4, published are 3"):
        fewer.load(tree)


def test_an_empty_folder_says_how_to_get_it(tmp_path):
    with pytest.raises(MissingCorpusError, match=r"sail\.usc\.edu"):
        CORPORA["iemocap"].load(tmp_path)
