"""A paper.toml that is not right is refused, with a sentence for each fault; one that is right is what it says."""

import dataclasses
import os
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from ser_keras import papers
from ser_keras.papers import Claim, Reported
from ser_keras.support.errors import SerError

PAPER = """
[paper]
key = "example2026"
short = "Example 2026"
title = "An example"
authors = ["A. Author", "B. Author"]
year = 2026
venue = "Nowhere"
corpora = ["ravdess"]
summary = "A network."
finding = '''It got {{ mean("ravdess", "paper", "v@mixed") }}.'''
doi = "10.1000/x(1)"
url = "https://example.org/a?b=c#d"
"""
REPORTED = """
[[reported]]
table = "Table 1"
row = "RAVDESS"
column = "accuracy"
corpus = "ravdess"
variant = "v"
metric = "accuracy"
value = 71
"""
CLAIM = """
[[claim]]
section = "4"
text = "Sad is hard"
corpus = "ravdess"
variant = "v"
metric = "recall/sad"
rank = 1
"""
CONTRAST = """
[[contrast]]
corpus = "ravdess"
variant = "v"
against = "w"
metrics = ["accuracy", "utterance/recall/sad"]
"""
SILENCE = """
[[silence]]
id = "S1"
section = "3"
question = "Which batch size?"
choice = "32"
because = "It is common."
alternatives = ""
"""
CONTRADICTION = """
[[contradiction]]
section = "5"
claim = "71 %"
against = "72 %"
arithmetic = "72 - 71 = 1"
"""
WHOLE = PAPER + REPORTED + CLAIM + CONTRAST + SILENCE + CONTRADICTION


@pytest.fixture
def read(tmp_path):
    def from_text(text):
        path = tmp_path / "example2026" / "paper.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return papers.read(path)

    return from_text


def refused(read, text):
    """The sentences, without the file's name, which each of them begins with."""
    with pytest.raises(SerError) as caught:
        read(text)
    lines = str(caught.value).splitlines()
    assert all(re.match(r"\S*/example2026/paper\.toml(: | cannot be read: )", line) for line in lines)
    assert all(line.isprintable() for line in lines)
    return [line.partition("paper.toml")[2].removeprefix(": ").strip() for line in lines]


def test_a_whole_file_becomes_a_paper(read):
    paper = read(WHOLE)
    assert (paper.key, paper.authors, paper.corpora) == ("example2026", ("A. Author", "B. Author"), ("ravdess",))
    number = paper.reported[0]
    assert (number.where, number.value, type(number.value)) == ("Table 1: RAVDESS, accuracy", 71.0, float)
    assert (number.unit, number.note, number.headline, number.protocol, number.part) == ("%", "", False, "", "")
    assert (paper.claims[0].rank, paper.claims[0].above) == (1, None)
    assert paper.contrasts[0].metrics == ("accuracy", "utterance/recall/sad")
    assert paper.silences[0].alternatives == ""
    assert paper.contradictions[0].arithmetic == "72 - 71 = 1"
    assert hash(paper) == hash(read(WHOLE))  # frozen through and through
    with pytest.raises(dataclasses.FrozenInstanceError):
        number.value = 5.0


def test_a_number_says_which_protocol_and_part_it_belongs_to(read):
    number = read(PAPER + REPORTED + 'protocol = "speaker_independent"\npart = "validation"').reported[0]
    assert (number.protocol, number.part) == ("speaker_independent", "validation")


def test_a_mark_at_the_beginning_and_windows_line_ends_are_no_fault(read):
    assert read(b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode()) == read(WHOLE)


@pytest.mark.parametrize("bounds", ["above = 1", "below = 5.5", "above = 1\nbelow = 5", "rank = 1"])
def test_claims_have_bounds_or_a_rank(read, bounds):
    assert len(read(PAPER + CLAIM.replace("rank = 1", bounds)).claims) == 1


