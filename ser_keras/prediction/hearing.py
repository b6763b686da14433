"""How much of a recording a model hears, measured; and how a longer one is cut."""

from __future__ import annotations

import numpy as np

from ser_keras.features.extraction import Extraction

LONGEST = 12.0  # seconds of the noise that is measured with
STEP = 0.1  # seconds
SAME = 1e-3  # of the largest value: what lies behind adds no more
WHOLE = 6.0  # seconds: up to here a recording is one utterance, as in training (none of RAVDESS is longer)


def reach(extraction: Extraction) -> float | None:
    """Seconds from the offset on that can change an extraction's features; None where there is no end.

    It is measured on noise: the shortest beginning that gives the features of the whole.

    Args:
        extraction: What computes the features.

    Returns:
        `duration` where that is given, else a multiple of 0.1 s, or None.

    Example:
        >>> reach(Extraction(extract=lambda y: np.pad(y, (0, 16_000))[:16_000], sample_rate=8000))
        2.0
    """
    if extraction.ragged:
        return None
    if extraction.duration is not None:
        return extraction.duration
    rate = extraction.sample_rate
    noise = (0.1 * np.random.default_rng(0).normal(size=round(LONGEST * rate))).astype(np.float32)
    whole = np.asarray(extraction.extract(noise))

    def same(steps: int) -> bool:
        part = np.asarray(extraction.extract(noise[: round(steps * STEP * rate)]))
        return part.shape == whole.shape and np.abs(part - whole).max() <= SAME * np.abs(whole).max()

    low, high = 1, round(LONGEST / STEP)
    if not same(round(0.9 * high)):
        return None
    while low < high:  # a beginning that is long enough stays so when it grows
        middle = (low + high) // 2
        low, high = (low, middle) if same(middle) else (middle + 1, high)
    return round(low * STEP, 1)


def pieces(seconds: float, *, offset: float, span: float | None, every: float | None = None) -> list[float]:
    """Where the pieces of a recording start, in seconds; the last one ends where the recording ends.

    Args:
        seconds: Length of the recording.
        offset: What the model leaves out at the start of every piece.
        span: What it hears of a piece behind that; None for a model that hears all of any length.
        every: From one piece to the next; None puts what is heard side by side.

    Returns:
        One start, 0, for a recording of up to six seconds, which is one utterance as those in training.

    Example:
        >>> pieces(5.0, offset=0.6, span=2.5), pieces(9.0, offset=0.5, span=2.5)
        ([0.0], [0.0, 2.5, 5.0, 6.0])
    """
    length = offset + (span or WHOLE)
    if seconds <= max(WHOLE, length):
        return [0.0]
    last = seconds - length
    starts = np.arange(0.0, last, every or span or WHOLE)
    return [*(float(start) for start in starts), last]
