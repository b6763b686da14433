"""Damaged and hostile recordings: is each refused with a sentence, or read as what it was?

Recordings in fourteen formats are cut, bent and forged, and loaded in a process of their own that may not take more
than 2 GB. A recording that is loaded must be the one that was written, but for what no container lets one know: a
wrong bit among samples that have no sum, and a number that stands nowhere else in the file.
"""

from __future__ import annotations

import io
import json
import os
import select
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from ser_keras.corpora import demo

TITLE = "Mutated recordings"
FULL, QUICK = 1000, 60
SECONDS = 30  # for one recording
WRONG = ("silent", "tracebacks", "hangs")
SHOWN = 10  # of what is wrong
ROOT = Path(__file__).parents[2]

# One answer a line. The path is read at its own rate: resampling would hide how much was read.
CHILD = """
import hashlib, json, pathlib, resource, sys
from ser_keras.features import audio, containers
from ser_keras.support.errors import BadAudioError

taken = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize")) * 1024
resource.setrlimit(resource.RLIMIT_AS, (taken + 2_000_000_000, resource.RLIM_INFINITY))
for path in sys.stdin:
    path = path.rstrip("\\n")
    answer = {}
    try:
        audio.check(path)
        rate = int(containers.stated(pathlib.Path(path)).rate)
        y = audio.load(path, sample_rate=rate)
        answer = {"rate": rate, "frames": len(y), "sum": hashlib.sha256(y.tobytes()).hexdigest()}
    except BadAudioError as error:
        answer = {"refused": str(error)}
        if not str(error).startswith(path) or not str(error).isprintable():
            answer = {"traceback": f"no sentence that begins with the path: {error}"}
    except BaseException as error:
        answer = {"traceback": f"{type(error).__name__}: {error}"}
    answer["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(answer), flush=True)
"""


@dataclass(frozen=True)
class Source:
    """A sound recording.

    Attributes:
        suffix: Of its file.
        content: The file.
        samples: Where its samples stand, if no sum protects them: there, values may change unnoticed.
        single: Bytes that nothing else in the file confirms.
        sizes: Numbers that say how much there is: place and notation.
    """

    suffix: str
    content: bytes
    samples: range
    single: frozenset[int]
    sizes: tuple[tuple[int, int, str], ...]  # place, bytes, order


def sources() -> list[Source]:
    """One utterance in every format."""
    y = demo.utterance("f1", "angry", "t1", 0)
    made = []
    for suffix, kind, subtype, endian in FORMATS:
        buffer = io.BytesIO()
        soundfile.write(buffer, y, demo.SAMPLE_RATE, format=kind, subtype=subtype, endian=endian)
        content = buffer.getvalue()
        made.append(Source(suffix, content, *LAYOUTS[kind](content, subtype)))
    return made


def _wave(content: bytes, subtype: str) -> tuple:
    tag, data = content.index(b"fmt ") + 8, content.index(b"data") + 8
    order = "big" if content[:4] == b"RIFX" else "little"
    # Two codecs of the same width cannot be told from each other.
    single = set(range(tag, tag + 2)) if subtype in ("PCM_32", "FLOAT", "ALAW") else set()
    if len(content) - data != int.from_bytes(content[data - 4 : data], order):
        single.add(data - 4)  # the byte that fills up an odd number is as good as a sample
    return range(data, len(content)), frozenset(single), ((4, 4, order), (data - 4, 4, order))


def _rf64(content: bytes, subtype: str) -> tuple:
    data = content.index(b"data") + 8
    return range(data, len(content)), frozenset(), ((20, 8, "little"), (28, 8, "little"), (data - 4, 4, "little"))


def _w64(content: bytes, subtype: str) -> tuple:
    data = content.index(b"data") + 24
    return range(data, len(content)), frozenset(), ((16, 8, "little"), (data - 8, 8, "little"))


def _aiff(content: bytes, subtype: str) -> tuple:
    about, data = content.index(b"COMM") + 8, content.index(b"SSND") + 16
    rate = range(about + 8, about + 18)
    return range(data, len(content)), frozenset(rate), ((4, 4, "big"), (about + 2, 4, "big"), (data - 12, 4, "big"))


def _au(content: bytes, subtype: str) -> tuple:
    return range(24, len(content)), frozenset(range(12, 24)), ((4, 4, "big"), (8, 4, "big"))


def _caf(content: bytes, subtype: str) -> tuple:
    about, data = content.index(b"desc") + 12, content.index(b"data") + 16
    rate_and_order = (*range(about, about + 8), *range(about + 12, about + 16))
    return range(data, len(content)), frozenset(rate_and_order), ((data - 12, 8, "big"),)


