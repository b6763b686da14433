"""How two recordings fit upon one another: at which speed, how much higher, and how well then.

Two takes of a sentence by one actor can be as alike as a copy that was stretched. But takes drift apart, in time and in
pitch, and a copy does not: whatever was done to it was done to all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ser_keras.leaks.likeness import PER_OCTAVE

BLURRED = (2.0, 1.5)  # frames, bins: finer detail does not survive a phase vocoder
SLOWER = 30.0  # frames: slower changes are the voice and the room
OVERLAP = 0.6  # of the shorter one
SEMITONES = 2.5
STEPS = tuple(step / 100 for step in range(-4, 5))  # of the speed, around the one that was found
SHORTEST = 50  # frames, half a second


@dataclass(frozen=True)
class Alignment:
    """How two recordings fit where they fit best.

    Attributes:
        likeness: Correlation of the two spectrograms, 1 for the same.
        speed: How much faster the first one is.
        semitones: How much higher the first one is.
    """

    likeness: float
    speed: float
    semitones: float

    @property
    def at_rest(self) -> bool:
        """Whether neither speed nor pitch differ."""
        return abs(self.speed - 1) < 0.02 and abs(self.semitones) < 0.5


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
        >>> fit.likeness > 0.9, fit.semitones, fit.at_rest
        (True, 0.0, True)
    """
    if min(len(one), len(other)) < SHORTEST:
        return None
    still = _prepared(other)
    fits = {step: _best(_prepared(_played(one, speed * (1 + step))), still) for step in STEPS}
    step = max(fits, key=lambda s: fits[s][0])
    value, bins = fits[step]
    return Alignment(value, speed * (1 + step), 12 * bins / PER_OCTAVE)


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


def _best(one: np.ndarray, other: np.ndarray) -> tuple[float, int]:
    """The highest correlation over shifts in time and pitch, and the shift in bins."""
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
    return float(found[row, column]), int(bins[column])
