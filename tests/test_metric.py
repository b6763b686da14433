"""The names of metrics are taken apart and put together in one place."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_keras.support.metric import OF_A_CLASS, PARTS, PLAIN, UTTERANCE, Metric


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("accuracy", Metric("accuracy")),
        ("utterance/uar", Metric("uar", unit=UTTERANCE)),
        ("train/accuracy", Metric("accuracy", part="train")),
        ("utterance/train/accuracy", Metric("accuracy", part="train", unit=UTTERANCE)),
        ("utterance/recall/sad", Metric("recall", "sad", unit=UTTERANCE)),
        ("precision/pleasant surprise", Metric("precision", "pleasant surprise")),
        ("confusion/sad/happy", Metric("confusion", "sad", "happy")),
        ("share/test", Metric("share", part="test")),
        ("log/validation_loss", Metric("log", column="validation_loss")),
        ("loss", Metric("loss")),
        ("recall/utterance", Metric("recall", "utterance")),
    ],
)
def test_names_are_taken_apart_and_put_together(name, metric):
    assert Metric.parse(name) == metric
    assert str(metric) == name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("acuracy", "accuracy"),
        ("recal/sad", "recall/sad"),
        ("utterence/recall/sad", "utterance/recall/sad"),
        ("confusoin/sad/happy", "confusion/sad/happy"),
        ("train/acc", None),
        ("share/tset", "share/test"),
        ("", None),
        ("/", None),
        ("utterance/", None),
        ("recall", None),
        ("recall/", None),
        ("recall/ sad", None),
        ("recall/a\nb", None),
        ("recall/sad/", None),
        ("confusion/sad", None),
        ("utterance/share/test", None),
        ("utterance/log/loss", None),
        ("utterance/utterance/uar", None),
        ("test/accuracy", None),
        ("Accuracy/", None),
        ("a/" * 100_000, None),
    ],
)
def test_what_is_no_name_is_refused_with_what_was_meant(name, meant):
    with pytest.raises(ValueError, match="is no metric") as caught:
        Metric.parse(name)
    if meant:
        assert str(caught.value) == f"{name!r} is no metric; did you mean {meant!r}?"
    assert str(caught.value).isprintable()


LABELS = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1).filter(
    lambda label: label.isprintable() and label == label.strip()
)
METRICS = st.one_of(
    st.builds(Metric, st.sampled_from(PLAIN), unit=st.sampled_from(["", UTTERANCE])),
    st.builds(Metric, st.just("accuracy"), part=st.just("train"), unit=st.sampled_from(["", UTTERANCE])),
    st.builds(Metric, st.sampled_from(OF_A_CLASS), LABELS, unit=st.sampled_from(["", UTTERANCE])),
    st.builds(Metric, st.just("confusion"), LABELS, LABELS, unit=st.sampled_from(["", UTTERANCE])),
    st.builds(Metric, st.just("share"), part=st.sampled_from(PARTS)),
    st.builds(Metric, st.just("log"), column=LABELS),
)


@given(METRICS)
def test_every_metric_has_a_name_of_its_own(metric):
    assert Metric.parse(str(metric)) == metric


def test_what_is_absent():
    assert Metric.parse("utterance/confusion/a/b").absent == 0
    assert math.isnan(Metric.parse("recall/a").absent)


def test_what_is_shown_in_per_cent():
    shown = {
        name: Metric.parse(name).per_cent for name in ("uar", "share/test", "confusion/a/b", "loss", "log/accuracy")
    }
    assert shown == {"uar": True, "share/test": True, "confusion/a/b": True, "loss": False, "log/accuracy": False}
    assert Metric.parse("log/epoch").is_log
    assert not Metric.parse("loss").is_log


def test_rivals_are_of_the_same_kind_and_unit():
    names = ["recall/a", "recall/b", "utterance/recall/c", "f1/c", "uar", "confusion/a/a", "confusion/a/b"]
    names += ["confusion/a/c", "confusion/b/a", "utterance/confusion/a/c", "log/learning rate", "train/accuracy"]
    assert Metric.parse("recall/a").rivals(names) == ["recall/b"]
    assert Metric.parse("confusion/a/b").rivals(names) == ["confusion/a/c"]
    assert Metric.parse("utterance/recall/a").rivals(names) == ["utterance/recall/c"]
    assert Metric.parse("accuracy").rivals(names) == []


def test_cells_of_the_confusion_matrix():
    names = ("confusion/a/b", "recall/a", "utterance/recall/a", "f1/a", "uar")
    assert [Metric.parse(name).cell for name in names] == [("a", "b"), ("a", "a"), None, None, None]


def test_short_names_and_units():
    assert [Metric.parse(n).short for n in ("utterance/recall/sad", "uar", "share/test")] == ["sad", "uar", "test"]
    assert str(Metric.parse("recall/sad").of_unit(UTTERANCE).of_unit("")) == "recall/sad"
