"""Where one further run would fall, how large a difference would show, and what the best of several runs gives."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from scipy import optimize, special
from scipy.stats import qmc

from ser_keras.evaluation.intervals import LEVEL, SHARES, Scale

POWER = 0.8
WINDOW = 0.5  # points to both sides of a reported number: what a run must hit to count as giving it
DRAWS = 1024  # of (mean, deviation), evenly spread


@dataclass(frozen=True)
class Predictive:
    """The distribution of one further run of a recipe: Student's t on a scale where deviations are steady.

    A paper reports one run, so that is what its number is set beside; the mean of many runs is known better, but no
    paper reports it. Source: Spence & Stanley (2016), Prediction interval: what to expect when you're expecting a
    replication, PLoS ONE 11; Patil, Peng & Leek (2016), Perspectives on Psychological Science 11.

    Attributes:
        n: Runs that it rests on.
        mean: Their mean, in per cent (of a difference: in points).
        centre: Their mean on the scale.
        s: The standard deviation of a run on the scale; NaN where nothing tells it.
        nu: Degrees of freedom of `s`.
        scale: The scale.
        floor: What `s` cannot be less than, as the test part is drawn anew for each run.
        equal: Whether there are several runs and all are equal.
    """

    n: float
    mean: float
    centre: float
    s: float
    nu: float
    scale: Scale = SHARES
    floor: float = 0.0
    equal: bool = False

    def ends(self, level: float = LEVEL) -> tuple[float, float]:
        """The interval in which one further run falls, in per cent: mean +- t * s * sqrt(1 + 1/n) on the scale.

        Args:
            level: Of the interval, in (0, 1).

        Example:
            >>> low, high = Predictive(n=5, mean=70.0, centre=SHARES.to(70.0), s=0.0218, nu=30).ends()
            >>> round(low, 1), round(high, 1)
            (65.4, 74.4)
        """
        half = quantile(self.nu, (1 + level) / 2) * self.s * math.sqrt(1 + 1 / self.n)
        low, high = self.scale.back(np.array([self.centre - half, self.centre + half]))
        return float(low), float(high)

    @cached_property
    def h(self) -> float:
        """How far from the mean the interval reaches, in points; to the farther side, so that "within +-h" is true."""
        low, high = self.ends()
        return max(self.mean - low, high - self.mean)

    @cached_property
    def detectable(self) -> float:
        """The smallest difference that would show in four of five cases (a power of 80 %), in points.

        That is how far from the mean the paper's recipe must be for its one run to fall outside the interval so
        often; near 0 or 100 % only the side counts on which there is room. Infinite where there is room on neither.
        Source: Simonsohn (2015), Small telescopes: detectability and the evaluation of replication results,
        Psychological Science 26.

        Example:
            >>> round(Predictive(n=5, mean=70.0, centre=SHARES.to(70.0), s=0.0218, nu=30).detectable, 1)
            6.5
        """
        if math.isnan(self.s):
            return math.inf
        away = noncentrality(self.nu) * self.s * math.sqrt(1 + 1 / self.n)
        down, up = self.scale.back(np.array([self.centre - away, self.centre + away]))
        room = [self.mean - down] if down > self.scale.low else []
        room += [up - self.mean] if up < self.scale.high else []
        return max(map(float, room), default=math.inf)

    def holds(self, value: float, *, level: float = LEVEL, rounding: float = 0.0) -> bool:
        """Whether a value, or what it was rounded from, lies in the interval.

        Args:
            value: In per cent.
            level: Of the interval, in (0, 1).
            rounding: Half a unit of the value's last digit, in points.

        Returns:
            False where the spread is not known.
        """
        low, high = self.ends(level)
        return low - rounding <= value <= high + rounding

    def density(self, value: float) -> float:
        """The probability that one further run lies within half a point of a value: its density, by the point.

        Over a point, not at it: equal for all readings whether a value was rounded to one digit or to three, and
        defined for readings that always give the same.

        Args:
            value: In per cent.

        Returns:
            From 0 to 1; NaN where the spread is not known.

        Example:
            >>> p = Predictive(n=5, mean=70.0, centre=SHARES.to(70.0), s=0.0218, nu=30)
            >>> round(p.density(70.0), 2), p.density(70.0) > 5 * p.density(75.0)
            (0.18, True)
        """
        if math.isnan(self.s):
            return math.nan
        if self.s == 0:
            return float(abs(value - self.mean) <= WINDOW)
        low, high = (special.stdtr(self.nu, end) for end in self._window(value, self.s * math.sqrt(1 + 1 / self.n)))
        return float(high - low)

    def _window(self, value: float, by: float) -> tuple[float, float]:
        """The ends of a value's window in units of `by`; beyond 0 and 100 % there is no end."""
        low, high = value - WINDOW, value + WINDOW
        at = self.scale.to(np.array([low, high]))
        return (
            -math.inf if low <= self.scale.low else (at[0] - self.centre) / by,
            math.inf if high >= self.scale.high else (at[1] - self.centre) / by,
        )

    def after(self, more: float) -> Predictive:
        """What it would be after more runs, were their mean and deviation as those of the present ones.

        Args:
            more: How many; infinite for all that could be.

        Returns:
            A prediction; this one stays as it is.

        Example:
            >>> p = Predictive(n=5, mean=70.0, centre=SHARES.to(70.0), s=0.0218, nu=4)
            >>> round(p.h, 1), round(p.after(5).h, 1), round(p.after(math.inf).h, 1)
            (6.2, 4.8, 4.0)
        """
        return replace(self, n=self.n + more, nu=self.nu + more)

    def quietest(self) -> Predictive:
        """The same with the least deviation that the runs leave room for (its lower 95 % bound)."""
        if math.isinf(self.nu) or math.isnan(self.s):
            return self
        least = self.s * math.sqrt(self.nu / special.chdtri(self.nu, 0.05))
        return replace(self, s=max(least, self.floor), nu=math.inf)

    def best_of(self, k: int) -> Best:
        """The distribution of the best of k further runs.

        Args:
            k: How many, from 1.

        Returns:
            Its interval and density.
        """
        return Best(self, k)