def _flac(content: bytes, subtype: str) -> tuple:
    return range(0), frozenset(), ((22, 4, "big"),)


def _mp3(content: bytes, subtype: str) -> tuple:
    first = content.index(content[:2], 4)
    index = next(content.index(word) for word in (b"Xing", b"Info") if word in content)
    return range(first, len(content)), frozenset(), ((index + 8, 4, "big"), (index + 12, 4, "big"))


def _ogg(content: bytes, subtype: str) -> tuple:
    return range(0), frozenset(), ((content.rindex(b"OggS") + 6, 8, "little"),)


FORMATS = (
    ("wav", "WAV", "PCM_U8", None),
    ("wav", "WAV", "PCM_16", None),
    ("wav", "WAV", "PCM_24", None),
    ("wav", "WAV", "PCM_32", None),
    ("wav", "WAV", "FLOAT", None),
    ("wav", "WAV", "ALAW", None),
    ("wav", "WAV", "PCM_16", "BIG"),
    ("wav", "RF64", "PCM_16", None),
    ("w64", "W64", "PCM_16", None),
    ("aiff", "AIFF", "PCM_16", None),
    ("au", "AU", "PCM_16", None),
    ("caf", "CAF", "PCM_16", None),
    ("flac", "FLAC", "PCM_16", None),
    ("mp3", "MP3", None, None),
    ("ogg", "OGG", "VORBIS", None),
)
LAYOUTS: dict[str, Callable[[bytes, str], tuple]] = {
    "WAV": _wave,
    "RF64": _rf64,
    "W64": _w64,
    "AIFF": _aiff,
    "AU": _au,
    "CAF": _caf,
    "FLAC": _flac,
    "MP3": _mp3,
    "OGG": _ogg,
}


def truncated(source: Source, rng: np.random.Generator) -> bytes:
    """The end is missing; now and then, nearly all."""
    return source.content[: rng.integers(0, 200 if rng.uniform() < 0.2 else len(source.content))]


def flipped_in_the_header(source: Source, rng: np.random.Generator) -> bytes:
    """One to three wrong bits near the beginning."""
    return _flipped(source.content, rng.integers(0, 120, rng.integers(1, 4)), rng)


def flipped_anywhere(source: Source, rng: np.random.Generator) -> bytes:
    """One to eight wrong bits."""
    return _flipped(source.content, rng.integers(0, len(source.content), rng.integers(1, 9)), rng)


def _flipped(content: bytes, places: Iterable[int], rng: np.random.Generator) -> bytes:
    made = bytearray(content)
    for place in places:
        made[place] ^= 1 << rng.integers(8)
    return bytes(made)


def lying(source: Source, rng: np.random.Generator) -> bytes:
    """A number that says how much there is, or all of them: too large, too small, none."""
    made = bytearray(source.content)
    factor = rng.choice([0, 0.3, 0.5, 0.9, 1.1, 2, 1000])
    every = rng.uniform() < 0.3
    for place, width, order in source.sizes if every else [source.sizes[rng.integers(len(source.sizes))]]:
        number = int.from_bytes(made[place : place + width], order)
        made[place : place + width] = (int(number * factor) % 256**width).to_bytes(width, order)
    return bytes(made)


