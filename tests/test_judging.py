"""Reported numbers beside their readings: which those are, what explains a difference, and words for what is missing."""

import math
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ser_keras.evaluation import settling, together
from ser_keras.evaluation.clusters import of_recipe, resampled
from ser_keras.evaluation.judging import judged
from ser_keras.evaluation.numbers import Numbers
from ser_keras.evaluation.readings import home, readings_of
from ser_keras.evaluation.verdicts import DIFFERS, INCONCLUSIVE
from ser_keras.papers import Paper, Reported
from ser_keras.protocols import GroupKFold, LastSpeakers, RandomSplit, ScoredOn
from ser_keras.reports import judgements
from ser_keras.runs.results import Results, describe

CLASSES = ["happy", "sad"]
PROTOCOLS = {
    "paper": RandomSplit(note="random", test=0.2),
    "paper_test": ScoredOn(note="the same, validation part", of="paper", scored="validation"),
    "leak": RandomSplit(note="copies on both sides", test=0.2),
    "fixed": LastSpeakers(note="the last speaker", test=1),
    "never": GroupKFold(note="not run", folds=5),
}


def recordings(count, speaker="16"):
    """Names of Emo-DB's pattern, so that speakers are known."""
    return [f"{speaker}{text}{letter}{version}" for text in TEXTS for letter in "WF" for version in LETTERS][:count]


