"""Damaged and hostile paper.toml: each is refused with a sentence, or is right and can be shown."""

from __future__ import annotations

import contextlib
import random
import re
import signal
import sys
import tempfile
import threading
import tomllib
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ser_keras import papers
from ser_keras.corpora import CORPORA
from ser_keras.evaluation.numbers import Numbers
from ser_keras.papers.finding import asked
from ser_keras.reports import report
from ser_keras.runs import results as store
from ser_keras.support.errors import SerError

TITLE, FULL, QUICK = "paper.toml, mutated", 1_000, 40
LIMIT = 30  # seconds
ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(rb"^(\w+) = (.*)$", re.MULTILINE)

LITERALS = [  # another type for a value
    *("5", "-5", "5.0", "1e400", "inf", "-inf", "nan", "true", "false", '"97.3"', '""', '" "', "''", '"text"', "0x1F"),
    *("2022-01-01", "2022-01-01T00:00:00Z", "07:32:00", "[]", "[[]]", '["a"]', "[1, 2]", '["a", 1]', "{}", "{a = 1}"),
    *("9" * 400, "9" * 5_000, "0x" + "f" * 5_000, "-" + "9" * 30, "1_000", "+5", "1e-400", "'''\na\nb'''"),
]
TEXTS = [  # something hostile in a text
    *(r"\u0000", r"\u001b[2J", r"\u0007", r"\u202E", r"\u2028", r"\n", r"\r\n", r"\t", r"\u007f", r"\u0085", r"\\"),
    *("javascript:alert(1)", "http://", "https://[::1", "ftp://a.b", "file:///etc/passwd", "//a.b", "data:text/html,x"),
    *("../../x", "..", "/etc/passwd", "a/b", ".", "C:\\\\x", "con", "a" * 10_000, "<script>alert(1)</script>"),
    *("[a](javascript:alert(1))", "<javascript:alert(1)>", "a | b", "$x^2$ \\\\input{x}", "{{ 7 * 7 }}", "{% raw %}"),
    *("accuracy", "recall/sad", "utterance/", "confusion/a", "log/loss", "loss", "share/x", "recall/ ", "10.1/x", "S1"),
]
TEMPLATES = [  # something hostile in a finding
    "{{ mean.__globals__['__builtins__']['__import__']('os').system('true') }}",
    "{{ mean.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''.__class__ }}{{ self }}{{ loop }}{{ cycler.__init__.__globals__ }}{{ lipsum }}",
    "{% for i in range(10**9) %}{{ i }}{% endfor %}",
    "{% for i in range(1000000000) %}{% endfor %}",
    "{% set L = (1,2,3,4,5,6,7,8,9,0) %}" + "{% for a in L %}" * 9 + "{% endfor %}" * 9,
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}",
    "{% set a = ('x', 'x') %}" + "{% set a = (a, a) %}" * 90 + "{{ a }}",
    "{% set a = ('x', 'x') %}" + "{% set a = (a, a) %}" * 90 + "{{ mean(a, a, a) }}",
    "{{ 'a' * 10**9 }}{{ 10**10**10 }}{{ 'a' | center(10**9) }}",
    "{{ '%999999999d' | format(1) }}{{ 'a'.ljust(10**9) }}",
    "{% include 'paper.md.j2' %}{% import 'notes.j2' as n %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ " + "(" * 5_000 + " }}",
    "{{ " + "not " * 4_000 + "'a' }}",
    "{{ " + "'a' and " * 2_000 + "'a' }}",
    "{% if 'a' %}" + "{% elif 'b' %}" * 1_000 + "{% endif %}",
    "{{ mean() }}{{ mean(1, 2, 3) }}{{ mean('a', 'b', 'c', 'd', 'e', 'f') }}",
    "{{ mean('ravdess', 'paper', 'v', 'recal/sad') }}",
    "{{ maen('ravdess', 'paper', 'v') }}{{ unset }}",
    "{{ mean('../..', '/', '') }}",
    "{{ mean('ravdess', 'paper', 'v', 'log/loss') }}{{ speakers('ravdess', 'paper', 'v', 'uar') }}",
    "{% set mean = 'a' %}{{ mean('ravdess', 'paper', 'v') }}",
    "{{ each('ravdess', 'paper', 'v') }}{{ 'unclosed",
    "x" * 30_000,
]
ENTRIES = [  # appended
    b"\n[[report]]\nvalue = 1\n",
    b"\n[paper.deeper]\na = 1\n",
    b"\n[claim]\ntext = 1\n",
    b"\nreported = 5\n",
    b"\n[[reported]]\n",
    b"\n[[reported]]\n" * 1_500,
    b"\n[[silence]]\nid = 5\n",
    b"\nx = " + b"[" * 100_000,
    b"\nx = " + b"[" * 200 + b"]" * 200,
    b"\nx = " + b"{a = " * 100_000,
    b"\n" + b".".join([b"a"] * 100_000) + b" = 1\n",
    b"\n[" + b".".join([b'"a"'] * 100_000) + b"]\n",
    b'\nx = {b = """a"""", ' + b".".join([b"a"] * 100_000) + b" = 1}\n",
    b"\n" + b"".join(b"k%d = 1\n" % i for i in range(20_000)),
    b"\n" + b"a" * 300_000 + b" = 1\n",
    b"#" * 2_100_000,
    b'\nx = "' + b'\\"' * 200_000,
    b"\x00",
    b"\xff\xfe",
]


