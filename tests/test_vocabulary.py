"""One vocabulary of emotions: every paper runs on every corpus that shares its emotions."""

import pandas as pd
import pytest
from conftest import PAPERS, from_names, load_run

from ser_keras.corpora import CORPORA, vocabulary

OWN = {
    "jin2022": "ravdess",
    "boucheta2025": "ravdess",
    "varshney2025": "ravdess",
    "cournut2017": "emodb",
    "tripathi2019": "ravdess_standin",
}


def test_every_word_means_one_emotion():
    words = [word for emotion, others in vocabulary.EMOTIONS.items() for word in (emotion, *others)]
    assert len(words) == len(set(words))
    assert all(word == word.lower() for word in words)


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=list(CORPORA))
def test_a_corpus_has_no_two_words_for_one_emotion(corpus):
    assert len({vocabulary.canonical(word) for word in corpus.emotions}) == len(corpus.emotions)


def test_words_are_the_same_whatever_their_case():
    assert vocabulary.same("Anger", "angry")
    assert vocabulary.same("no_agreement", "xxx")
    assert not vocabulary.same("sad", "bored")
    assert vocabulary.canonical(" Joy ") == "happy"


def test_choosing_keeps_order_and_index_and_the_corpus_keeps_its_table():
    table = pd.DataFrame({"emotion": ["boredom", "anger", "sad", "no agreement", "anger"]}, index=[9, 7, 5, 3, 1])
    found = vocabulary.chosen(table, ("sad", "angry"))
    assert found.emotion.to_dict() == {7: "angry", 5: "sad", 1: "angry"}
    assert table.emotion.tolist()[1] == "anger"
    assert vocabulary.translate(table, ("sad", "angry")).emotion.tolist() == [
        "boredom",
        "angry",
        "sad",
        "no agreement",
        "angry",
    ]


def as_before(paper, table):
    """What each paper's script chose when it compared words letter by letter."""
    if paper == "jin2022":
        return table[table.emotion.isin(CORPORA["ravdess"].emotions)]
    if paper == "boucheta2025":
        return table.assign(emotion=table.emotion.replace("calm", "neutral"))
    if paper == "tripathi2019":
        words = {"calm": "neutral", "happy": "happiness", "sad": "sadness", "angry": "anger"}
        return table.assign(emotion=table.emotion.replace(words))
    return table


@pytest.mark.parametrize("paper", PAPERS)
def test_on_its_own_corpus_a_paper_chooses_what_it_chose(paper):
    table = from_names(OWN[paper])
    chosen = load_run(paper).EXPERIMENT.labels(table)
    before = as_before(paper, table)
    if paper == "tripathi2019":  # which of each emotion: tests/test_tripathi2019.py
        before = before.loc[chosen.index]
    pd.testing.assert_frame_equal(chosen, before)


@pytest.mark.parametrize(
    ("paper", "corpus", "emotions", "recordings"),
    [
        ("jin2022", "emodb", "neutral happy sad angry fearful disgust", 454),
        ("boucheta2025", "emodb", "neutral happy sad angry fearful disgust", 454),
        ("varshney2025", "emodb", "neutral happy sad angry fearful disgust", 454),
        ("cournut2017", "ravdess", "neutral happiness sadness anger fear disgust", 1056),
        ("tripathi2019", "emodb", "neutral happiness sadness anger", 161),
    ],
)
def test_on_anothers_corpus_a_paper_takes_the_emotions_that_both_have(paper, corpus, emotions, recordings):
    chosen = load_run(paper).EXPERIMENT.labels(from_names(corpus))
    assert set(chosen.emotion) == set(emotions.split())
    assert len(chosen) == recordings
