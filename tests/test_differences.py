"""Differences of recipes: paired by run, with an interval that allows for training parts that overlap."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ser_keras.evaluation.differences import difference, half_width
from ser_keras.protocols import StratifiedKFold
from ser_keras.reports.tables import Numbers
from ser_keras.runs.results import Results, describe

RIGHT = {"a": [9, 8, 7, 9, 8], "b": [7, 7, 6, 6, 8]}  # of ten test samples in each of five folds


def results(*, same_test: bool = False, seeds: int = 1) -> Results:
    rows, cells = [], []
    for variant, right in RIGHT.items():
        for seed in range(seeds):
            for fold, hits in enumerate(right):
                names = [f"{0 if same_test else fold}-{i}" for i in range(10)]
                given = np.where(np.arange(10) < hits, "sad", "happy")
                run = {"corpus": "ravdess", "protocol": "paper", "variant": variant, "seed": seed, "fold": fold}
                table = pd.DataFrame({"utterance": names, "split": "test", "label": "sad", "prediction": given})
                rows.append(table.assign(**run))
                cells.append({"cell": run, "audit": {"train": 40}, "parameters": {"classes": ["happy", "sad"]}})
    history = pd.DataFrame(columns=["corpus", "protocol", "variant", "seed", "fold", "epoch", "accuracy"])
    protocols = {"paper": describe(StratifiedKFold(note="", folds=5))}
    return Results(pd.concat(rows, ignore_index=True), history, cells, protocols, {})


def compare(made: Results):
    return difference(Numbers(made), "ravdess", "paper", "a", "b", "accuracy")


def test_folds_of_one_seed_give_an_interval():
    found = compare(results())
    by_fold = 10.0 * np.subtract(RIGHT["a"], RIGHT["b"])  # points
    assert found.points == pytest.approx(by_fold.mean())
    half = stats.t.ppf(0.975, 4) * by_fold.std(ddof=1) * np.sqrt(1 / 5 + 10 / 40)
    assert (found.low, found.high) == pytest.approx((by_fold.mean() - half, by_fold.mean() + half))
    assert (found.seeds, found.runs) == (1, 5)


def test_more_seeds_never_bring_the_interval_to_nothing():
    # A hundred repetitions of the same folds say no more of other recordings than the folds do.
    narrow = compare(results(seeds=20))
    by_fold = 10.0 * np.subtract(RIGHT["a"], RIGHT["b"])
    assert narrow.high - narrow.points > stats.norm.ppf(0.975) * by_fold.std() * np.sqrt(10 / 40)
    assert narrow.runs == 100


def test_with_the_same_test_samples_in_every_run_it_is_students():
    values = 10.0 * np.subtract(RIGHT["a"], RIGHT["b"])
    found = compare(results(same_test=True))
    low, high = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_unequal_runs_are_not_compared():
    made = results(seeds=2)
    alone = (made.predictions.variant == "b") & (made.predictions.seed == 1)
    made = Results(made.predictions[~alone], made.history, made.cells, made.protocols, {})
    assert (compare(made).seeds, compare(made).runs) == (1, 5)
    made = Results(made.predictions[made.predictions.variant == "a"], made.history, made.cells, made.protocols, {})
    assert compare(made) is None


def test_a_fold_without_the_class_says_nothing_of_its_recall():
    made = results()
    other = made.predictions.fold == 4
    made.predictions.loc[other, "label"] = "happy"
    found = difference(Numbers(made), "ravdess", "paper", "a", "b", "recall/sad")
    assert found.runs == 4
    by_fold = 10.0 * np.subtract(RIGHT["a"], RIGHT["b"])[:4]
    half = stats.t.ppf(0.975, 3) * by_fold.std(ddof=1) * np.sqrt(1 / 4 + 10 / 40)
    assert found.high - found.points == pytest.approx(half)


def test_two_runs_give_no_interval():
    assert np.isnan(half_width(np.array([1.0, 2.0]), overlap=0.25))
