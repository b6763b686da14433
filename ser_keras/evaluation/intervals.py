"""Scales on which values over seeds are steady, and the plain interval from one recipe's runs alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import special

LEVEL = 0.95
RUNS_NEEDED = 3  # with two, Student's t is 12.7: the interval would hold nearly everything


@dataclass(frozen=True)
class Scale:
    """Where deviations are taken.

    Attributes:
        to: Per cent or points -> the scale.
        back: The scale -> per cent or points; what lies beyond the limits is brought back to them.
        low: The least value there can be, in per cent or points.
        high: The greatest.
    """

    to: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray], np.ndarray]
    low: float
    high: float


def angle(share: np.ndarray) -> np.ndarray:
    """arcsin(sqrt(share)) of per cent: the variance of shares is steady there, 1/(4 n) for n independent samples.

    Args:
        share: Per cent, of any shape; clipped to 0 to 100.

    Returns:
        Radians, the shape of `share`, in [0, pi / 2].

    Example:
        >>> round(float(angle(50.0)), 4), round(float(angle(100.0)), 4)
        (0.7854, 1.5708)
    """
    return np.arcsin(np.sqrt(np.clip(share, 0, 100) / 100))


def share(at: np.ndarray) -> np.ndarray:
    """Per cent of an angle: what `angle` undoes; angles beyond 0 and 90 degrees are 0 and 100 %.

    Args:
        at: Radians, of any shape.

    Returns:
        Per cent, the shape of `at`.

    Example:
        >>> round(float(share(angle(73.0))), 6), float(share(-0.2))
        (73.0, 0.0)
    """
    return 100 * np.sin(np.clip(at, 0, np.pi / 2)) ** 2


SHARES = Scale(angle, share, 0.0, 100.0)
POINTS = Scale(np.asarray, np.asarray, -math.inf, math.inf)  # differences of shares: no end is near


@dataclass(frozen=True)
class Spread:
    """Values of one metric over seeds, in per cent.

    Attributes:
        n: Number of seeds.
        mean: Their mean.
        sd: Their standard deviation (n - 1); NaN for one seed.
        low: Lower end of the 95 % prediction interval for one further run; NaN for one seed.
        high: Its upper end.
    """

    n: int
    mean: float
    sd: float
    low: float
    high: float


def spread(values: Iterable[float]) -> Spread:
    """Mean, standard deviation and 95 % prediction interval of shares, from these runs alone.

    The interval is mean +- t * sd * sqrt(1 + 1/n), with Student's t for n - 1 degrees of freedom, on the scale
    arcsin(sqrt(share)), which keeps it within 0 and 100 %. Seeds are taken as draws from one distribution. Verdicts
    use `predictive.Predictive`, whose deviation borrows from the paper's other runs.

    Args:
        values: One value a seed, in per cent.

    Returns:
        The spread, in per cent.

    Example:
        >>> s = spread([60.0, 62.0, 64.0])
        >>> round(s.mean, 1), round(s.sd, 1), round(s.low, 1), round(s.high, 1)
        (62.0, 2.0, 51.9, 71.6)
    """
    values = np.asarray(list(values), dtype=float)
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Spread(n, mean, math.nan, math.nan, math.nan)
    angles = angle(values)
    half = special.stdtrit(n - 1, (1 + LEVEL) / 2) * np.std(angles, ddof=1) * math.sqrt(1 + 1 / n)
    low, high = share(np.mean(angles) + np.array([-half, half]))
    return Spread(n, mean, float(np.std(values, ddof=1)), float(low), float(high))
