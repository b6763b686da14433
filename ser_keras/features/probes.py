"""What a function gives on a few fixed signals: its behaviour in numbers, whatever the wording of its code.

A run's record keeps these answers. Features whose answers are the same are the same features; a constant that reaches
them moves the answers, a renamed function or a comment does not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ser_keras.features.extraction import Extraction

TOLERANCE = 1e-4  # of a coefficient's spread: rounding on another machine stays far below, a changed constant above
RECORDED_RATE = 48_000  # Hz; the probes are read from files, as recordings are
POINTS = 64  # values kept of each row or block
DIGITS = 7
DRAWS = 64  # examples in a fixed batch: enough that each probability and limit decides about some
Answer = dict[str, Any]


@cache
def signals() -> Mapping[str, np.ndarray]:
    """The probe signals by name, float32 at 48 kHz: short, long, silent, clipped, speech-like.

    Example:
        >>> {name: len(signal) / RECORDED_RATE for name, signal in signals().items()}
        {'short': 0.5, 'long': 6.5, 'silent': 1.0, 'clipped': 1.5, 'speech': 3.5}
    """
    speech = _speech(3.5, seed=1)
    return {
        "short": _speech(0.5, seed=2),
        "long": _speech(6.5, seed=3),
        "silent": (2e-4 * np.random.default_rng(0).normal(size=RECORDED_RATE)).astype(np.float32),  # a room at night
        "clipped": np.clip(8 * _speech(1.5, seed=4), -1, 1),
        "speech": speech,
    }


def _speech(seconds: float, *, seed: int) -> np.ndarray:
    """Harmonics of a moving pitch in syllables, with noise and a pause: what features of speech react to."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RECORDED_RATE)) / RECORDED_RATE
    phase = 2 * np.pi * np.cumsum(150 + 20 * seed + 40 * np.sin(2 * np.pi * 1.3 * t)) / RECORDED_RATE
    tilt = 1.2 + 0.3 * np.sin(2 * np.pi * 0.9 * t)
    voice = sum(np.sin(k * phase) / k**tilt for k in range(1, 40))
    # Rises and falls so slowly that a threshold of loudness, moved by a decibel, is crossed in another frame.
    fade = 10 ** (-2.5 * np.clip(1 - 4 * np.minimum(t, seconds - t) / seconds, 0, 1))
    loudness = fade * np.clip(np.sin(2 * np.pi * 2.1 * t) + 0.6, 0, 1)
    return (0.12 * voice * loudness + 0.01 * (0.02 + loudness) * rng.normal(size=len(t))).astype(np.float32)


def of_extraction(extraction: Extraction, copies: Sequence[str]) -> dict[str, Answer]:
    """Answers of an extraction, decoding included: one a probe, and one a probe and copy.

    Copies are drawn by the generators that recordings get, so that an augmentation's limits and its seed count too.

    Args:
        extraction: The extraction.
        copies: "original" and names of `extraction.augment`.

    Returns:
        Answers by probe; those of copies under "probe/copy".
    """
    import soundfile

    made: dict[str, Answer] = {}
    with tempfile.TemporaryDirectory(prefix="ser_keras_probe_") as folder:
        for name, signal in signals().items():
            path = Path(folder) / f"{name}.wav"
            soundfile.write(path, signal, RECORDED_RATE, subtype="PCM_16")
            # The long and the speech-like probe alone are changed: they have what an augmentation works on.
            wanted = copies if name in ("long", "speech") else copies[:1]
            for copy in wanted:
                key = name if copy == copies[0] else f"{name}/{copy}"
                made[key] = _answered(lambda c=copy, p=path, n=name: extraction.features(str(p), n, [c])[0])
    return made


def of_change(change: Callable[[np.ndarray, np.random.Generator], np.ndarray], shape: Sequence[int]) -> Answer:
    """The answer of an augmentation of batches on a fixed batch, under a fixed generator.

    Args:
        change: (batch, generator) -> batch.
        shape: Of one example.

    Returns:
        Mean, spread and some values of what it gave, or the error that it raised.

    Example:
        >>> of_change(lambda batch, rng: 0 * batch, (2, 3))["shape"][-1]
        6
    """
    batch = np.random.default_rng(5).normal(size=(DRAWS, *shape)).astype(np.float32)
    return _answered(lambda: change(batch, np.random.default_rng(6)).reshape(DRAWS, -1))


def _answered(compute: Callable[[], np.ndarray]) -> Answer:
    """Numbers, or the name of the error: a recording that is refused is behaviour, too."""
    try:
        return answer(compute())
    except Exception as error:
        return {"error": type(error).__name__}