def attack(seed: int, count: int) -> Counter:
    """Mutate the papers' files one by one.

    Args:
        seed: Of what is mutated, and how.
        count: Files tried.

    Returns:
        `tried`; `refused` with a sentence; `accepted`, read and shown; `silent`, accepted though wrong; `tracebacks`;
        `hangs`, more than 30 seconds.
    """
    rng = random.Random(seed)
    originals = sorted((ROOT / "reproductions").glob("*/paper.toml"))
    numbers = Numbers(store.from_published(ROOT / "reproductions" / "jin2022" / "results"))
    known = {path: _names(papers.read(path)) for path in originals}
    found = Counter(tried=0, refused=0, accepted=0, silent=0, tracebacks=0, hangs=0)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(count):
            original = rng.choice(originals)
            content = original.read_bytes()
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                content = rng.choice(MUTATIONS)(content, rng)
            path = Path(folder) / original.parent.name / "paper.toml"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            found["tried"] += 1
            found[_judged(path, known[original], numbers)] += 1
    return found


def _names(paper: papers.Paper) -> dict[str, set[str]]:
    """The names that the script of a paper is taken to have: those of its own file, and every corpus."""
    looked_up = asked(paper.finding)
    entries = [*paper.reported, *paper.claims, *paper.contrasts]
    variants = {entry.variant for entry in entries} | {contrast.against for contrast in paper.contrasts}
    variants |= {variant.split("@")[0] for lookup in looked_up for variant in lookup.variants}
    protocols = {"paper"} | {lookup.protocol for lookup in looked_up}
    return {"corpora": set(CORPORA), "variants": variants, "protocols": protocols}


def _judged(path: Path, known: dict[str, set[str]], numbers: Numbers) -> str:
    try:
        with _limited():
            paper = papers.read(path)
            if wrong := slipped(paper, path):
                print(f"slipped through: {', '.join(wrong)}", file=sys.stderr)
                return "silent"
            if papers.check(paper, **known):
                return "refused"
            report.readme(paper, numbers, path.parent)
            report.html(paper, numbers, [], path.parent)
    except SerError as error:
        if str(path) in str(error) and not _controls(str(error)):
            return "refused"
        print(f"a message that names no file, or has control characters: {error!r}", file=sys.stderr)
        return "silent"
    except _TooLongError:
        return "hangs"
    except Exception:
        traceback.print_exc()
        return "tracebacks"
    return "accepted"


