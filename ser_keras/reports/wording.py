"""Numbers as text."""

from __future__ import annotations

import math

import numpy as np

from ser_keras.corpora import named
from ser_keras.evaluation.intervals import Spread
from ser_keras.evaluation.judging import SYNTHETIC
from ser_keras.evaluation.predictive import Predictive


def shown(corpus: str) -> str:
    """A corpus's name for tables; a synthetic one cannot be taken for a real one.

    Args:
        corpus: Its name.

    Example:
        >>> shown("ravdess"), shown("demo") == f"{SYNTHETIC} demo"
        ('ravdess', True)
    """
    return f"{SYNTHETIC} {corpus}" if named(corpus).synthetic else corpus


def mean_sd(s: Spread | None) -> str:
    """62.0 ± 2.0 %; without a spread for one seed; empty where nothing was run.

    Args:
        s: In per cent; None where nothing was run.

    Example:
        >>> from ser_keras.evaluation.intervals import spread
        >>> mean_sd(spread(np.array([60.0, 62.0, 64.0]))), mean_sd(None)
        ('62.0 ± 2.0 %', '')
    """
    if s is None or not np.isfinite(s.mean):
        return ""
    return f"{s.mean:.1f} %" if math.isnan(s.sd) else f"{s.mean:.1f} ± {s.sd:.1f} %"


def few(seeds: int) -> str:
    """How many seeds a number rests on, where that is three or fewer; else empty.

    Args:
        seeds: Their number.

    Example:
        >>> few(1), few(3), few(5)
        ('one seed', 'three seeds', '')
    """
    return {1: "one seed", 2: "two seeds", 3: "three seeds"}.get(seeds, "")


def interval(runs: Predictive | None) -> str:
    """51.8 to 71.7 %; empty where nothing was run, and for one run.

    Args:
        runs: In per cent; None where nothing was run.

    Example:
        >>> interval(None)
        ''
    """
    if runs is None or runs.n < 2 or math.isnan(runs.s):
        return ""
    low, high = runs.ends()
    return f"{low:.1f} to {high:.1f} %"


def one_digit(value: float, otherwise: str = "") -> str:
    """12.3; another text where it is not finite.

    Args:
        value: Any number.
        otherwise: The other text.

    Example:
        >>> one_digit(12.34), one_digit(math.inf, "never")
        ('12.3', 'never')
    """
    return f"{value:.1f}" if math.isfinite(value) else otherwise