WRONG = [
    # types: nothing is taken for what it nearly is
    ("value = 71", 'value = "97.3"', "reported 1 (Table 1, RAVDESS): value must be a number, not '97.3'"),
    ("value = 71", "value = true", "reported 1 (Table 1, RAVDESS): value must be a number, not true"),
    ("value = 71", "value = nan", "reported 1 (Table 1, RAVDESS): value must be a finite number, not nan"),
    ("value = 71", "value = -inf", "reported 1 (Table 1, RAVDESS): value must be a finite number, not -inf"),
    ("value = 71", "value = 710.0", "reported 1 (Table 1, RAVDESS): value must be at most 100, not 710.0"),
    ("value = 71", "value = -1", "reported 1 (Table 1, RAVDESS): value must be at least 0, not -1"),
    ("value = 71", f"value = {'9' * 400}", "reported 1 (Table 1, RAVDESS): value must be a number, not a huge number"),
    ("value = 71", f"value = 0x{'f' * 5000}", "value must be a number, not a huge number"),
    ("value = 71", f"value = {'9' * 5000}", "cannot be read: Exceeds the limit (4300 digits)"),
    ("value = 71", "value = 2022-01-01", "value must be a number, not 2022-01-01"),
    ("value = 71", "value = 07:32:00", "value must be a number, not 07:32:00"),
    ("value = 71", "value = [71]", "value must be a number, not a list"),
    ("value = 71", "value = {a = 71}", "value must be a number, not a table"),
    ("value = 71", "", "reported 1 (Table 1, RAVDESS): value is missing"),
    ("value = 71", "value = 71\nheadline = 1", "headline must be true or false, not 1"),
    ("value = 71", 'value = 71\nunit = "points"', "unit must be '%', not 'points'"),
    ("value = 71", 'value = 71\nprotocol = "a b"', "protocol must be a plain name (a-z, 0-9, _), not 'a b'"),
    ("value = 71", 'value = 71\npart = "../test"', "part must be a plain name (a-z, 0-9, _), not '../test'"),
    ('row = "RAVDESS"', "row = 5", "reported 1 (Table 1): row must be text, not 5"),
    ('row = "RAVDESS"', "row = ['a']", "reported 1 (Table 1): row must be text, not a list"),
    ("year = 2026", 'year = "2026"', "year must be a whole number, not '2026'"),
    ("year = 2026", "year = 2026.0", "year must be a whole number, not 2026.0"),
    ("year = 2026", "year = true", "year must be a whole number, not true"),
    ("year = 2026", "year = -5", "year must be at least 1900, not -5"),
    ("year = 2026", f"year = {'9' * 400}", "year must be at most 2100, not a huge number"),
    ('authors = ["A. Author", "B. Author"]', 'authors = "C. Jin"', "authors must be a list, not 'C. Jin'"),
    ('authors = ["A. Author", "B. Author"]', "authors = []", "authors must not be empty"),
    ('authors = ["A. Author", "B. Author"]', 'authors = ["A", 5]', "authors 2 must be text, not 5"),
    ('authors = ["A. Author", "B. Author"]', 'authors = [["A"]]', "authors 1 must be text, not a list"),
    ("rank = 1", "rank = 1.5", "rank must be a whole number, not 1.5"),
    ("rank = 1", "rank = 0", "rank must be at least 1, not 0"),
    # texts: something in them, and nothing that acts on a screen or a page
    ('title = "An example"', 'title = ""', "title must not be empty"),
    ('title = "An example"', 'title = " \\t"', "title must not hold '\\t'"),
    ('title = "An example"', 'title = "  "', "title must not be empty"),
    ('title = "An example"', 'title = "a\\u0000b"', "title must not hold '\\x00'"),
    ('title = "An example"', 'title = "a\\u001b[2Jb"', "title must not hold '\\x1b'"),
    ('title = "An example"', 'title = "a\\u202Eb"', "title must not hold '\\u202e'"),
    ('title = "An example"', 'title = "a\\nb"', "title must stand on one line"),
    ('title = "An example"', f'title = "{"a" * 6000}"', "title must have no more than 5,000 characters"),
    ('summary = "A network."', 'summary = "\\u0007"', "summary must not hold '\\x07'"),
    ('column = "accuracy"', 'column = "\\u007f"', "column must not hold '\\x7f'"),
    (
        'title = "An example"',
        'title = "[a](javascript:x)"',
        "title must link to http or https alone, not '](javascript:x'",
    ),
    ('title = "An example"', 'title = "<JavaScript:x>"', "title must link to http or https alone, not '<JavaScript:x'"),
    ('summary = "A network."', 'summary = "a\\n[b]: data:x"', "summary must link to http or https alone"),
    # links and names: nothing that leads elsewhere
    (
        "https://example.org/a?b=c#d",
        "javascript:alert(1)",
        "url must be a link to http or https, not 'javascript:alert(1)'",
    ),
    (
        "https://example.org/a?b=c#d",
        "ftp://example.org",
        "url must be a link to http or https, not 'ftp://example.org'",
    ),
    ("https://example.org/a?b=c#d", "https://", "url must be a link to http or https, not 'https://'"),
    ("https://example.org/a?b=c#d", "https://[::1", "url must be a link to http or https, not 'https://[::1'"),
    ("https://example.org/a?b=c#d", "https://a.b/<c>", "url must be a link to http or https, not 'https://a.b/<c>'"),
    ("10.1000/x(1)", "10.10/x", "doi must be a DOI (10.NNNN/...), not '10.10/x'"),
    ("10.1000/x(1)", "10.1000/x y", "doi must be a DOI (10.NNNN/...), not '10.1000/x y'"),
    ('key = "example2026"', 'key = "../../x"', "key must be a plain name (a-z, 0-9, _), not '../../x'"),
    ('key = "example2026"', 'key = "Example2026"', "key must be a plain name (a-z, 0-9, _), not 'Example2026'"),
    ('key = "example2026"', 'key = "other"', "key must be the name of the folder, 'example2026', not 'other'"),
    ('corpora = ["ravdess"]', 'corpora = ["../x"]', "corpora 1 must be a plain name (a-z, 0-9, _), not '../x'"),
    ('corpora = ["ravdess"]', "corpora = []", "corpora must not be empty"),
    ('variant = "v"', 'variant = "../v"', "variant must be the name of a variant, without marks, not '../v'"),
    ('variant = "v"', 'variant = "v@mixed"', "variant must be the name of a variant, without marks, not 'v@mixed'"),
    # keys and sections
    ("year = 2026", "yaer = 2026", "there is no key 'yaer'; did you mean 'year'?"),
    ("year = 2026", "year = 2026\nreported = 5", "there is no key 'reported'"),
    ("year = 2026", 'year = 2026\n"\\u001b" = 5', "there is no key '\\x1b'"),
    ('row = "RAVDESS"', 'rows = "RAVDESS"', "reported 1 (Table 1): there is no key 'rows'; did you mean 'row'?"),
    ("[[reported]]", "[[report]]", "there is no section 'report'; did you mean 'reported'?"),
    ("[[claim]]", "[claim]", "claim must be a list of entries, each headed [[claim]], not a table"),
    ("[paper]", "[[paper]]", "paper must be a table, not a list"),
    ("[paper]", "[papers]", "there is no section [paper]"),
    # metrics
    ('metric = "accuracy"', 'metric = "acuracy"', "'acuracy' is no metric; did you mean 'accuracy'?"),
    ('metric = "accuracy"', f'metric = "recall/{"a" * 200}"', "metric must have no more than 200 characters"),
    ('metric = "accuracy"', 'metric = "loss"', "reported 1 (Table 1, RAVDESS): 'loss' is not in per cent"),
    ('metric = "accuracy"', 'metric = "log/loss"', "reported 1 (Table 1, RAVDESS): 'log/loss' is not in per cent"),
    ('metric = "recall/sad"', 'metric = "recal/sad"', "'recal/sad' is no metric; did you mean 'recall/sad'?"),
    ('metric = "recall/sad"', 'metric = "log/los"', "is no column of the training log; did you mean 'log/loss'?"),
    ('metric = "recall/sad"', 'metric = "accuracy"', "'accuracy' has no rank: it is of no single class"),
    ('"utterance/recall/sad"]', '"recall/"]', "contrast 1 (v, w): 'recall/' is no metric"),
    ('metrics = ["accuracy", "utterance/recall/sad"]', "metrics = []", "contrast 1 (v, w): metrics must not be empty"),
    # rules that join keys
    ("rank = 1", "", "claim 1 (Sad is hard): give above, below or both, or else rank"),
    ("rank = 1", "below = 5\nrank = 1", "claim 1 (Sad is hard): give above, below or both, or else rank"),
    ("rank = 1", "above = 5\nbelow = 5", "claim 1 (Sad is hard): below must be higher than above, 5"),
    ("rank = 1", "above = 500", "claim 1 (Sad is hard): above must be a number of per cent, not 500"),
    ('against = "w"', 'against = "v"', "contrast 1 (v, v): against must be another recipe than variant"),
    ('id = "S1"', 'id = "S2"', "silences are numbered S1, S2, ... in order, not S2"),
    ('id = "S1"', 'id = "1"', "silence 1 (1): id must be S1, S2 ..., not '1'"),
    ("[[claim]]", f"{REPORTED}\n[[claim]]", "Table 1: RAVDESS, accuracy (accuracy) is reported twice"),
    # the finding
    ("{{ mean(", "{{ maen(", "finding: line 1: there is no lookup 'maen'; did you mean 'mean'?"),
    ("{{ mean(", "{{ mean.__globals__(", "finding: line 1: lookups alone can be called: mean, each"),
    # the file
    ("[paper]", "[paper", "cannot be read: "),
    ("[paper]", "\0[paper]", "cannot be read: "),
    ("[paper]", f"x = {'[' * 50_000}\n[paper]", "cannot be read: its lists or tables are nested too deeply"),
    ("[paper]", f"x = {'{a = ' * 50_000}\n[paper]", "cannot be read: its lists or tables are nested too deeply"),
    ("[paper]", f"{'a.' * 100_000}a = 1\n[paper]", "cannot be read: it has a key of more than three parts (a.b.c.d)"),
    ("[paper]", "[" + '"a" . ' * 100_000 + "a]\n[paper]", "cannot be read: it has a key of more than three parts"),
    (
        "[paper]",
        f"x = {{b = '''a'''', {'a.' * 100_000}a = 1}}\n[paper]",
        "cannot be read: it has a key of more than three",
    ),
    ("[paper]", f'x = {{b = """a"""", {"a." * 100_000}a = 1}}\n[paper]', "cannot be read: it has a key of more than"),
    ("[paper]", f"#{'x' * 2_000_000}\n[paper]", "cannot be read: it is larger than 2,000,000 bytes"),
]


