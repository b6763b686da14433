"""Differences of recipes: paired by run, with an interval that allows for training parts that overlap."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ser_keras.evaluation.differences import Difference, difference, half_width, reported_difference
from ser_keras.evaluation.numbers import Numbers
from ser_keras.papers import Contrast, Paper, Reported
from ser_keras.protocols import StratifiedKFold
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


def test_one_further_pair_is_a_mean_over_its_folds():
    found = compare(results(seeds=3))
    values = np.tile(10.0 * np.subtract(RIGHT["a"], RIGHT["b"]), 3)
    half = stats.t.ppf(0.975, 14) * values.std(ddof=1) * np.sqrt(1 / 5 + 1 / 15)
    assert found.pair == pytest.approx((values.mean() - half, values.mean() + half))


def test_an_effect_is_bounded_by_two_one_sided_tests():
    found = compare(results(same_test=True))
    values = 10.0 * np.subtract(RIGHT["a"], RIGHT["b"])
    for bound, excluded in ((found.at_most + 0.01, True), (found.at_most - 0.01, False)):
        below = stats.ttest_1samp(values, bound, alternative="less").pvalue
        above = stats.ttest_1samp(values, -bound, alternative="greater").pvalue
        assert bool(max(below, above) < 0.05) is excluded
    assert found.says(margin=100.0) in ("an effect", f"no effect above {found.at_most:.1f}")
    open_case = Difference(1.0, -4.0, 6.0, 5, 5, 4.0, (-9.0, 11.0), 5.2)
    assert open_case.says(5.0) == "open: up to 5.2 either way"
    assert open_case.says(6.0) == "no effect above 5.2"
    assert Difference(1.0, np.nan, np.nan, 2, 2, np.nan, (np.nan, np.nan), np.nan).says(5.0) == "too few runs"


def test_where_runs_share_a_test_part_its_recordings_are_drawn_again():
    numbers = Numbers(results(seeds=3))  # five folds, all recordings in every seed
    found = difference(numbers, "ravdess", "paper", "a", "b", "accuracy", resample=True).resampled
    by_recording = [
        hit_a - hit_b
        for a, b in zip(RIGHT["a"], RIGHT["b"], strict=True)
        for hit_a, hit_b in zip(np.arange(10) < a, np.arange(10) < b, strict=True)
        for hit_a, hit_b in [(int(hit_a), int(hit_b))]
    ]
    assert (found.unit, found.units) == ("recordings", 50)
    assert found.value == pytest.approx(100 * np.mean(by_recording))
    assert found.error == pytest.approx(100 * stats.sem(by_recording), rel=0.1)
    one_seed = difference(Numbers(results()), "ravdess", "paper", "a", "b", "accuracy", resample=True)
    assert one_seed.resampled is None


def test_the_papers_own_difference_stands_beside():
    cell = {"table": "T", "row": "R", "column": "", "metric": "recall/sad"}
    rest = {"title": "T", "authors": ("A",), "year": 2020, "venue": "V", "summary": "S", "finding": "F"}
    read = Paper(
        key="x",
        short="X",
        corpora=("iemocap", "ravdess"),
        reported=(
            Reported(corpus="iemocap", variant="a", value=52.0, **cell),
            Reported(corpus="iemocap", variant="b", value=25.2, **(cell | {"metric": "confusion/sad/sad"})),
        ),
        **rest,
    )
    contrast = Contrast(corpus="ravdess", variant="a", against="b", metrics=("recall/sad",))
    assert reported_difference(read, contrast, "recall/sad") == (pytest.approx(26.8), "iemocap")
    assert reported_difference(read, contrast, "accuracy") is None
