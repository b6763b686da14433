"""Which recordings of two lists are copies of one another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ser_keras.features import audio
from ser_keras.leaks import alignment, likeness
from ser_keras.support.errors import BadAudioError
from ser_keras.support.files import sha256
from ser_keras.support.parallel import results
from ser_keras.support.progress import Progress

# Measured on RAVDESS by benchmarks/fingerprint.py, which tells what they miss and what they raise falsely.
SURE, PERHAPS = 0.45, 0.2  # likeness of vectors: above, a copy; below, none; between, the alignment decides
SAME = 0.95  # likeness of aligned spectrograms: a part of the other
TOGETHER, WEIGHT = 1.06, 0.4  # what that and WEIGHT times the vectors' must reach where speed or pitch were changed
NEAREST = 3  # that are aligned with a recording
LONG, PIECE, EVERY = 10.0, 5.0, 2.5  # seconds: a longer recording is compared in pieces
SHARD, BLOCK = 16, 256  # recordings that a worker takes, and that are compared at a time


@dataclass(frozen=True)
class Copy:
    """Two recordings made from one.

    Attributes:
        train: Position in the first list.
        test: Position in the second.
        identical: Every sample is the same.
        likeness: Of their vectors, 1 for the same.
        speed: How much faster the second one is; 1 where that was not looked at.
    """

    train: int
    test: int
    identical: bool
    likeness: float
    speed: float


@dataclass
class Known:
    """What is known of a list of recordings.

    Attributes:
        vectors: float32, shape (pieces, LENGTH).
        owner: Position of each piece's recording.
        starts: Where each piece starts, in seconds.
        sums: A checksum of each recording's file, and one of its samples; empty where it cannot be read.
        unusable: Reason by position of each recording that cannot be used.
    """

    vectors: np.ndarray
    owner: np.ndarray
    starts: np.ndarray
    sums: list[tuple[str, str]]
    unusable: dict[int, str] = field(default_factory=dict)


def know(paths: Sequence[str], *, jobs: int = -1) -> Known:
    """Read a list of recordings, in parallel.

    Args:
        paths: The recordings.
        jobs: Parallel workers; -1 uses every core.

    Returns:
        Vectors of their pieces, checksums, and those that cannot be used with the reason.
    """
    vectors, owner, starts = [np.empty((0, likeness.LENGTH), np.float32)], [], []
    known = Known(vectors[0], np.array([], int), np.array([]), [])
    for position, (pieces, sums, reason) in enumerate(_read(paths, (1.0,), jobs, "listening (train)")):
        known.sums.append(sums)
        if reason:
            known.unusable[position] = reason
        for start, found in pieces:
            vectors.append(found)
            owner.append(position)
            starts.append(start)
    known.vectors = np.concatenate(vectors)
    known.owner, known.starts = np.array(owner, int), np.array(starts)
    return known


def copies(
    known: Known, train: Sequence[str], test: Sequence[str], *, jobs: int = -1, itself: bool = False
) -> tuple[list[Copy], dict[int, str]]:
    """The recordings of the second list that are copies of one in the first.

    Args:
        known: What `know` gave for the first list.
        train: The first list's paths.
        test: The second list's paths.
        jobs: Workers; -1 for every core.
        itself: The lists are the same, and no recording is compared with itself.

    Returns:
        Of each recording in the second list at most the `NEAREST` copies, and those with the very samples; and the
        reason by position of each recording that cannot be used.
    """
    by_sum: dict[str, list[int]] = {}
    for position, sums in enumerate(known.sums):
        for value in set(sums) - {""}:
            by_sum.setdefault(value, []).append(position)
    found: list[Copy] = []
    unusable: dict[int, str] = {}
    block: list[tuple[int, float, np.ndarray]] = []
    same: dict[int, set[int]] = {}

    def compare() -> None:
        if block and len(known.vectors):
            found.extend(_compared(known, block, train, test, same, itself=itself))
        block.clear()

    for position, (pieces, sums, reason) in enumerate(_read(test, likeness.SPEEDS, jobs, "listening (test)")):
        if reason:
            unusable[position] = reason
        same[position] = {other for value in set(sums) - {""} for other in by_sum.get(value, ())}
        if itself:
            same[position].discard(position)
        found += [Copy(other, position, True, 1.0, 1.0) for other in sorted(same[position])]
        block += [(position, start, vectors) for start, vectors in pieces]
        if len(block) >= BLOCK:
            compare()
    compare()
    return found, unusable


def _compared(
    known: Known,
    block: Sequence[tuple[int, float, np.ndarray]],
    train: Sequence[str],
    test: Sequence[str],
    same: dict[int, set[int]],
    *,
    itself: bool,
) -> Iterator[Copy]:
    """The copies of some pieces: every vector beside every other in one product, then the nearest aligned."""
    best = np.full((len(block), len(known.vectors)), -1.0, np.float32)
    speed = np.zeros(best.shape, np.int8)
    for number in range(len(likeness.SPEEDS)):
        at = np.stack([vectors[number] for *_, vectors in block]) @ known.vectors.T
        higher = at > best
        best[higher], speed[higher] = at[higher], number
    told: set[tuple[int, int]] = set()
    for row, (position, start, _) in enumerate(block):
        near = np.argpartition(-best[row], min(NEAREST, len(best[row]) - 1))[: NEAREST + len(same[position]) + itself]
        for column in near[np.argsort(-best[row, near])]:
            other, value = int(known.owner[column]), float(best[row, column])
            if value < PERHAPS:
                break
            if (itself and other == position) or other in same[position] or (other, position) in told:
                continue
            fast = likeness.SPEEDS[speed[row, column]]
            if value < SURE:
                fit = alignment.align(
                    likeness.spectrogram(_waveform(test[position], start)),
                    likeness.spectrogram(_waveform(train[other], known.starts[column])),
                    speed=fast,
                )
                if not is_copy(value, fit):
                    continue
                fast = fit.speed
            told.add((other, position))
            yield Copy(other, position, False, value, round(float(fast), 2))


def is_copy(likeness_of_vectors: float, fit: alignment.Alignment | None) -> bool:
    """Whether a doubtful pair is one recording.

    What was only cut is the same where the two overlap; what was stretched or moved in pitch is less so. Two takes
    that fit at the same speed and pitch are as alike as those, and no copies.

    Args:
        likeness_of_vectors: Of the pair's pieces, 1 for equal ones.
        fit: How the two lie on each other; None where they do not.

    Returns:
        Whether it is to be listed as a copy.

    Example:
        >>> is_copy(0.99, None)
        False
    """
    if fit is None:
        return False
    moved = not fit.at_rest and fit.likeness + WEIGHT * likeness_of_vectors >= TOGETHER
    return moved or fit.likeness >= SAME


def _waveform(path: str, start: float) -> np.ndarray:
    whole = audio.load(path, sample_rate=likeness.RATE)
    if len(whole) <= LONG * likeness.RATE:
        return whole
    first = round(start * likeness.RATE)
    return whole[first : first + round(PIECE * likeness.RATE)]


Pieces = list[tuple[float, np.ndarray]]


def _read(
    paths: Sequence[str], speeds: Sequence[float], jobs: int, what: str
) -> Iterator[tuple[Pieces, tuple[str, str], str]]:
    """Of each recording its pieces' vectors, its sums, and why it cannot be used."""

    def read(shard: Sequence[str], stopped: Callable[[], bool]) -> list[tuple[Pieces, tuple[str, str], str]]:
        return [_heard(path, speeds) for path in shard if not stopped()]

    shards = [paths[i : i + SHARD] for i in range(0, len(paths), SHARD)]
    with Progress(what, len(paths)) as progress, results(read, shards, jobs=jobs, threads=True) as made:
        for shard in made:
            yield from shard
            progress.step(by=len(shard))


def _heard(path: str, speeds: Sequence[float]) -> tuple[Pieces, tuple[str, str], str]:
    try:
        whole = audio.load(path, sample_rate=likeness.RATE)
        sums = (sha256(Path(path)), hashlib.sha256(np.round(whole * 2**15).astype(np.int16)).hexdigest())
    except BadAudioError as error:
        return [], ("", ""), str(error)
    except OSError as error:
        return [], ("", ""), f"{path}: cannot be read ({error.strerror})"
    pieces = []
    for start in _starts(len(whole) / likeness.RATE):
        first = round(start * likeness.RATE)
        piece = (
            whole[first : first + round(PIECE * likeness.RATE)] if start or len(whole) > LONG * likeness.RATE else whole
        )
        if (vectors := likeness.describe(piece, speeds)) is not None:
            pieces.append((start, vectors))
    return pieces, sums, "" if pieces else f"{path}: is too short to be compared"


def _starts(seconds: float) -> list[float]:
    if seconds <= LONG:
        return [0.0]
    return [float(start) for start in np.arange(0.0, seconds - PIECE / 2, EVERY)]