@pytest.mark.parametrize(
    ("old", "new", "sentence"), WRONG, ids=[f"{new[:30]}-{i}" for i, (_, new, _) in enumerate(WRONG)]
)
def test_what_is_wrong_is_told_in_a_sentence(read, old, new, sentence):
    assert old in WHOLE
    told = refused(read, WHOLE.replace(old, new, 1))
    assert [line for line in told if sentence in line], told
    assert len(told) <= 3


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1"])
def test_other_encodings_are_refused(read, encoding):
    assert re.match(
        r"cannot be read: it is not UTF-8 \(byte [\d,]+\)", refused(read, WHOLE.replace("A.", "Ä").encode(encoding))[0]
    )


def test_all_faults_are_told_at_once(read):
    text = WHOLE.replace("value = 71", 'value = "71"').replace('title = "An example"', "")
    text = text.replace("rank = 1", "rank = 1\nabove = 'x'").replace('because = "It is common."', "because = 5")
    assert refused(read, text) == [
        "title is missing",
        "reported 1 (Table 1, RAVDESS): value must be a number, not '71'",
        "claim 1 (Sad is hard): above must be a number, not 'x'",
        "claim 1 (Sad is hard): give above, below or both, or else rank",
        "silence 1 (S1): because must be text, not 5",
    ]


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("claim = [5]", "claim 1 must be a table, headed [[claim]], not 5"),
        ("silence = 'S1'", "silence must be a list of entries, each headed [[silence]], not 'S1'"),
    ],
)
def test_sections_that_are_no_lists_of_tables_are_refused(read, section, sentence):
    assert refused(read, section + PAPER) == [sentence]


