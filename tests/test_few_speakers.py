"""All papers and protocols on corpora with few speakers, with the names and counts of the real ones.

A protocol divides, or says in a sentence why it cannot. The sound is 0.3 seconds of noise.
"""

import io
import itertools
import random
import wave

import numpy as np
import pytest
from conftest import PAPERS, from_names, load_run

from ser_keras.corpora import CORPORA, iemocap
from ser_keras.protocols import View, audit, check_columns, examples_of
from ser_keras.support.errors import ImpossibleError, SerError

IMPROVISED = {"neu": 1099, "hap": 284, "sad": 608, "ang": 289}  # of the release, as its own summaries count them
OTHERS = ("exc", "fru", "xxx", "sur", "fea", "oth")
DISGUST = 2  # in all of the release


def sounds(seconds):
    """WAV files without end, no two alike."""
    rng, size = random.Random(0), 2 * round(seconds * 8000)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(size))
    heading = buffer.getvalue()[:-size]
    while True:
        yield heading + rng.randbytes(size)


def write_savee(folder, layout):
    for name, sound in zip(CORPORA["savee"].names, sounds(0.3), strict=False):
        speaker, stem = name.split("_")
        path = folder / layout.format(speaker=speaker, stem=stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sound)


def write_iemocap(folder):
    """The release's counts: turns a session, improvised turns an emotion; scripted ones and other labels beside them."""
    improvised = [code for code, count in IMPROVISED.items() for _ in range(count)]
    codes = {s: improvised[int(s) - 1 :: 5] for s in iemocap.TURNS}
    sound = sounds(0.3)
    for session, turns in iemocap.TURNS.items():
        rest = turns - len(codes[session])
        scripted = [code for code, _ in zip(itertools.cycle((*OTHERS, *IMPROVISED)), range(rest), strict=False)]
        if session == "1":
            scripted[:DISGUST] = ["dis"] * DISGUST
        for dialog, labels in (("impro01", codes[session]), ("script01_1", scripted)):
            name = f"Ses0{session}F_{dialog}"
            summaries = folder / f"Session{session}" / "dialog" / "EmoEvaluation" / f"{name}.txt"
            wavs = folder / f"Session{session}" / "sentences" / "wav" / name
            for place in (summaries.parent, wavs):
                place.mkdir(parents=True, exist_ok=True)
            lines = []
            for number, code in enumerate(labels):
                turn = f"{name}_{'FM'[number % 2]}{number:03}"
                lines.append(f"[{number}.0 - {number}.9]\t{turn}\t{code}\t[2.5, 2.5, 2.5]\n")
                (wavs / f"{turn}.wav").write_bytes(next(sound))
            summaries.write_text("".join(lines))


@pytest.fixture(scope="session")
def tables(tmp_path_factory, demo_folder):
    """Utterance tables, by a word for each corpus."""
    root = tmp_path_factory.mktemp("few")
    write_savee(root / "flat", "{speaker}_{stem}.wav")
    write_savee(root / "tree", "AudioData/{speaker}/{stem}.wav")
    write_iemocap(root / "iemocap")
    return {
        "savee, flat": CORPORA["savee"].load(root / "flat"),
        "savee, by speaker": CORPORA["savee"].load(root / "tree"),
        "iemocap": CORPORA["iemocap"].load(root / "iemocap"),
        "emodb": from_names("emodb"),
        "demo": CORPORA["demo"].load(demo_folder),
    }


def test_the_generated_corpora_are_whole(tables):
    assert {name: (len(table), table.speaker.nunique()) for name, table in tables.items()} == {
        "savee, flat": (480, 4),
        "savee, by speaker": (480, 4),
        "iemocap": (10_039, 10),
        "emodb": (535, 10),
        "demo": (180, 5),
    }
    flat, tree = tables["savee, flat"], tables["savee, by speaker"]
    assert flat.drop(columns="path").equals(tree.drop(columns="path"))