def forged(source: Source, rng: np.random.Generator) -> bytes:
    """A number in the header as large as it can be, or as small: rates, channels, counts."""
    made = bytearray(source.content)
    place, width = int(rng.integers(4, 80)), (1, 2, 4, 8)[rng.integers(4)]
    value = (0, 1, 256**width - 1, 256**width // 2 - 1)[rng.integers(4)]
    made[place : place + width] = value.to_bytes(width, ("little", "big")[rng.integers(2)])
    return bytes(made)


def overwritten(source: Source, rng: np.random.Generator) -> bytes:
    """Some random bytes in the place of others."""
    made, count = bytearray(source.content), rng.integers(1, 300)
    place = rng.integers(0, len(made) - count)
    made[place : place + count] = rng.bytes(count)
    return bytes(made)


def swapped(source: Source, rng: np.random.Generator) -> bytes:
    """Two blocks of the file in each other's place."""
    width = int(rng.choice([4, 8, 24, 512]))
    a, b = sorted(rng.choice(len(source.content) // width, 2, replace=False) * width)
    c = source.content
    return c[:a] + c[b : b + width] + c[a + width : b] + c[a : a + width] + c[b + width :]


def shortened(source: Source, rng: np.random.Generator) -> bytes:
    """A hole in the file: what stood behind moves up."""
    place, count = rng.integers(0, len(source.content)), rng.integers(1, 3000)
    return source.content[:place] + source.content[place + count :]


def lengthened(source: Source, rng: np.random.Generator) -> bytes:
    """Something more within the file: noise, zeros, or the file itself once more."""
    place = rng.integers(0, len(source.content))
    more = (rng.bytes(rng.integers(1, 3000)), bytes(rng.integers(1, 3000)), source.content)[rng.integers(3)]
    return source.content[:place] + more + source.content[place:]


def noise(source: Source, rng: np.random.Generator) -> bytes:
    """The right first bytes, then anything; or nothing at all."""
    return source.content[: rng.integers(0, 60)] + rng.bytes(rng.integers(0, 5000)) if rng.uniform() < 0.8 else b""


MUTATIONS = (
    truncated,
    flipped_in_the_header,
    flipped_anywhere,
    lying,
    forged,
    overwritten,
    swapped,
    shortened,
    lengthened,
    noise,
)


class Loader:
    """A process that loads one recording after the other; a new one in place of each that dies or hangs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen | None = None

    def __call__(self, path: Path) -> dict:
        """What loading gives: an answer of the child's, or "hang", or "crash"."""
        if self.process is None:
            path_to_suite = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
            self.process = subprocess.Popen(
                [sys.executable, "-c", CHILD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(self.folder / "stderr").open("ab"),
                env=os.environ | {"PYTHONPATH": path_to_suite},
            )
        self.process.stdin.write(f"{path}\n".encode())
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], SECONDS)
        line = self.process.stdout.readline() if ready else b""
        if line:
            return json.loads(line)
        self.close()
        return {"crash": True} if ready else {"hang": True}

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
        self.process = None


def judged(source: Source, content: bytes, answer: dict, original: dict) -> str:
    """What an answer is worth."""
    for word in ("hang", "crash", "traceback", "refused"):
        if word in answer:
            return {"hang": "hangs", "crash": "tracebacks", "traceback": "tracebacks"}.get(word, word)
    same = {key: answer[key] == original[key] for key in ("rate", "frames", "sum")}
    if all(same.values()):
        return "unharmed"
    if len(content) != len(source.content):
        return "silent"
    changed = {i for i, (a, b) in enumerate(zip(content, source.content, strict=True)) if a != b}
    if changed & source.single:
        return "unknowable"
    return "unknowable" if changed & set(source.samples) and same["rate"] and same["frames"] else "silent"


def attack(seed: int, count: int) -> Counter:
    """Mutate and load `count` recordings.

    Args:
        seed: Start of every random choice.
        count: How many.

    Returns:
        How many were `tried`, `refused` with a sentence, `loaded`; of these `unharmed` (the change touched nothing
        that is heard), `unknowable` and `silent` (wrong without a word); further `tracebacks` (or crashes), `hangs`,
        `lines on standard error`, and the largest process in `peak MB`.
    """
    rng = np.random.default_rng(seed)
    counts = Counter(dict.fromkeys(("tried", "refused", "loaded", *WRONG), 0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        load = Loader(folder)
        try:
            known = sources()
            originals = []
            for i, source in enumerate(known):
                path = folder / f"original{i}.{source.suffix}"
                path.write_bytes(source.content)
                originals.append(load(path))
                assert "frames" in originals[-1], (source.suffix, originals[-1])
            for number in range(count):
                i = rng.integers(len(known))
                mutation = MUTATIONS[rng.integers(len(MUTATIONS))]
                content = mutation(known[i], rng)
                path = folder / f"{number}.{known[i].suffix}"
                path.write_bytes(content)
                answer = load(path)
                path.unlink()
                verdict = judged(known[i], content, answer, originals[i])
                counts["tried"] += 1
                counts[verdict] += 1
                counts["loaded"] += verdict in ("unharmed", "unknowable", "silent")
                counts["peak MB"] = max(counts["peak MB"], answer.get("peak", 0))
                if verdict in WRONG and sum(counts[word] for word in WRONG) <= SHOWN:
                    print(f"seed {seed}, {number}: {FORMATS[i][1:]} {mutation.__name__}: {verdict}: {answer}")
        finally:
            load.close()
        counts["lines on standard error"] = len((folder / "stderr").read_bytes().splitlines())
    return counts


if __name__ == "__main__":
    start = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    print(f"{TITLE}, seed {start}: {dict(attack(start, FULL))}")
