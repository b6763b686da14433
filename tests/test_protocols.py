import numpy as np
import pandas as pd
import pytest

from ser_keras.corpora import CORPORA
from ser_keras.protocols import (
    GroupKFold,
    LastSpeakers,
    Logged,
    RandomSplit,
    ScoredOn,
    Split,
    StratifiedKFold,
    audit,
    check_columns,
    examples_of,
)
from ser_keras.support.errors import ImpossibleError, SerError


@pytest.fixture
def samples():
    """Ten speakers, two texts, four emotions, three copies of each recording."""
    rows = [
        {"utterance": f"{s}{t}{e}", "speaker": s, "text": t, "emotion": e, "sha256": f"{s}{t}{e}"}
        for s in "abcdefghij"
        for t in "xy"
        for e in ("sad", "happy", "calm", "angry")
    ]
    return examples_of(pd.DataFrame(rows), np.ones(240, int), ("original", "noise", "pitch"))


def test_samples_follow_utterance_copy_window():
    table = pd.DataFrame({"utterance": ["a", "b"]})
    samples = examples_of(table, np.array([2, 1, 0, 3]), ("original", "noise"))
    assert samples.utterance.tolist() == ["a"] * 3 + ["b"] * 3
    assert samples["copy"].tolist() == ["original"] * 2 + ["noise"] * 4
    assert samples.window.tolist() == [0, 1, 0, 0, 1, 2]


def test_random_split_is_stratified_disjoint_and_seeded(samples):
    protocol = RandomSplit(note="", test=0.2, validation=0.25)
    split = protocol.splits(samples, 3)[0]
    assert (len(split.train), len(split.validation), len(split.test)) == (144, 48, 48)
    together = np.concatenate([split.train, split.validation, split.test])
    assert sorted(together) == list(range(240))
    assert set(samples.emotion.iloc[split.test].value_counts()) == {12}
    assert (protocol.splits(samples, 3)[0].test == split.test).all()
    assert (protocol.splits(samples, 4)[0].test != split.test).any()


def test_unstratified_split_lets_shares_wander(samples):
    split = RandomSplit(note="", test=0.2, stratify=False).splits(samples, 0)[0]
    assert len(set(samples.emotion.iloc[split.test].value_counts())) > 1


def test_grouped_folds_test_everybody_once_and_share_nobody(samples):
    folds = GroupKFold(note="", folds=5).splits(samples, 0)
    originals = np.flatnonzero(samples["copy"] == "original")
    assert sorted(np.concatenate([f.test for f in folds])) == originals.tolist()
    for fold in folds:
        assert len(fold.train) == 192  # with their copies
        assert audit(samples, fold)["shared_speakers"] == 0
        assert audit(samples, fold)["siblings"] == 0
    other = GroupKFold(note="", folds=5).splits(samples, 1)
    assert any((a.test.tolist() != b.test.tolist()) for a, b in zip(folds, other, strict=True))


def test_split_by_utterance_keeps_copies_together_and_tests_originals(samples):
    split = RandomSplit(note="", test=0.2, validation=0.25, by="utterance").splits(samples, 0)[0]
    assert (len(split.train), len(split.validation), len(split.test)) == (48 * 3, 16, 16)
    assert set(samples["copy"].iloc[split.test]) == {"original"}
    assert audit(samples, split)["siblings"] == 0
    assert set(samples.emotion.iloc[split.test].value_counts()) == {4}


def test_grouped_validation_shares_no_speaker_with_anybody(samples):
    for fold in GroupKFold(note="", folds=5, validation=0.25).splits(samples, 0):
        groups = [set(samples.speaker.iloc[part]) for part in (fold.train, fold.validation, fold.test)]
        assert [len(g) for g in groups] == [6, 2, 2]
        assert not groups[0] & groups[1]
        assert not groups[1] & groups[2]


def of_speakers(examples, names):
    return examples[examples.speaker.isin(list(names))].reset_index(drop=True)


@pytest.mark.parametrize(("folds", "names"), [(11, "abcdefghij"), (5, "abcd"), (5, "ab"), (None, "abc")])
def test_fewer_groups_than_folds_leave_one_out_in_turn(samples, folds, names):
    some = of_speakers(samples, names)
    protocol = GroupKFold(note="", folds=folds)
    made = protocol.splits(some, 0)
    assert sorted(tuple(some.speaker.iloc[split.test].unique()) for split in made) == [(name,) for name in names]
    assert all(audit(some, split)["shared_speakers"] == 0 for split in made)
    assert bool(protocol.remark(some)) == (folds is not None)


def test_a_remark_stands_only_where_folds_are_too_many(samples):
    assert GroupKFold(note="", folds=10).remark(samples) == ""
    assert "corpus has 10, fewer than 11 folds" in GroupKFold(note="", folds=11).remark(samples)