def divisions(tables, paper, corpus):
    """Examples and splits (or the reason why there are none) of each protocol that divides."""
    experiment = load_run(paper).EXPERIMENT
    chosen = experiment.labels(tables[corpus]).reset_index(drop=True)
    assert len(chosen)
    assert chosen.emotion.nunique() > 1
    for name, protocol in experiment.protocols.items():
        if isinstance(protocol, View):
            with pytest.raises(SerError, match=f'"{protocol.of}"'):
                protocol.splits(chosen, 0)
            continue
        check_columns(chosen, protocol)
        copies = ("original", *protocol.copies)
        examples = examples_of(chosen, np.ones(len(chosen) * len(copies), int), copies)
        try:
            yield name, protocol, examples, protocol.splits(examples, 0)
        except ImpossibleError as error:
            yield name, protocol, examples, str(error)


CORPUS_NAMES = ("savee, flat", "savee, by speaker", "iemocap", "emodb", "demo")


@pytest.mark.parametrize("corpus", CORPUS_NAMES)
@pytest.mark.parametrize("paper", PAPERS)
def test_every_protocol_divides_or_says_why_not(tables, paper, corpus):
    for name, protocol, examples, made in divisions(tables, paper, corpus):
        if isinstance(made, str):
            assert len(made.split()) > 5
            assert "\n" not in made
            continue
        tested = np.concatenate([split.test for split in made])
        assert len(tested) == len(set(tested))
        for split in made:
            # "full_batches" is a part of the validation part; every other one stands by itself.
            others = [part for kind, part in split.others.items() if kind != "full_batches"]
            parts = [split.train, split.validation, split.test, *others]
            assert len(split.train)
            assert len(split.test)
            assert len(np.concatenate(parts)) == len(set(np.concatenate(parts)))
            if name == "speaker_independent":
                assert audit(examples, split)["shared_speakers"] == 0
                speakers = [set(examples.speaker.iloc[part]) for part in parts]
                assert not speakers[0] & speakers[1]
        if protocol.covers:
            originals = np.flatnonzero(examples["copy"] == "original")
            assert set(originals) <= set(tested)


@pytest.mark.parametrize("paper", PAPERS)
def test_with_four_speakers_each_is_left_out_in_turn(tables, paper):
    made = {
        name: (protocol, examples, splits)
        for name, protocol, examples, splits in divisions(tables, paper, "savee, flat")
    }
    protocol, examples, splits = made["speaker_independent"]
    assert sorted(set(examples.speaker.iloc[split.test]).pop() for split in splits) == ["DC", "JE", "JK", "KL"]
    remark = "one speaker left out in turn: the corpus has 4, fewer than 5 folds"
    assert protocol.remark(examples) == (remark if paper != "cournut2017" else "")
    assert all(not isinstance(splits, str) for _, _, splits in made.values())  # all are possible on SAVEE


@pytest.mark.parametrize(
    ("paper", "by"), [("tripathi2019", "session"), ("jin2022", "speaker"), ("cournut2017", "speaker")]
)
def test_iemocap_is_divided_by_session_where_the_paper_does(tables, paper, by):
    made = {name: (examples, splits) for name, _, examples, splits in divisions(tables, paper, "iemocap")}
    examples, splits = made["speaker_independent"]
    tested = [set(examples[by].iloc[split.test]) for split in splits]
    assert len(tested) == {"tripathi2019": 5, "jin2022": 5, "cournut2017": 10}[paper]
    assert set.union(*tested) == set(examples[by])
    assert sum(map(len, tested)) == examples[by].nunique()


def test_tripathi_takes_iemocaps_improvised_turns(tables):
    chosen = load_run("tripathi2019").EXPERIMENT.labels(tables["iemocap"])
    assert chosen.emotion.value_counts().tolist() == [1099, 608, 289, 284]
    assert chosen.improvised.all()


@pytest.mark.parametrize("paper", PAPERS)
def test_one_speaker_costs_only_the_protocols_that_need_more(tables, paper):
    alone = {"one": tables["savee, flat"].query("speaker == 'DC'")}
    made = {name: splits for name, _, _, splits in divisions(alone, paper, "one")}
    assert "the corpus has 1" in made["speaker_independent"]
    possible = {name for name, splits in made.items() if not isinstance(splits, str)}
    held_out = {"cournut2017": {"paper"}, "varshney2025": {"paper", "authors_split"}}  # a speaker is held back
    assert possible == set(made) - {"speaker_independent"} - held_out.get(paper, set())
