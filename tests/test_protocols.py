import numpy as np
import pandas as pd
import pytest

from ser_keras.corpora import CORPORA
from ser_keras.protocols.splits import GroupedFolds, RandomSplit, Split, audit, samples_of
from ser_keras.support.errors import SerError


@pytest.fixture
def samples():
    """Ten speakers, two texts, four emotions, three copies of each recording."""
    rows = [
        {"utterance": f"{s}{t}{e}", "speaker": s, "text": t, "emotion": e, "sha256": f"{s}{t}{e}"}
        for s in "abcdefghij"
        for t in "xy"
        for e in ("sad", "happy", "calm", "angry")
    ]
    return samples_of(pd.DataFrame(rows), np.ones(240, int), ("original", "noise", "pitch"))


def test_samples_follow_utterance_copy_window():
    table = pd.DataFrame({"utterance": ["a", "b"]})
    samples = samples_of(table, np.array([2, 1, 0, 3]), ("original", "noise"))
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
    folds = GroupedFolds(note="", folds=5).splits(samples, 0)
    originals = np.flatnonzero(samples["copy"] == "original")
    assert sorted(np.concatenate([f.test for f in folds])) == originals.tolist()
    for fold in folds:
        assert len(fold.train) == 192  # with their copies
        assert audit(samples, fold)["shared_speakers"] == 0
        assert audit(samples, fold)["siblings"] == 0
    other = GroupedFolds(note="", folds=5).splits(samples, 1)
    assert any((a.test.tolist() != b.test.tolist()) for a, b in zip(folds, other, strict=True))


def test_split_by_utterance_keeps_copies_together_and_tests_originals(samples):
    split = RandomSplit(note="", test=0.2, validation=0.25, by="utterance").splits(samples, 0)[0]
    assert (len(split.train), len(split.validation), len(split.test)) == (48 * 3, 16, 16)
    assert set(samples["copy"].iloc[split.test]) == {"original"}
    assert audit(samples, split)["siblings"] == 0
    assert set(samples.emotion.iloc[split.test].value_counts()) == {4}


def test_grouped_validation_shares_no_speaker_with_anybody(samples):
    for fold in GroupedFolds(note="", folds=5, validation=0.25).splits(samples, 0):
        groups = [set(samples.speaker.iloc[part]) for part in (fold.train, fold.validation, fold.test)]
        assert [len(g) for g in groups] == [6, 2, 2]
        assert not groups[0] & groups[1]
        assert not groups[1] & groups[2]


def test_too_few_speakers_are_told(samples):
    with pytest.raises(SerError, match="corpus has 10"):
        GroupedFolds(note="", folds=11).splits(samples, 0)


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
    samples = samples_of(table, np.ones(1440, int), ("original",))
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
    for fold in GroupedFolds(note="", folds=5).splits(samples, 0):
        assert audit(samples, fold)["shared_speakers"] == audit(samples, fold)["identical_audio"] == 0