@dataclass(frozen=True)
class Best:
    """The highest of k further runs, which is what a paper may report in place of a typical one.

    Its distribution is F^k for a known mean and deviation, averaged over those that the runs leave room for.

    Attributes:
        of: One further run.
        k: How many runs the best is taken of.

    Example:
        >>> one = Predictive(n=5, mean=70.0, centre=SHARES.to(70.0), s=0.0218, nu=30)
        >>> best = one.best_of(5)
        >>> round(best.mean, 1), [round(end, 1) for end in best.ends()]
        (72.3, [69.3, 75.8])
        >>> best.density(73.0) > one.density(73.0)
        True
    """

    of: Predictive
    k: int

    @property
    def n(self) -> float:
        """Runs that it rests on."""
        return self.of.n

    @cached_property
    def _draws(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and deviations on the scale that the runs leave room for."""
        u = qmc.Sobol(2, scramble=True, rng=0).random(DRAWS)
        s = np.full(DRAWS, self.of.s)
        if math.isfinite(self.of.nu):
            s = s * np.sqrt(self.of.nu / special.chdtri(self.of.nu, u[:, 0]))
        return self.of.centre + special.ndtri(u[:, 1]) * s / math.sqrt(self.of.n), s

    def _below(self, at: float) -> float:
        """The probability that the best of k lies below a place on the scale."""
        means, s = self._draws
        return float((special.ndtr((at - means) / s) ** self.k).mean())

    def _quantile(self, p: float) -> float:
        if not self.of.s > 0:
            return self.of.mean
        means, s = self._draws
        low, high = (means - 12 * s).min(), (means + 12 * s).max()
        return float(self.of.scale.back(optimize.brentq(lambda at: self._below(at) - p, low, high, xtol=1e-6)))

    @cached_property
    def mean(self) -> float:
        """The median, in per cent."""
        return self._quantile(0.5)

    def ends(self, level: float = LEVEL) -> tuple[float, float]:
        """The interval in which the best of k further runs falls, in per cent.

        Args:
            level: Of the interval, in (0, 1).
        """
        return self._quantile((1 - level) / 2), self._quantile((1 + level) / 2)

    @cached_property
    def h(self) -> float:
        """How far the interval reaches from the median, in points, to the farther side."""
        low, high = self.ends()
        return max(self.mean - low, high - self.mean)

    def holds(self, value: float, *, level: float = LEVEL, rounding: float = 0.0) -> bool:
        """Whether a value, or what it was rounded from, lies in the interval.

        Args:
            value: In per cent.
            level: Of the interval, in (0, 1).
            rounding: Half a unit of the value's last digit, in points.

        Returns:
            False where the spread is not known.
        """
        low, high = self.ends(level)
        return low - rounding <= value <= high + rounding

    def density(self, value: float) -> float:
        """The probability that the best of k lies within half a point of a value.

        Args:
            value: In per cent.

        Returns:
            From 0 to 1; NaN where the spread is not known.
        """
        if not self.of.s > 0:
            return self.of.density(value)
        low, high = self.of._window(value, 1.0)
        above = 1.0 if math.isinf(high) else self._below(self.of.centre + high)
        return above - (0.0 if math.isinf(low) else self._below(self.of.centre + low))


@lru_cache(maxsize=4096)
def quantile(nu: float, p: float) -> float:
    """Student's t; the normal quantile for infinite degrees of freedom; NaN where they are.

    Args:
        nu: Degrees of freedom; NaN where they are unknown.
        p: In (0, 1).

    Returns:
        In standard errors.

    Example:
        >>> round(quantile(4.0, 0.975), 2), round(quantile(math.inf, 0.975), 2)
        (2.78, 1.96)
    """
    return math.nan if math.isnan(nu) else float(special.stdtrit(nu, p))


@lru_cache(maxsize=4096)
def noncentrality(nu: float) -> float:
    """How far off, in standard errors, what a two-sided test at 5 % finds with a power of 80 % must be.

    Args:
        nu: Degrees of freedom.

    Returns:
        In standard errors.

    Example:
        >>> round(noncentrality(math.inf), 2), round(noncentrality(4.0), 2)
        (2.8, 3.76)
    """
    return float(special.nctdtrinc(nu, 1 - POWER, quantile(nu, (1 + LEVEL) / 2)))
