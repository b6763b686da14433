"""Whether two recordings are one: a copy runs in step with its original from beginning to end.

Two takes of a sentence by one actor can be as alike as a copy that was stretched. But the takes drift apart, in time
and in pitch, and a copy does not: whatever was done to it was done to all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ser_keras.leaks.likeness import PER_OCTAVE

BLURRED = (2.0, 1.5)  # frames, bins: finer detail does not survive a phase vocoder
SLOWER = 30.0  # frames: slower changes are the voice and the room
OVERLAP = 0.6  # of the shorter one
SEMITONES = 2.5
STEPS = tuple(np.arange(-4, 5) / 100)  # of the speed, around the one that was found
SEGMENT = 50  # frames, half a second
LAGS, BENDS = 8, 3  # frames and bins that a segment is moved by
LOUD = 0.5  # of the mean: quieter segments tell nothing


@dataclass(frozen=True)
class Alignment:
    """How two recordings fit where they fit best.

    Attributes:
        likeness: Correlation of the two spectrograms, 1 for the same.
        least: The same of the worst of the segments.
        wander: How far segments stray in time from a straight line, root mean square, frames of 10 ms.
        bend: How far they stray in pitch, standard deviation, bins of half a semitone.
        speed: How much faster the first one is.
        semitones: How much higher the first one is.
        segments: Segments that could be compared.
    """

    likeness: float
    least: float
    wander: float
    bend: float
    speed: float
    semitones: float
    segments: int


def align(one: np.ndarray, other: np.ndarray, *, speed: float = 1.0) -> Alignment | None:
    """Fit one spectrogram to another.

    Args:
        one: Shape (frames, bins), as `likeness.spectrogram` gives it.
        other: Another.
        speed: About how much faster the first one is.

    Returns:
        The best fit near that speed; None where they are too short.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> noise = rng.random((200, 134)).astype(np.float32)
        >>> fit = align(noise[30:], noise)
        >>> round(fit.likeness, 2), fit.wander, fit.semitones
        (1.0, 0.0, 0.0)
    """
    if min(len(one), len(other)) < SEGMENT:
        return None
    still = _prepared(other)
    moved = {step: _prepared(_played(one, speed * (1 + step))) for step in STEPS}
    fits = {step: _best(made, still) for step, made in moved.items()}
    step = max(fits, key=lambda s: fits[s][0])
    value, lag, bins = fits[step]
    segments = _segments(moved[step], still, lag, bins)
    if len(segments) < 2:
        return None
    at, likenesses, lags, bends = segments.T
    line = np.polyfit(at, lags, 1) if len(segments) > 2 else np.array([0.0, lags.mean()])
    return Alignment(
        likeness=float(value),
        least=float(likenesses.min()),
        wander=float(np.sqrt(np.mean((lags - np.polyval(line, at)) ** 2))),
        bend=float(bends.std()),
        speed=speed * (1 + step),
        semitones=12 * bins / PER_OCTAVE,
        segments=len(segments),
    )


def _played(frames: np.ndarray, slower: float) -> np.ndarray:
    """The frames spread over `slower` times as many."""
    at = np.linspace(0, len(frames) - 1, max(2, round(len(frames) * slower)))
    low = np.minimum(at.astype(int), len(frames) - 2)
    weight = (at - low).astype(np.float32)[:, None]
    return frames[low] * (1 - weight) + frames[low + 1] * weight


def _prepared(frames: np.ndarray) -> np.ndarray:
    from scipy.ndimage import gaussian_filter, gaussian_filter1d

    blurred = gaussian_filter(frames, BLURRED)
    return blurred - gaussian_filter1d(blurred, SLOWER, axis=0)


def _best(one: np.ndarray, other: np.ndarray) -> tuple[float, int, int]:
    """The highest correlation over shifts in time and pitch, and the shifts in frames and bins."""
    from scipy.fft import irfft2, next_fast_len, rfft2

    farthest = round(SEMITONES * PER_OCTAVE / 12)
    shape = (next_fast_len(len(one) + len(other), real=True), next_fast_len(one.shape[1] + farthest + 1, real=True))
    product = irfft2(rfft2(one, shape) * rfft2(other, shape).conj(), shape)
    # Energies where the two overlap, which bins hardly change: running sums over frames.
    lags = np.arange(1 - len(other), len(one))
    start, end = np.maximum(0, lags), np.minimum(len(one), len(other) + lags)
    sums = [np.concatenate([[0.0], np.cumsum(np.square(part).sum(axis=1))]) for part in (one, other)]
    energy = (sums[0][end] - sums[0][start]) * (sums[1][end - lags] - sums[1][start - lags])
    bins = np.arange(-farthest, farthest + 1)
    found = product[lags % shape[0]][:, bins % shape[1]] / np.sqrt(np.maximum(energy, 1e-9))[:, None]
    found[end - start < OVERLAP * min(len(one), len(other))] = -1
    row, column = np.unravel_index(found.argmax(), found.shape)
    return float(found[row, column]), int(lags[row]), int(bins[column])


def _segments(one: np.ndarray, other: np.ndarray, lag: int, bins: int) -> np.ndarray:
    """Of each loud segment of the other its start, best correlation, further lag and further bins, shape (segments, 4)."""
    made = []
    loud = LOUD * np.abs(other).mean()
    width = other.shape[1]
    for start in range(max(0, -lag), min(len(other), len(one) - lag) - SEGMENT + 1, SEGMENT // 2):
        segment = other[start : start + SEGMENT]
        if np.abs(segment).mean() < loud:
            continue
        first, last = max(0, start + lag - LAGS), min(len(one), start + lag + LAGS + SEGMENT)
        views = np.lib.stride_tricks.sliding_window_view(one[first:last], SEGMENT, axis=0)  # (lags, bins, SEGMENT)
        best = (-2.0, 0, 0)
        for bend in range(-BENDS, BENDS + 1):
            moved = bins + bend
            low, high = max(0, -moved), min(width, width - moved)
            part, there = segment[:, low:high], views[:, low + moved : high + moved]
            dots = np.einsum("lbt,tb->l", there, part)
            norms = np.sqrt(np.einsum("lbt,lbt->l", there, there) * np.square(part).sum())
            found = dots / np.maximum(norms, 1e-9)
            at = int(found.argmax())
            if found[at] > best[0]:
                best = (float(found[at]), first + at - (start + lag), bend)
        made.append((start, *best))
    return np.array(made).reshape(-1, 4)
