"""A verdict must be able to fail: known truths, and the committed results with their reported numbers shuffled.

The margins here are such that the rule before this one, a prediction interval of any width, fails them.
"""

import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from ser_keras.evaluation.verdicts import AGREES, DIFFERS, EMOTION_MARGIN, outcome
from ser_keras.runs.script import load as script

PAPERS = 60


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(ROOT / "benchmarks"))  # where it finds `printing`
    try:
        return script(ROOT / "benchmarks" / "verdicts.py")
    finally:
        sys.path.pop(0)


@pytest.fixture(scope="module")
def shuffled(benchmark):
    return list(benchmark.committed())


def share(cases, kind):
    return np.mean([c.kind == kind for c in cases])


@pytest.mark.parametrize("n", [3, 5, 10])
def test_further_runs_are_covered(benchmark, n):
    for sd in (2, 5, 10):
        assert benchmark.coverage(benchmark.simulate(n, sd, papers=PAPERS)) >= 0.93
        collapsing = benchmark.simulate(n, sd, collapse=0.2, papers=PAPERS)
        assert benchmark.coverage(collapsing) >= 0.90


def test_steady_runs_agree_with_their_like_and_differ_from_others(benchmark):
    assert share(benchmark.simulate(5, 2, papers=PAPERS), AGREES) >= 0.5
    far = benchmark.simulate(5, 2, away=10, papers=PAPERS)
    assert share(far, DIFFERS) >= 0.9
    three = benchmark.simulate(3, 2, away=10, papers=PAPERS)
    assert np.mean([c.old for c in three]) > 0.1  # the old rule


@pytest.mark.parametrize("n", [3, 5, 10])
def test_nothing_far_away_agrees_however_noisy(benchmark, n):
    for sd in (2, 5, 10):
        far = benchmark.simulate(n, sd, away=10, papers=PAPERS)
        assert share(far, AGREES) <= 0.1
        emotion = benchmark.simulate(n, sd, away=20, margin=EMOTION_MARGIN, papers=PAPERS)
        assert share(emotion, AGREES) <= 0.1
        if sd == 10:
            assert min(np.mean([c.old for c in cases]) for cases in (far, emotion)) > 0.5  # the old rule


def test_the_best_of_five_agrees_no_oftener_than_a_typical_run(benchmark):
    best, typical = (benchmark.simulate(5, 2, best_of=k, papers=PAPERS) for k in (5, 1))
    assert share(best, AGREES) < share(typical, AGREES)


def test_a_table_whose_rows_differ_agrees_in_true_order_alone(benchmark):
    true, mixed = benchmark.table_of_ten(apart=10, papers=20)
    assert true >= 0.3
    assert mixed <= true / 3


def test_the_method_pages_table_is_what_the_benchmark_gives(benchmark):
    table = pd.read_csv(benchmark.TABLE).set_index(["Runs", "Deviation"])
    row = table.loc[(5, 2)]
    equal, far = (benchmark.simulate(5, 2, away=away, papers=benchmark.PAPERS) for away in (0, 10))
    assert row["Coverage"] == pytest.approx(benchmark.coverage(equal), abs=0.001)
    for name, cases in (("equal", equal), ("10 away", far)):
        for verdict, found in benchmark.shares(cases).items():
            assert row[f"{name}: {verdict}"] == pytest.approx(found, abs=0.001)


def test_agreements_are_those_of_the_rule(benchmark):
    rng = np.random.default_rng(3)
    values = (65 + 10 * rng.normal(size=6)).round(1)
    runs = benchmark.predictives([v + 2 * rng.normal(size=5) for v in values])
    found = benchmark.agreements(runs, values, np.full(6, 5.0), [values] * 6)
    for i, one in enumerate(runs):
        for j, value in enumerate(values):
            others = tuple(np.delete(values, j))
            assert found[i, j] == (outcome(value, one, 5.0, others).kind == AGREES)


def test_shuffled_numbers_of_the_committed_results_hardly_agree(shuffled):
    assert len(shuffled) >= 5
    for s in shuffled:
        assert s.agree.mean() < 0.3, f"{s.paper}: {s.kind}"
        assert not s.agree.any() or np.diag(s.agree).mean() >= 2 * s.agree.mean(), f"{s.paper}: {s.kind}"
    assert sum(s.old.mean() > 0.3 for s in shuffled) >= 5  # the old rule