class _TooLongError(BaseException):
    """No part of the suite catches it."""


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """End what takes longer than `LIMIT`, where the system can."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: Any) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# What a file may hold, said a second time, without the suite's schema.
NUMBER, TEXT, NAMES = (int, float), (str,), (list,)
SECTIONS = {
    "reported": ("reported", "table row column corpus variant metric", "value", "unit note headline protocol part"),
    "claim": ("claims", "section text corpus variant metric", "", "above below rank"),
    "contrast": ("contrasts", "corpus variant against metrics", "", ""),
    "silence": ("silences", "id section question choice because alternatives", "", ""),
    "contradiction": ("contradictions", "section claim against arithmetic", "", ""),
}
MAIN = "key short title authors year venue corpora summary finding"
KINDS = dict.fromkeys(("value", "above", "below"), NUMBER) | dict.fromkeys(("year", "rank"), (int,))
KINDS |= {"headline": (bool,)} | dict.fromkeys(("authors", "corpora", "metrics"), NAMES)
MAY_BE_EMPTY = {"column", "note", "alternatives", "doi", "url", "protocol", "part"}
METRIC = re.compile(
    r"share/(train|validation|test)"
    r"|(utterance/)?(train/accuracy|accuracy|uar|f1_macro|(precision|recall|f1)/[^/]+|confusion/[^/]+/[^/]+)"
)
LOG = re.compile(r"log/(validation_|test_)?(loss|accuracy)")


def slipped(paper: papers.Paper, path: Path) -> list[str]:
    """What is wrong with a file that was accepted, and with the object that was made of it."""
    raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    wrong = [f"section {name}" for name in raw if name != "paper" and name not in SECTIONS]
    wrong += _wrong(raw["paper"], paper, MAIN.split(), ["doi", "url"])
    if paper.key != path.parent.name or not re.fullmatch("[a-z0-9_]+", paper.key):
        wrong.append("key")
    if not 1900 <= paper.year <= 2100:
        wrong.append("year")
    if paper.url and not re.match("https?://[^/]", paper.url):
        wrong.append("url")
    if paper.doi and not re.fullmatch(r"10\.\d{4,9}/\S+", paper.doi):
        wrong.append("doi")
    if any(not re.fullmatch("[a-z0-9_]+", name) for name in paper.corpora):
        wrong.append("corpora")
    for name, (field, needed, number, optional) in SECTIONS.items():
        entries, objects = raw.get(name, []), getattr(paper, field)
        if type(objects) is not tuple or len(entries) != len(objects):
            wrong.append(f"{name}: {len(entries)} entries, {len(objects)} objects")
            continue
        for entry, made in zip(entries, objects, strict=True):
            wrong += _wrong(entry, made, [*needed.split(), *number.split()], optional.split())
    wrong += [n.metric for n in paper.reported if not METRIC.fullmatch(n.metric)]
    wrong += [str(n.value) for n in paper.reported if not 0 <= n.value <= 100 or n.unit != "%"]
    wrong += [c.metric for c in paper.claims if not METRIC.fullmatch(c.metric) and not LOG.fullmatch(c.metric)]
    wrong += [m for contrast in paper.contrasts for m in contrast.metrics if not METRIC.fullmatch(m)]
    if [silence.id for silence in paper.silences] != [f"S{i + 1}" for i in range(len(paper.silences))]:
        wrong.append("ids")
    if re.search("__|system|range", paper.finding):
        wrong.append("finding")
    return wrong


def _wrong(entry: dict[str, Any], made: Any, needed: list[str], optional: list[str]) -> Iterator[str]:
    yield from (f"{key} is missing" for key in needed if key not in entry)
    for key, value in entry.items():
        kinds = KINDS.get(key, TEXT)
        if key not in needed and key not in optional:
            yield f"{key} is unknown"
        elif isinstance(value, bool) != (kinds == (bool,)) or not isinstance(value, kinds):
            yield f"{key} is {type(value).__name__}"
        elif isinstance(value, list):
            if not value or not all(isinstance(one, str) and one.strip() for one in value):
                yield f"{key} has no texts"
            if getattr(made, key) != tuple(value):
                yield f"{key} became {getattr(made, key)!r}"
        elif isinstance(value, str) and (not value.strip() and key not in MAY_BE_EMPTY):
            yield f"{key} is empty"
        elif isinstance(value, float) and not abs(value) < 1e300:
            yield f"{key} is {value}"
        elif getattr(made, key) != value:
            yield f"{key} became {getattr(made, key)!r}"
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and _controls(text):
                yield f"{key} has control characters"
            if isinstance(text, str) and re.search(r"(\]\(|<)\s*javascript:", text):
                yield f"{key} has a script"


def _controls(text: str) -> bool:
    return any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 or c in "\u2028\u202e" for c in text)


# The mutations: bytes and a generator in, bytes out.
def _flip(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _lines(change: Callable[[list[bytes], int, int], None]) -> Callable[[bytes, random.Random], bytes]:
    def mutate(content: bytes, rng: random.Random) -> bytes:
        lines = content.split(b"\n")
        change(lines, rng.randrange(len(lines)), rng.randrange(len(lines)))
        return b"\n".join(lines)

    return mutate


def _delete(lines: list[bytes], i: int, _: int) -> None:
    del lines[i]


def _double(lines: list[bytes], i: int, _: int) -> None:
    lines.insert(i, lines[i])


def _swap(lines: list[bytes], i: int, j: int) -> None:
    lines[i], lines[j] = lines[j], lines[i]


def _move(lines: list[bytes], i: int, j: int) -> None:
    lines.insert(j, lines.pop(i))


def _value(values: list[str], wrap: str = "{}") -> Callable[[bytes, random.Random], bytes]:
    """Put another value behind a key."""

    def mutate(content: bytes, rng: random.Random) -> bytes:
        if not (places := list(LINE.finditer(content))):
            return content
        place = rng.choice(places)
        value = wrap.format(rng.choice(values)).encode()
        return content[: place.start(2)] + value + content[place.end(2) :]

    return mutate


def _retyped(content: bytes, rng: random.Random) -> bytes:
    """The same value with or without quotation marks, or in a list."""
    if not (places := list(LINE.finditer(content))):
        return content
    place = rng.choice(places)
    was = place[2]
    value = rng.choice((was.strip(b'"'), b'"' + was.strip(b'"[]') + b'"', b"[" + was + b"]", b"{a = " + was + b"}"))
    return content[: place.start(2)] + value + content[place.end(2) :]


def _renamed(content: bytes, rng: random.Random) -> bytes:
    """A key misspelt, or another's name."""
    if not (places := list(LINE.finditer(content))):
        return content
    place, other = rng.choice(places), rng.choice(places)
    key = rng.choice((other[1], place[1][:-1], place[1] + b"s", place[1].upper(), b'"' + place[1] + b'"', b"__class__"))
    return content[: place.start(1)] + key + content[place.end(1) :]