def test_of_many_faults_the_first_are_told_and_the_others_counted(read):
    told = refused(read, PAPER + "[[claim]]\n" * 100)
    assert len(told) == 21
    assert told[0] == "claim 1: section is missing"
    assert re.fullmatch(r"\d{3} more like these", told[-1])
    assert refused(read, PAPER + "[[claim]]\n" * 1_001) == ["claim has 1,001 entries; no more than 1,000 are allowed"]
    told = refused(read, "\n".join(f"k{i} = 1" for i in range(1_000)) + WHOLE)
    assert told[-1] == "there are 990 unknown sections more"


def test_what_is_no_file_is_refused(read, tmp_path):
    folder = tmp_path / "example2026"
    folder.mkdir()
    assert refused(lambda _: papers.read(folder / "paper.toml"), "") == ["cannot be read: there is no such file"]
    if hasattr(os, "mkfifo"):  # nobody writes into it: reading would wait for ever
        os.mkfifo(folder / "paper.toml")
        assert refused(lambda _: papers.read(folder / "paper.toml"), "") == ["cannot be read: there is no such file"]


def test_control_characters_of_a_folder_are_not_printed(tmp_path):
    with pytest.raises(SerError, match=r"a\\x1b\[2J"):
        papers.read(tmp_path / "a\x1b[2J" / "paper.toml")


