"""The verdict on a number: every outcome by hand, and a word for whatever makes none."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ser_keras.evaluation import moderation
from ser_keras.evaluation.intervals import POINTS, SHARES
from ser_keras.evaluation.predictive import Predictive
from ser_keras.evaluation.verdicts import (
    AGREES,
    DIFFERS,
    EMOTION_MARGIN,
    INCONCLUSIVE,
    MARGIN,
    NONE,
    concludes,
    could_tell,
    is_narrow,
    margin_of,
    outcome,
)


def runs(mean=70.0, s=0.0218, n=5, nu=30.0, **more):
    return Predictive(n=n, mean=mean, centre=float(SHARES.to(mean)), s=s, nu=nu, **more)


def test_the_interval_is_students_prediction_interval():
    low, high = runs(s=0.03, n=4, nu=7).ends()
    half = stats.t.ppf(0.975, 7) * 0.03 * math.sqrt(1.25)
    ends = [100 * math.sin(math.asin(math.sqrt(0.7)) + sign * half) ** 2 for sign in (-1, 1)]
    assert (low, high) == pytest.approx(ends)
    assert runs(s=0.03, n=4, nu=7).h == pytest.approx(70 - ends[0])  # the farther side


@pytest.mark.parametrize(("n", "nu"), [(3, 2), (5, 4), (10, 40)])
def test_what_is_detectable_shows_in_four_of_five_cases(n, nu):
    one = Predictive(n=n, mean=0.0, centre=0.0, s=2.0, nu=nu, scale=POINTS)
    rng = np.random.default_rng(0)
    draws = 40_000
    s = 2.0 * np.sqrt(rng.chisquare(nu, draws) / nu)  # as it is estimated
    mean = rng.normal(size=draws) * 2.0 / math.sqrt(n)
    reported = one.detectable + rng.normal(size=draws) * 2.0
    outside = np.abs(reported - mean) > stats.t.ppf(0.975, nu) * s * math.sqrt(1 + 1 / n)
    assert outside.mean() == pytest.approx(0.8, abs=0.01)


def test_densities_sum_to_one_and_follow_the_distribution():
    one = runs(s=0.05, nu=6)
    assert sum(one.density(value) for value in range(0, 101)) == pytest.approx(1)
    z = (np.array([math.asin(math.sqrt(v / 100)) for v in (74.5, 75.5)]) - one.centre) / (0.05 * math.sqrt(1.2))
    assert one.density(75.0) == pytest.approx(np.diff(stats.t.cdf(z, 6))[0])


def test_the_best_of_several_is_their_order_statistic():
    one = runs(s=0.06, n=5, nu=8)
    rng = np.random.default_rng(0)
    s = 0.06 * np.sqrt(8 / rng.chisquare(8, 100_000))
    mean = one.centre + rng.normal(size=100_000) * s / math.sqrt(5)
    best = SHARES.back((mean[:, None] + s[:, None] * rng.normal(size=(100_000, 5))).max(axis=1))
    found = one.best_of(5)
    assert found.mean == pytest.approx(np.median(best), abs=0.1)
    assert found.ends() == pytest.approx(np.quantile(best, [0.025, 0.975]), abs=0.3)
    assert found.density(80.0) == pytest.approx(np.mean(np.abs(best - 80) <= 0.5), abs=0.004)
    assert runs(s=0.0).best_of(5).ends() == (70.0, 70.0)


@pytest.mark.parametrize(
    ("reported", "given", "kind", "words"),
    [
        (72.0, {}, AGREES, "agrees within ±4.6"),
        (60.0, {}, DIFFERS, "differs by +10.0 (+5.4 to +14.4)"),
        (80.0, {}, DIFFERS, "differs by -10.0 (-14.6 to -5.6)"),
        (72.0, {"s": 0.03}, INCONCLUSIVE, "inconclusive: differences under 9.0 would not show"),
        (72.0, {"s": 0.09}, INCONCLUSIVE, "inconclusive: no number of runs could tell"),
        (72.0, {"n": 1}, NONE, "one run"),
        (72.0, {"n": 2}, NONE, "two runs"),
        (130.0, {}, NONE, "none: 130 % is no share"),
        (-1.0, {}, NONE, "none: -1 % is no share"),
        (72.0, {"s": math.nan, "nu": math.nan}, NONE, "none: the deviation is not known"),
        (70.3, {"s": 0.0, "equal": True}, DIFFERS, "differs by -0.3 (-0.3 to -0.3) (all 5 runs equal)"),
        (70.0, {"s": 0.0, "equal": True}, AGREES, "agrees within ±0.0 (all 5 runs equal)"),
        (100.0, {"mean": 100.0, "s": 0.0, "equal": True}, AGREES, "agrees within ±0.0 (all 5 runs equal)"),
        (0.0, {"mean": 0.0, "s": 0.02, "equal": True}, AGREES, "agrees within ±0.2 (all 5 runs equal)"),
        (100.0, {"mean": 50.0, "s": 1.0}, INCONCLUSIVE, "inconclusive: no number of runs could tell"),
        (95.0, {"mean": 50.0, "s": 0.4, "nu": 1.5}, INCONCLUSIVE, "inconclusive: no difference would show"),
    ],
)
def test_every_outcome_has_its_words(reported, given, kind, words):
    found = outcome(reported, runs(**given), MARGIN)
    assert (found.kind, found.text) == (kind, words)
    assert "nan" not in found.text


def test_agrees_within_h_is_true_as_it_stands():
    for mean in (1.0, 40.0, 97.0):
        for s in (0.01, 0.02, 0.05):
            one = runs(mean=mean, s=s)
            for value in np.linspace(0, 100, 401):
                if one.holds(value):
                    assert abs(value - one.mean) <= one.h + 1e-9


def test_a_narrow_interval_that_holds_the_papers_other_numbers_tells_nothing():
    near, far = [71.0, 69.0, 72.0, 50.0], [40.0, 50.0, 90.0, 71.0]
    assert outcome(70.0, runs(), MARGIN, far).kind == AGREES
    assert outcome(70.0, runs(), MARGIN, near).kind == INCONCLUSIVE
    assert outcome(70.0, runs(), MARGIN, near[:3]).kind == AGREES  # too few to say "most"
    assert outcome(50.0, runs(), MARGIN, near).kind == DIFFERS


def test_rounding_of_the_reported_number_is_no_difference():
    tight = runs(s=0.0001)
    assert outcome(70.4, tight, MARGIN).kind == DIFFERS
    assert outcome(70.0, replace(tight, mean=70.4, centre=float(SHARES.to(70.4))), MARGIN).kind == AGREES


def test_margins_are_wider_for_a_single_emotion():
    assert [margin_of(m) for m in ("uar", "recall/sad", "f1/sad", "confusion/sad/sad")] == [5, 10, 10, 10]
    assert [margin_of(m) for m in ("confusion/sad/happy", "train/accuracy", "utterance/accuracy")] == [5, 5, 5]
    wide = runs(s=0.04)
    assert is_narrow(wide, EMOTION_MARGIN)
    assert not is_narrow(wide, MARGIN)


def test_never_is_not_said_of_a_deviation_that_may_be_small():
    assert not could_tell(70.0, runs(s=0.04, nu=40), MARGIN)
    assert could_tell(70.0, runs(s=0.04, nu=2), MARGIN)
    assert not could_tell(70.0, runs(s=0.04, nu=2, floor=0.04), MARGIN)  # the test part alone makes it so large
    assert could_tell(80.0, runs(s=0.04, n=3, nu=5), MARGIN)  # in the end it would differ


def test_conclusions_come_with_runs():
    few = runs(s=0.024, n=3, nu=4)
    assert not concludes(70.0, few, MARGIN)
    assert concludes(70.0, few.after(20), MARGIN)
    assert few.after(20).n == 23


def test_deviations_no_further_apart_than_chance_makes_them_are_one():
    variances, d = np.array([1.0, 2.0, 4.0, 8.0, 3.0]), np.full(5, 4.0)
    assert np.log(variances).var(ddof=1) < math.pi**2 / 6 - 1  # trigamma(2), what four degrees of freedom scatter
    found = moderation.fit(variances, d)
    assert math.isinf(found.d0)
    assert found.moderated(1.0, 4) == (pytest.approx(math.sqrt(variances.mean())), 20)


def test_moderation_recovers_how_alike_deviations_are():
    rng = np.random.default_rng(1)
    d0, s0 = 6.0, 2.0
    true = s0**2 * d0 / rng.chisquare(d0, 4000)
    variances = true * rng.chisquare(4, 4000) / 4
    found = moderation.fit(variances, np.full(4000, 4.0))
    assert found.d0 == pytest.approx(d0, rel=0.15)
    s, nu = found.moderated(1.0, 4)
    assert s**2 == pytest.approx((found.d0 * found.variance + 4) / (found.d0 + 4))
    assert nu == found.d0 + 4


def test_no_deviation_is_known_better_than_all_runs_tell_it():
    alike = moderation.moderate({i: np.array([1.0, 2.0, 3.0]) for i in range(4)}, run_of=lambda i: i // 2)
    assert {nu for _, nu in alike.values()} == {4.0}  # four looks at two runs of three


def test_single_runs_borrow_and_lone_recipes_do_not():
    groups = {"a": np.array([1.0, 3.0]), "b": np.array([2.0, 4.0]), "one": np.array([7.0])}
    found = moderation.moderate(groups, run_of=str)
    assert found["one"] == (pytest.approx(math.sqrt(2)), 2.0)
    alone = moderation.moderate({"a": np.array([1.0, 2.0, 3.0])}, run_of=str)
    assert alone["a"] == (1.0, 2)
    assert math.isnan(moderation.moderate({"a": np.array([1.0])}, run_of=str)["a"][0])


def test_recipes_whose_runs_are_equal_tell_nothing_of_the_others():
    with_equal = {"a": np.array([1.0, 2.0, 3.0]), "b": np.array([1.0, 3.0, 5.0]), "tree": np.full(3, 9.0)}
    without = {name: values for name, values in with_equal.items() if name != "tree"}
    found = moderation.moderate(with_equal, run_of=str)
    assert found["a"][0] == moderation.moderate(without, run_of=str)["a"][0]
    assert 0 < found["tree"][0] <= found["b"][0]
    assert moderation.moderate({"tree": np.full(3, 9.0)}, run_of=str)["tree"] == (0.0, 2)
