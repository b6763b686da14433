"""Names from outside are shown without harm, lists of them in full somewhere."""

import os
import re

import pytest
from conftest import ROOT

from ser_keras.commands import verbs
from ser_keras.support.messages import did_you_mean
from ser_keras.support.names import printable, some


def test_nothing_that_moves_a_terminal_is_shown():
    name = os.fsdecode(b"a\x1b[31m\r\n\t\x9b\xff") + "\u202e\u2066\u2028\x85b é 語"
    shown = printable(name)
    shown.encode("utf-8")
    assert shown == "a?[31m?????????b é 語"


def test_of_many_names_five_are_shown_and_all_are_written(tmp_path):
    file = tmp_path / "lists" / "missing.txt"
    assert some(list("abcde"), file) == "a, b, c, d, e"
    assert not file.exists()
    assert some([f"{i}\x1b" for i in range(1200)], file) == f"0?, 1?, 2?, 3?, 4? and 1,195 more (all of them: {file})"
    assert file.read_text().splitlines() == [f"{i}?" for i in range(1200)]
    assert some(list("abcdef")) == "a, b, c, d, e and 1 more"


def test_a_list_that_cannot_be_written_takes_nothing_from_the_message(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert some(list("abcdef"), tmp_path / "file" / "x.txt") == "a, b, c, d, e and 1 more"


def test_suggestions_are_near_or_none():
    assert did_you_mean("Ravdes", ["ravdess"]) == """; did you mean 'ravdess'?"""
    assert did_you_mean("SPEAKERS", ["speaker", "path"]) == """; did you mean 'speaker'?"""
    assert did_you_mean("zzz", ["ravdess"]) == did_you_mean("x", []) == ""


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["chek"], "check"),
        (["check", "--strct"], "--strict"),
        (["check", "reproductions/jin2023"], "reproductions/jin2022"),
    ],
)
def test_a_misspelt_verb_flag_or_folder_is_told(arguments, meant, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit):
        verbs.main(arguments)
    assert f"did you mean '{meant}'" in capsys.readouterr().err


def test_names_are_taken_apart_in_one_place_each():
    """Of variants `support/variant.py`, of metrics `support/metric.py`."""
    apart = re.compile(r"""(variant|metric|\bv|stem)\S*\.(split|partition|rpartition)\(["'][@/]|["']@was-""")
    for path in sorted((ROOT / "ser_keras").rglob("*.py")):
        assert path.parent.name == "support" or not apart.search(path.read_text(encoding="utf-8")), path