def test_the_key_is_that_of_the_folder_wherever_one_stands(read, monkeypatch, tmp_path):
    read(WHOLE)
    monkeypatch.chdir(tmp_path / "example2026")
    assert papers.read(Path("paper.toml")).key == "example2026"


def test_objects_made_in_code_are_held_to_the_same_rules():
    number = {"table": "T", "row": "R", "column": "", "corpus": "c", "variant": "v", "metric": "uar", "value": 5.0}
    assert dataclasses.replace(Reported(**number), value=6).value == 6
    for change in ({"value": "5"}, {"metric": "war"}, {"corpus": ""}, {"other": 1}):
        with pytest.raises(ValidationError):
            Reported(**number | change)
    with pytest.raises(ValidationError):
        Claim(section="", text="T", corpus="c", variant="v", metric="uar", above=5)


KNOWN = {"corpora": ["ravdess"], "variants": ["v", "w"], "protocols": ["paper", "speaker_independent"]}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'corpora = ["ravdess"]',
            'corpora = ["ravdes"]',
            "corpora: there is no corpus 'ravdes'; did you mean 'ravdess'?",
        ),
        ('corpus = "ravdess"', 'corpus = "savee"', "reported 1 (Table 1, RAVDESS): there is no corpus 'savee'"),
        (
            'variant = "v"',
            'variant = "vv"',
            "reported 1 (Table 1, RAVDESS): there is no variant 'vv'; did you mean 'v'?",
        ),
        (
            "value = 71",
            'value = 71\nprotocol = "speaker_independant"',
            "reported 1 (Table 1, RAVDESS): there is no protocol 'speaker_independant'; did you mean 'speaker_independent'?",
        ),
        ('against = "w"', 'against = "ww"', "contrast 1 (v, ww): there is no variant 'ww'; did you mean 'w'?"),
        (
            '"paper", "v@mixed"',
            '"papre", "v@mixed"',
            "finding: mean: there is no protocol 'papre'; did you mean 'paper'?",
        ),
        ('"paper", "v@mixed"', '"paper", "x@mixed"', "finding: mean: there is no variant 'x'"),
        ('mean("ravdess"', 'mean("savee"', "finding: mean: there is no corpus 'savee'"),
    ],
)
def test_names_that_the_script_does_not_have_are_told(read, old, new, sentence):
    assert papers.check(read(WHOLE), **KNOWN) == []
    assert papers.check(read(WHOLE.replace(old, new, 1)), **KNOWN) == [f"example2026/paper.toml: {sentence}"]


def test_names_in_branches_that_are_not_taken_are_told(read):
    finding = '{% if gains("ravdess", "paper", "v", "w", "uar") %}{{ mean("a", "paper", "v") }}{% else %}{{ mean("b", "paper", "v") }}{% endif %}'
    paper = read(WHOLE.replace('It got {{ mean("ravdess", "paper", "v@mixed") }}.', finding))
    assert [sentence.split("'")[1] for sentence in papers.check(paper, **KNOWN)] == ["a", "b"]