def test_what_few_speakers_cannot_give_is_told_with_the_counts(samples):
    three = of_speakers(samples, "abc")
    for protocol, names, counts in (
        (GroupKFold(note="", folds=5), "a", "need 2.*corpus has 1"),
        (GroupKFold(note="", folds=5, validation=0.2), "ab", "need 3.*validation.*corpus has 2"),
        (GroupKFold(note="", folds=5, validation=0.9), "abc", "90% cannot be set aside of 2"),
        (LastSpeakers(note="", test=1, validation=1), "ab", "2 held-out speakers.*corpus has 2"),
    ):
        with pytest.raises(ImpossibleError, match=counts):
            protocol.splits(of_speakers(samples, names), 0)
    made = GroupKFold(note="", folds=5, validation=0.2).splits(three, 0)
    for split in made:
        assert [three.speaker.iloc[part].nunique() for part in (split.train, split.validation, split.test)] == [1] * 3
    assert len(LastSpeakers(note="", test=1, validation=1).splits(three, 0)[0].train)


def test_what_few_recordings_cannot_give_is_told_with_the_counts(samples):
    few = samples.groupby("emotion").head(4).reset_index(drop=True)
    for protocol, examples, counts in (
        (StratifiedKFold(note="", folds=5), few, '5 stratified folds.*"calm" it has 4|5 stratified folds.* it has 4'),
        (StratifiedKFold(note="", folds=5), few[:0], "it has none"),
        (RandomSplit(note="", test=0.2), few[:1], "20% cannot be set aside of 1 .*drawn by sample.* has 1"),
        (RandomSplit(note="", test=0.2, stratify=False), few[:1], "20% cannot be set aside of 1 "),
        (RandomSplit(note="", test=0.2, by="utterance"), few[:0], "20% cannot be set aside of 0 .*utterance"),
    ):
        with pytest.raises(ImpossibleError, match=counts):
            protocol.splits(examples, 0)


@pytest.mark.parametrize("view", [ScoredOn(note="", of="paper", scored="train"), Logged(note="", of="paper")])
def test_a_view_says_that_it_divides_nothing(samples, view):
    with pytest.raises(SerError, match='reads the runs of the protocol "paper"'):
        view.splits(samples, 0)


def test_columns_are_checked_before_any_work(samples):
    samples.attrs["corpus"] = "savee"
    check_columns(samples, GroupKFold(note="", folds=5))
    check_columns(samples, RandomSplit(note="", test=0.2, by="utterance"))
    check_columns(samples[["utterance"]], RandomSplit(note="", test=0.2, stratify=False))
    with pytest.raises(ImpossibleError, match='GroupKFold reads "session", which savee does not tell'):
        check_columns(samples, GroupKFold(note="", folds=5, by="session"))
    samples.loc[[3, 5], "speaker"] = [None, ""]
    with pytest.raises(ImpossibleError, match="of 2 of 240 recordings"):
        check_columns(samples, LastSpeakers(note="", test=1))
    with pytest.raises(ImpossibleError, match='"emotion"'):
        check_columns(samples.drop(columns="emotion"), StratifiedKFold(note="", folds=2))


def test_the_audit_tells_what_the_corpus_does_not_say(samples):
    split = RandomSplit(note="", test=0.3).splits(samples, 0)[0]
    whole = audit(samples, split)
    for unknown in (samples.drop(columns="text"), samples.assign(text=None), samples.assign(text=np.nan)):
        assert audit(unknown, split) == whole | {"shared_texts": None}
    assert audit(samples.drop(columns="sha256"), split) == whole | {"identical_audio": None}
    half = samples.assign(text=samples.text.where(samples.speaker != "a"))
    assert audit(half, split)["shared_texts"] is None


def test_audit_counts_siblings_of_a_split_after_augmentation(samples):
    split = RandomSplit(note="", test=0.3).splits(samples, 0)[0]
    found = audit(samples, split)
    trained = set(samples.utterance.iloc[split.train])
    assert found["siblings"] == sum(u in trained for u in samples.utterance.iloc[split.test]) > 60
    assert found["shared_speakers"] == 10
    assert found["shared_texts"] == 2


def test_audit_finds_identical_audio_under_another_name(samples):
    same = samples.copy()
    same.loc[same.utterance == "axsad", "sha256"] = same.loc[same.utterance == "bxsad", "sha256"].iloc[0]
    test = np.flatnonzero(same.utterance == "axsad")
    train = np.flatnonzero(same.utterance != "axsad")
    found = audit(same, Split(train, np.array([], int), test))
    assert found["identical_audio"] == 3
    assert found["siblings"] == 0


@pytest.mark.real_audio
def test_audit_of_real_ravdess(real_data):
    table = CORPORA["ravdess"].load(real_data / "ravdess")
    samples = examples_of(table, np.ones(1440, int), ("original",))
    twins = {"03-01-03-01-02-01-07", "03-01-03-01-02-02-07"}
    counted = set()
    for seed in range(12):
        split = RandomSplit(note="", test=0.2).splits(samples, seed)[0]
        found = audit(samples, split)
        apart = len(twins & set(samples.utterance.iloc[split.test])) == 1
        assert found["identical_audio"] == int(apart)
        assert (found["shared_speakers"], found["shared_texts"], found["test"]) == (24, 2, 288)
        counted.add(found["identical_audio"])
    assert counted == {0, 1}
    for fold in GroupKFold(note="", folds=5).splits(samples, 0):
        assert audit(samples, fold)["shared_speakers"] == audit(samples, fold)["identical_audio"] == 0