def _finding(content: bytes, rng: random.Random) -> bytes:
    """Something hostile within the finding, or in its place."""
    hostile = rng.choice(TEMPLATES).encode()
    whole = re.search(rb'finding = """(.*?)"""', content, re.DOTALL)
    if not whole:
        return content
    start, end = whole.span(1)
    if rng.random() < 0.5:
        start = end = rng.randrange(start, end + 1)
    return content[:start] + hostile + content[end:]


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _spliced(content: bytes, rng: random.Random) -> bytes:
    start, end = sorted((rng.randrange(len(content) + 1), rng.randrange(len(content) + 1)))
    at = rng.randrange(len(content) + 1)
    return content[:at] + content[start : min(end, start + 2_000)] + content[at:]


def _recoded(content: bytes, rng: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(rng.choice(("utf-16", "utf-32", "latin-1", "utf-8-sig")), "replace")


def _appended(content: bytes, rng: random.Random) -> bytes:
    return content + rng.choice(ENTRIES)


MUTATIONS = [
    *(_flip, _flip, _lines(_delete), _lines(_double), _lines(_swap), _lines(_move)),
    *(_value(LITERALS), _value(LITERALS), _value(TEXTS, '"{}"'), _value(TEXTS, '"{}"'), _retyped, _renamed),
    *(_finding, _finding, _cut, _spliced, _recoded, _appended, _appended),
]