TEXTS = ["a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def run(protocol, variant, seed, hits, *, count=200, split="test", speaker="16", train=None):
    """One run: `hits` of `count` are right in each class."""
    names = recordings(count, speaker)
    parts = [(split, hits, names)] + ([("train", train, [f"t{n}" for n in names])] if train is not None else [])
    tables = []
    for part, right, of in parts:
        label = np.array(CLASSES * (len(of) // 2))
        wrong = np.where(label == "happy", "sad", "happy")
        place = np.arange(len(of)) // 2
        given = np.where(place < right * len(of) / 2 / count, label, wrong)
        tables.append(pd.DataFrame({"utterance": of, "split": part, "label": label, "prediction": given}))
    key = {"corpus": "emodb", "protocol": protocol, "variant": variant, "seed": seed, "fold": 0}
    return pd.concat(tables).assign(**key), key


def numbers_of(*made, protocols=PROTOCOLS, classes=CLASSES, shared=1):
    """Results from runs; where recordings differ from seed to seed, their names do."""
    cells = [
        {
            "cell": key,
            "audit": {"train": 800, "test": 200, "shared_speakers": shared},
            "parameters": {"classes": classes},
            "seconds": 1800.0,
        }
        for _, key in made
    ]
    history = pd.DataFrame(columns=["corpus", "protocol", "variant", "seed", "fold", "epoch", "accuracy"])
    described = {name: describe(p) for name, p in protocols.items()}
    return Numbers(Results(pd.concat([t for t, _ in made], ignore_index=True), history, cells, described, {}))


def seeds(protocol, variant, hits, **more):
    return [run(protocol, variant, seed, right, **more) for seed, right in enumerate(hits)]


def number(value, metric="accuracy", *, variant="net", row="R", table="T", **more):
    place = {"table": table, "row": row, "column": "", "corpus": "emodb", "variant": variant}
    made = Reported(**place, metric=metric, value=min(value, 100.0), **more)
    object.__setattr__(made, "value", value)  # a file with more than 100 % is refused; the verdict has a word for it
    return made


def paper(*reported):
    return Paper(
        key="x",
        short="X",
        title="T",
        authors=("A",),
        year=2020,
        venue="V",
        corpora=("emodb",),
        summary="S",
        finding="F",
        reported=reported,
    )


STEADY = [138, 140, 142, 140, 140]  # of 200: 70 %


def verdicts(*reported, of):
    return [j.verdict for j in judged(paper(*reported), of)]


def test_a_number_belongs_to_its_protocol_or_part():
    of = numbers_of(*seeds("fixed", "net", STEADY), *seeds("paper", "net", [100] * 5))
    assert home(number(70.0), of) == "paper"
    assert home(number(70.0, protocol="leak"), of) == "leak"
    assert home(number(70.0, part="validation"), of) == "paper_test"
    assert home(number(70.0, part="test"), of) == "paper"
    assert home(number(70.0, "train/accuracy", part="train"), of) == "paper"
    assert home(number(70.0, part="nowhere"), of) is None
    own, fixed = verdicts(number(70.0), number(70.0, protocol="fixed"), of=of)
    assert own.startswith("differs by -20.0")
    assert fixed.startswith("agrees within ±")
    table = judgements.comparison(paper(number(70.0, protocol="fixed"), number(70.0, part="validation")), of)
    assert table["Belongs to"].tolist() == ["fixed", "paper_test (validation part)"]


def test_alternatives_are_readings_and_other_rows_are_none():
    of = numbers_of(
        *seeds("fixed", "net_a", STEADY),
        *seeds("fixed", "net_b", STEADY),
        *seeds("fixed", "tree", STEADY),
        *seeds("fixed", "net_a@bfloat16", STEADY),
        *seeds("leak", "net_a", [190] * 5),
    )
    read = paper(number(70.0, variant="net_a", protocol="fixed"), number(60.0, variant="tree", protocol="fixed"))
    found = {j.variant: [w.words for w in j.readings] for j in judged(read, of)}
    assert found["net_a"] == ["fixed", "leak", "fixed with net_b", "best of 5 runs of fixed"]
    assert found["tree"] == ["fixed", "best of 5 runs of fixed"]
    assert found["net_a@bfloat16"] == ["fixed", "best of 5 runs of fixed"]


def test_two_looks_at_the_same_epoch_of_a_log_are_one_reading():
    at = {"last": 98.0, "epoch_30": 98.0, "epoch_20": 97.0, "paper": 64.0}
    of = SimpleNamespace(
        protocols={name: SimpleNamespace(scored="test" if name == "paper" else "log", of="paper") for name in at},
        variants=lambda corpus: ["net"],
        predictive=lambda *asked: True,
        values=lambda corpus, protocol, *rest: pd.Series([at[protocol]] * 2),
        base=lambda protocol: "paper",
    )
    found = readings_of(number(97.3), "net", paper(number(97.3)), of)
    assert [reading.protocol for reading in found] == ["paper", "last", "epoch_20"]


def test_only_a_tenfold_reading_explains_and_others_are_compatible():
    leak = [178, 180, 182, 180, 180]  # 90 %
    runs = [*seeds("fixed", "net", STEADY), *seeds("leak", "net", leak, speaker="15")]
    own = number(90.0, protocol="fixed")
    assert verdicts(own, of=numbers_of(*runs))[0].endswith("; explained by leak")
    rival = seeds("paper", "net", [178, 182], speaker="14")
    assert verdicts(own, of=numbers_of(*runs, *rival))[0].endswith("; compatible with leak, paper (two runs)")
    far = numbers_of(*seeds("fixed", "net", STEADY), *seeds("leak", "net", [98, 100, 102, 100, 100]))
    assert verdicts(own, of=far)[0].count(";") == 0


def test_the_best_of_several_is_a_reading_of_overall_numbers_alone():
    of = numbers_of(*seeds("fixed", "net", STEADY))
    whole, sad = judged(paper(number(70.0, protocol="fixed"), number(70.0, "recall/sad", protocol="fixed")), of)
    assert [w.words for w in whole.readings] == ["fixed", "best of 5 runs of fixed"]
    assert [w.words for w in sad.readings] == ["fixed"]
    assert whole.readings[1].runs.mean > whole.readings[0].runs.mean


@pytest.mark.parametrize(
    ("hits", "reported", "words"),
    [
        ([140], number(70.0), "one run"),
        ([140, 141], number(70.0), "two runs"),
        ([200] * 5, number(100.0), r"agrees within ±\S+ \(all 5 runs equal\)"),
        ([0] * 5, number(0.0), r"agrees within ±\S+ \(all 5 runs equal\)"),
        ([200] * 5, number(40.0), r"differs by \+60.0 .*\(all 5 runs equal\)"),
        (STEADY, number(130.0), "none: 130 % is no share"),
        (STEADY, number(70.0, protocol="never"), "not run: no run under never"),
        (STEADY, number(70.0, protocol="unheard_of"), "not run: no run under unheard_of"),
        (STEADY, number(70.0, part="nowhere"), "not run: no protocol scores the nowhere part"),
        (STEADY, number(70.0, "recall/calm"), "none: calm is no class of the runs"),
        (STEADY, number(70.0, "recall/angry"), "none: no recording of angry was tested"),
        (STEADY, number(70.0, "precision/angry"), "none: angry was never predicted"),
        (STEADY, number(70.0, "share/train"), "not run: the runs do not give it"),
        (STEADY, number(70.0, "train/accuracy"), "not run: the runs do not give it"),
    ],
)
def test_whatever_makes_no_verdict_gets_a_word(hits, reported, words):
    of = numbers_of(*seeds("paper", "net", hits), classes=[*CLASSES, "angry"])
    (found,) = verdicts(reported, of=of)
    assert re.fullmatch(words, found)
    read = paper(reported)
    for make in (
        judgements.comparison,
        judgements.joint,
        judgements.tables,
        judgements.readings,
        judgements.settling,
        judgements.plan,
    ):
        assert not (make(read, of).astype(str) == "nan").any(axis=None)
        assert "nan" not in make(read, of).to_csv()


def test_small_test_parts_drawn_anew_have_a_sampling_error_and_fixed_ones_none():
    drawn = [run("paper", "net", seed, 140, speaker=f"0{seed}") for seed in range(4)]
    of = numbers_of(*drawn, *seeds("fixed", "net", [140] * 4))
    assert of.predictive("emodb", "paper", "net", "accuracy").s == pytest.approx(0.5 / math.sqrt(200))
    assert of.predictive("emodb", "paper", "net", "recall/sad").s == pytest.approx(0.5 / math.sqrt(100))
    assert of.predictive("emodb", "fixed", "net", "accuracy").s == 0


def test_copies_are_no_further_recordings():
    drawn = [run("paper", "net", seed, 140, speaker=f"0{seed}") for seed in range(4)]
    copied = [(pd.concat([table, table]), key) for table, key in drawn]
    one, two = (numbers_of(*made).predictive("emodb", "paper", "net", "accuracy").s for made in (drawn, copied))
    assert one == two


def test_train_and_test_accuracy_are_judged_by_their_distance():
    pairs = [(140, 150), (160, 170), (180, 190), (150, 160), (170, 182)]  # apart by 5 points, far apart in level
    of = numbers_of(*(run("fixed", "net", i, test, train=train) for i, (test, train) in enumerate(pairs)))
    for train, words in ((85.0, "agrees within"), (97.0, "differs by")):
        read = paper(number(80.0, protocol="fixed"), number(train, "train/accuracy", protocol="fixed"))
        assert {j.own.kind for j in judged(read, of)} == {INCONCLUSIVE}  # each by itself could be
        (pair,) = together.joint(judged(read, of), of)
        assert pair.verdict.startswith(words)


def test_a_row_of_a_confusion_matrix_is_judged_together():
    of = numbers_of(*seeds("fixed", "net", STEADY))
    read = paper(
        number(70.0, "recall/sad", protocol="fixed"), number(30.0, "confusion/sad/happy", protocol="fixed"), number(1.0)
    )
    (row,) = together.joint(judged(read, of), of)
    assert row.what == "sad, 2 cells of its row"
    assert row.verdict == "agrees: all 2 cells"
    read = paper(number(70.0, "recall/sad", protocol="fixed"), number(80.0, "confusion/sad/happy", protocol="fixed"))
    (row,) = together.joint(judged(read, of), of)
    assert row.verdict == "differs: as happy outside at the level of 2 cells"
    runs = of.predictive("emodb", "fixed", "net", "recall/sad")
    between = round((runs.ends(0.95)[1] + runs.ends(0.975)[1]) / 2, 2)  # outside by itself, one of two cells by chance
    read = paper(number(between, "recall/sad", protocol="fixed"), number(30.0, "confusion/sad/happy", protocol="fixed"))
    (row,) = together.joint(judged(read, of), of)
    assert row.judged[0].own.kind == DIFFERS
    assert row.verdict == "inconclusive: no cell outside at the level of 2 cells"


def test_a_table_is_judged_as_a_whole_cells_once_and_shares_not():
    of = numbers_of(*seeds("fixed", "a", STEADY), *seeds("fixed", "b", [118, 120, 122, 120, 120]))
    read = paper(
        number(73.0, variant="a", protocol="fixed"),
        number(73.0, variant="a", protocol="fixed", row="again"),
        number(63.0, variant="b", protocol="fixed"),
        number(99.0, "share/train", variant="b", protocol="fixed"),
    )
    (line,) = together.tables_as_wholes(judged(read, of), of)
    assert (line.rows, line.distinct, line.outside) == (3, 2, 2)
    assert line.difference == pytest.approx(-3)
    by_seed = np.array([-4.0, -3.0, -2.0, -3.0, -3.0])
    half = 2.776 * by_seed.std(ddof=1) / math.sqrt(5)
    assert (line.low, line.high) == pytest.approx((-3 - half, -3 + half), abs=0.08)
    assert line.verdict.startswith("differs by -3.0")


def test_open_verdicts_are_settled_by_runs_or_by_none():
    hits = [136, 140, 144]
    of = numbers_of(*seeds("fixed", "net", hits), *seeds("leak", "net", [60, 140, 190]), *seeds("paper", "net", [140]))
    read = paper(number(70.0, protocol="fixed"), number(70.0, protocol="leak"), number(70.0), number(10.0, row="Q"))
    found = settling.settling(judged(read, of), of)
    by_protocol = {s.judged.reading.protocol: s for s in found if s.judged.number.value == 70.0}
    assert by_protocol["leak"].more is None
    fixed = by_protocol["fixed"]
    if fixed.more:
        assert fixed.hours == pytest.approx(fixed.more / 2)
    assert by_protocol["paper"].more is None or by_protocol["paper"].more >= 2
    assert [s.per_hour for s in found] == sorted((s.per_hour for s in found), reverse=True)
    table = judgements.settling(read, of)
    assert "no number of runs" in set(table["More runs"].astype(str))


def test_the_number_of_runs_that_settles_is_the_least():
    from ser_keras.evaluation.intervals import SHARES
    from ser_keras.evaluation.predictive import Predictive

    runs = Predictive(n=3, mean=70.0, centre=float(SHARES.to(70.0)), s=0.0235, nu=4)
    more = settling.needed(70.0, runs, 5.0)
    assert more
    assert runs.after(more).h <= 5 < runs.after(more - 1).h
    few, many = (settling.chance(70.0, runs, 5.0, more=m) for m in (1, 60))
    assert 0 <= few < many <= 1
    assert settling.needed(70.0, Predictive(n=3, mean=70.0, centre=0.99, s=0.2, nu=9), 5.0) is None


def test_plans_count_all_numbers_of_a_reading():
    of = numbers_of(*seeds("fixed", "net", [136, 140, 144]))
    read = paper(number(70.0, protocol="fixed"), number(55.0, "recall/sad", protocol="fixed"))
    found = settling.settling(judged(read, of), of)
    for plan in settling.plans(found, of):
        assert plan.reading.protocol == "fixed"
        assert plan.open == len(found)
        assert plan.hours == pytest.approx(plan.more / 2)
        assert 0 < plan.settled <= plan.open


def test_speakers_are_drawn_again_where_several_are_tested():
    parts = [run("fixed", "net", 0, hits, speaker=who) for who, hits in (("08", 200), ("09", 100), ("10", 150))]
    of = numbers_of((pd.concat([t for t, _ in parts]), parts[0][1]), shared=0)
    found = of_recipe(of, "emodb", "fixed", "net", "accuracy")
    assert (found.unit, found.units, found.value) == ("speakers", 3, 75.0)
    assert found.error == pytest.approx(25 / math.sqrt(3), rel=0.05)  # 100, 50 and 75 %
    one = numbers_of(*seeds("fixed", "net", STEADY))
    assert of_recipe(one, "emodb", "fixed", "net", "accuracy").unit == "recordings"
    table = judgements.sampling(of)
    assert table["Drawn again"].tolist() == ["3 speakers"] * 2


def test_windows_of_a_recording_are_one_cluster():
    rng = np.random.default_rng(0)
    recording = np.repeat(np.arange(40), 50)
    rows = pd.DataFrame({"label": "sad", "right": (rng.random(40) < 0.6)[recording]})
    clustered = resampled(rows, pd.Series(recording), "accuracy", unit="recordings")
    share = rows.right.mean()
    assert clustered.error == pytest.approx(100 * math.sqrt(share * (1 - share) / 39), rel=0.05)
    assert resampled(rows, pd.Series(recording), "f1/sad", unit="recordings") is None
    assert resampled(rows, pd.Series(np.zeros(2000)), "accuracy", unit="speakers") is None
