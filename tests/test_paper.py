"""A paper.toml that makes no sense is refused, with the entry that makes none."""

import pytest

from ser_keras.papers import paper
from ser_keras.support.errors import SerError

PAPER = """
[paper]
key = "example2026"
short = "Example 2026"
title = "An example"
authors = ["A. Author"]
year = 2026
venue = "Nowhere"
corpora = ["ravdess"]
summary = "A network."
finding = "It does what it says."
"""
REPORTED = """
[[reported]]
table = "Table 1"
row = "RAVDESS"
column = "accuracy"
corpus = "ravdess"
variant = "v"
"""
CLAIM = """
[[claim]]
section = "4"
text = "Sad is hard"
corpus = "ravdess"
variant = "v"
"""
SILENCE = """
[[silence]]
id = "S2"
section = "3"
question = "Which batch size?"
choice = "32"
because = "It is common."
alternatives = ""
"""


def read(tmp_path, text):
    path = tmp_path / "paper.toml"
    path.write_text(PAPER + text, encoding="utf-8")
    return paper.read(path)


@pytest.mark.parametrize("bounds", ["above = 1", "below = 5", "above = 1\nbelow = 5", "rank = 1"])
def test_claims_have_bounds_or_a_rank(tmp_path, bounds):
    assert len(read(tmp_path, f'{CLAIM}metric = "recall/sad"\n{bounds}').claims) == 1


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (f'{CLAIM}metric = "recall/sad"', "Sad is hard.*give above, below or both, or else rank"),
        (f'{CLAIM}metric = "recall/sad"\nbelow = 5\nrank = 1', "Sad is hard.*or else rank"),
        (f'{CLAIM}metric = "recal/sad"\nbelow = 5', "Sad is hard.*'recal/sad' is no metric"),
        (f'{REPORTED}metric = "acuracy"\nvalue = 71.0', "Table 1, RAVDESS.*'acuracy' is no metric"),
        (f'{REPORTED}metric = "accuracy"\nvalue = 710.0', "710.0 % is not a number of per cent"),
        (f'{REPORTED}metric = "accuracy"', r"reported 1\] lacks \['value'\]"),
        (SILENCE, "S1, S2, ... in order, not S2"),
        ("[[report]]", r"unknown section \[report\]"),
        ("not TOML", "cannot be read"),
    ],
)
def test_mistakes_are_named(tmp_path, entry, message):
    with pytest.raises(SerError, match=message):
        read(tmp_path, entry)