def answer(values: np.ndarray) -> Answer:
    """Few numbers that move when any of many does.

    Args:
        values: Features of one probe: (values,), or two axes of which the shorter is read as coefficients; axes of
            length 1 do not count.

    Returns:
        `shape`; of each coefficient (or block of a vector) its `mean` and `spread` (standard deviation), and `values`
        at some places, in seven digits.

    Example:
        >>> answer(np.array([[1.0, 2.0], [3.0, 2.0], [5.0, 2.0]]))["mean"]
        [3.0, 2.0]
    """
    values = np.asarray(values, dtype=np.float64)
    table = _table(values)
    places = np.unique(np.linspace(0, table.shape[1] - 1, 3).astype(int))
    return {
        "shape": list(values.shape),
        "mean": _rounded(table.mean(axis=1)),
        "spread": _rounded(table.std(axis=1)),
        "values": _rounded(table[:, places].ravel()),
    }


def _table(values: np.ndarray) -> np.ndarray:
    """(coefficients, places): what a coefficient is, shape alone has to tell."""
    squeezed = values.squeeze() if values.size else values.reshape(0)
    if squeezed.ndim >= 2:
        table = squeezed.reshape(len(squeezed), -1)
        return table if len(table) <= table.shape[1] else table.T
    vector = squeezed.ravel()
    if len(vector) <= POINTS:
        return vector[:, None]
    blocks = -(-len(vector) // POINTS)
    return np.pad(vector, (0, blocks * POINTS - len(vector)), mode="edge").reshape(POINTS, blocks)


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]


def told(one: Mapping[str, Answer], other: Mapping[str, Answer]) -> dict[str, str]:
    """How the answers of two sets of probes differ, by probe; empty where they agree.

    A vector's values have no spread of their own: what counts is how far each of them moves from probe to probe.

    Args:
        one: Answers by probe, of the record.
        other: Answers by probe, of now; every probe of `one` is among them.

    Returns:
        By probe, in what they differ.

    Example:
        >>> one = {"a": answer(np.array([1.0, 500.0])), "b": answer(np.array([1.1, 900.0]))}
        >>> other = one | {"a": answer(np.array([1.001, 500.0]))}
        >>> told(one, other)
        {'a': 'mean of coefficient 1 is 1 in the record and would be 1.001 now'}
    """
    vectors: dict[int, list[list[float]]] = {}
    for found in one.values():
        if "mean" in found and not any(found["spread"]):
            vectors.setdefault(len(found["mean"]), []).append(found["mean"])
    spreads = {length: np.std(values, axis=0) for length, values in vectors.items() if len(values) > 1}
    differ = {name: different(one[name], other[name], spreads.get(len(one[name].get("mean", ())))) for name in one}
    return {name: difference for name, difference in differ.items() if difference}


def different(one: Answer, other: Answer, spreads: np.ndarray | None = None) -> str:
    """How two answers differ, in a few words; empty where they agree within 1e-4 of each coefficient's spread.

    Args:
        one: An answer.
        other: Another.
        spreads: Of each value of a vector, shape (values,); None takes that of all values together.

    Returns:
        In what they differ first, or "".

    Example:
        >>> a = answer(np.arange(12.0).reshape(3, 4))
        >>> different(a, answer(np.arange(12.0).reshape(3, 4) + 1e-7)), different(a, answer(np.zeros((3, 5))))
        ('', 'shape is [3, 4] in the record and would be [3, 5] now')
        >>> different(a, answer(1.01 * np.arange(12.0).reshape(3, 4)))
        'mean of coefficient 1 is 1.5 in the record and would be 1.515 now'
    """
    for key in ("error", "shape"):
        if one.get(key) != other.get(key):
            return f"{key} is {one.get(key, 'none')} in the record and would be {other.get(key, 'none')} now"
    if "error" in one:
        return ""
    own = np.maximum(one["spread"], other["spread"])
    # A coefficient that stands still has no spread of its own: that of all values serves.
    otherwise = spreads if spreads is not None else np.std(one["values"]) if len(one["values"]) else 0.0
    own = np.where(own > 0, own, otherwise)
    for key in ("mean", "spread", "values"):
        a, b = np.array(one[key]), np.array(other[key])
        allowed = np.repeat(own, len(a) // max(len(own), 1)) if len(a) else a
        allowed = TOLERANCE * allowed + 1e-6 * np.maximum(np.abs(a), np.abs(b)) + 1e-12
        wrong = np.flatnonzero(np.abs(a - b) > allowed)
        if len(wrong):
            first = int(wrong[0])
            which = first // (len(a) // len(own)) + 1
            return f"{key} of coefficient {which} is {a[first]:g} in the record and would be {b[first]:g} now"
    return ""
