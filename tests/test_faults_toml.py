"""Mutated paper.toml: none passes in silence, falls over or hangs. The whole attack: python benchmarks/faults toml."""

import importlib.util
import sys

import pytest
from conftest import ROOT

FOLDER = ROOT / "benchmarks" / "faults"


def module(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def main():
    return module(FOLDER / "__main__.py", "faults_main")


def test_mutated_files_are_refused_or_right(main, capsys):
    toml = main.load("toml")
    found = toml.attack(7, toml.QUICK)
    assert found["tried"] == toml.QUICK == found["refused"] + found["accepted"], capsys.readouterr().err
    assert found["accepted"] > 0


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (lambda path: 5 / 0, "tracebacks"),
        (lambda path: dict.fromkeys("a", 1)["b"], "tracebacks"),
    ],
)
def test_the_attack_notices_a_reader_that_falls_over(main, monkeypatch, capsys, broken, kind):
    toml = main.load("toml")
    read, path = toml.papers.read, ROOT / "reproductions" / "jin2022" / "paper.toml"
    known = toml._names(read(path))
    monkeypatch.setattr(toml.papers, "read", broken)
    assert toml._judged(path, known, None) == kind


def test_the_attack_notices_a_reader_that_is_lenient(main, tmp_path):
    toml = main.load("toml")
    original = (ROOT / "reproductions" / "jin2022" / "paper.toml").read_text()
    path = tmp_path / "jin2022" / "paper.toml"
    path.parent.mkdir()
    path.write_text(original)
    paper = toml.papers.read(path)
    assert toml.slipped(paper, path) == []
    for old, new, word in (
        ("value = 97.30", 'value = "97.3"', "value is str"),
        ("value = 97.30", "value = 97.4", "value became 97.3"),
        ("headline = true", "headline = 1", "headline is int"),
        ("year = 2022", "year = true", "year is bool"),
        ('row = "', 'row = "\\u001b', "row has control characters"),
        ('row = "', 'rows = "', "row is missing"),
        ("[[silence]]", "[[silences]]", "section silences"),
    ):
        assert old in original
        path.write_text(original.replace(old, new, 1))
        assert word in "; ".join(toml.slipped(paper, path))


def test_the_attack_ends_what_hangs(main, monkeypatch):
    toml = main.load("toml")
    path = ROOT / "reproductions" / "jin2022" / "paper.toml"
    monkeypatch.setattr(toml, "LIMIT", 0.1)

    def hang(path):
        while True:
            pass

    monkeypatch.setattr(toml.papers, "read", hang)
    assert toml._judged(path, {}, None) == "hangs"


@pytest.mark.parametrize(
    ("counts", "code"), [("tried=5, refused=5", 0), ("tried=5, silent=1", 1), ("tried=5, hangs=1", 1), ("tried=0", 1)]
)
def test_the_table_and_the_exit_code(main, monkeypatch, capsys, tmp_path, counts, code):
    text = f"from collections import Counter\nTITLE, FULL, QUICK = 'an attack', 9, 5\ndef attack(seed, count):\n    assert (seed, count) == (3, 5)\n    return Counter({counts})\n"
    (tmp_path / "example.py").write_text(text)
    monkeypatch.setattr(main, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["faults", "--quick", "--seed", "3"])
    assert main.main() == code
    out = capsys.readouterr().out
    assert "seed 3" in out
    assert "| an attack |" in out
