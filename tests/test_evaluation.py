import math

import numpy as np
import pandas as pd
import pytest

from ser_keras.evaluation.intervals import spread
from ser_keras.evaluation.metrics import by_seed, confusion, metrics, tidy, with_views
from ser_keras.protocols import RandomSplit, ScoredOn

PROTOCOLS = {
    "paper": RandomSplit(note="", test=0.2),
    "on_train": ScoredOn(note="", of="paper", scored="train"),
}


@pytest.fixture
def predictions():
    rows = []
    for seed in (0, 1):
        for fold in (0, 1):
            rows += [(seed, fold, "test", "a", "a", 0.9), (seed, fold, "test", "b", "a", 0.25)]
            rows += [(seed, fold, "train", "a", "a", 1.0)]
        rows += [(seed, 1, "test", "b", "b", 0.5)]
    table = pd.DataFrame(rows, columns=["seed", "fold", "split", "label", "prediction", "p_label"])
    return table.assign(corpus="c", protocol="paper", variant="v")


def test_metrics_by_hand():
    m = metrics(["a", "a", "a", "b"], ["a", "a", "b", "b"], ["a", "b", "c"])
    assert m["accuracy"] == 0.75
    assert m["uar"] == pytest.approx((2 / 3 + 1) / 2)
    assert m["precision/b"] == 0.5
    assert m["f1/a"] == pytest.approx(0.8)
    assert m["f1_macro"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert math.isnan(m["recall/c"])


def test_tidy_counts_every_run_and_part(predictions):
    table = tidy(predictions, {"c": ["a", "b"]}).set_index(["seed", "fold", "split", "metric"])
    assert table.loc[(0, 1, "test", "accuracy"), "value"] == pytest.approx(2 / 3)
    assert table.loc[(0, 1, "test", "accuracy"), "n"] == 3
    assert table.loc[(0, 0, "test", "loss"), "value"] == pytest.approx(-np.log([0.9, 0.25]).mean())


def test_folds_are_pooled_and_views_scored(predictions):
    values = by_seed(with_views(predictions, PROTOCOLS), PROTOCOLS, {"c": ["a", "b"]})
    values = values.set_index(["protocol", "seed", "metric"]).value
    assert values["paper", 0, "accuracy"] == pytest.approx(3 / 5)
    assert values["paper", 0, "recall/b"] == pytest.approx(1 / 3)
    assert values["paper", 0, "confusion/b/a"] == pytest.approx(2 / 3)
    assert values["on_train", 1, "accuracy"] == 1


def test_a_confusion_that_never_happened_is_none_in_every_seed(predictions):
    values = by_seed(predictions, PROTOCOLS, {"c": ["a", "b", "never"]})
    never = values[values.metric == "confusion/a/never"]
    assert never.seed.tolist() == [0, 1]
    assert (never.value == 0).all()


def test_recordings_are_counted_not_copies_or_windows(predictions):
    once = predictions.assign(utterance=[f"u{i % 4}" for i in range(len(predictions))])
    twice = pd.concat([once, once.assign(copy="noise")])
    for table in (once, twice):
        found = by_seed(table, PROTOCOLS, {"c": ["a", "b"]})
        found = found[(found.seed == 0) & (found.protocol == "paper")].set_index("metric").recordings
        test = once[(once.seed == 0) & (once.split == "test")]
        assert found["accuracy"] == test.utterance.nunique()
        assert found["recall/a"] == test[test.label == "a"].utterance.nunique()
        assert math.isnan(found["train/accuracy"])


def test_confusion_counts(predictions):
    table = confusion(predictions)
    assert table["count"].sum() == len(predictions)


def test_prediction_interval_against_the_formula():
    s = spread([50.0, 52.0, 54.0, 56.0])
    assert (s.mean, s.n) == (53.0, 4)
    angles = [math.asin(math.sqrt(v / 100)) for v in (50, 52, 54, 56)]
    half = 3.182446 * np.std(angles, ddof=1) * math.sqrt(1.25)
    expected = [100 * math.sin(np.mean(angles) + sign * half) ** 2 for sign in (-1, 1)]
    assert (s.low, s.high) == pytest.approx(expected, abs=1e-3)
    assert math.isnan(spread([50.0]).low)


def test_prediction_interval_covers_the_next_run():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(2000):
        *seen, following = rng.normal(60, 3, 6)
        s = spread(seen)
        inside += s.low <= following <= s.high
    assert 0.93 < inside / 2000 < 0.97


def test_prediction_interval_stays_within_what_a_share_can_be():
    for values in ([46, 62, 62.5, 72, 77], [95, 100, 100], [0, 0, 4]):
        s = spread(values)
        assert 0 <= s.low <= s.mean <= s.high <= 100
    assert spread([46, 62, 62.5, 72, 77]).high < 97.3


def test_rows_of_runs_without_moments_stand_beside_rows_with_them():
    """Runs of before readings at other moments, joined with those of after: both are scored at their end."""
    protocols = PROTOCOLS | {"late": ScoredOn(note="", of="paper", scored="test", moment="last")}
    rows = {"corpus": "c", "protocol": "paper", "variant": "v", "fold": 0, "split": "test", "label": "a"}
    old = pd.DataFrame({"utterance": ["u"], "seed": 0, "prediction": "a", **rows})
    new = pd.DataFrame(
        {"utterance": ["u", "u"], "seed": 1, "prediction": ["a", "b"], "moment": ["end", "last"], **rows}
    )
    seen = with_views(pd.concat([old, new], ignore_index=True), protocols)
    assert seen[seen.protocol == "paper"].seed.tolist() == [0, 1]
    assert seen[seen.protocol == "late"].prediction.tolist() == ["b"]
