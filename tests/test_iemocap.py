"""IEMOCAP's loader on a generated tree with the real file grammar."""

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


def test_an_empty_folder_says_how_to_get_it(tmp_path):
    with pytest.raises(MissingCorpusError, match=r"sail\.usc\.edu"):
        CORPORA["iemocap"].load(tmp_path)
