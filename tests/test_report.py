"""Tables and pages from results: every form of them, nothing synthetic published, nothing fetched by the page."""

import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ser_keras.evaluation.claims import holds
from ser_keras.evaluation.numbers import Numbers, shares
from ser_keras.papers import Claim, Contrast, Paper, Reported, Silence
from ser_keras.protocols import GroupKFold, RandomSplit, ScoredOn
from ser_keras.reports import figures, judgements, report, tables
from ser_keras.runs import results as store
from ser_keras.runs.results import Results, describe
from ser_keras.runs.rows import WHOLE
from ser_keras.support.errors import SerError

PROTOCOLS = {
    "paper": RandomSplit(note="the paper's", test=0.2),
    "on_train": ScoredOn(note="own <data> & more", of="paper", scored="train"),
}


def results(corpus="ravdess", seeds=3, right=0.6):
    rows, history, cells = [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        for split, share in (("train", 0.98), ("test", right)):
            label = rng.choice(["happy", "sad"], 200)
            wrong = np.where(label == "happy", "sad", "happy")
            given = np.where(rng.random(200) < share, label, wrong)
            rows.append(pd.DataFrame({"utterance": range(200), "split": split, "label": label, "prediction": given}))
            rows[-1] = rows[-1].assign(p_label=0.5, seed=seed)
        history.append(
            pd.DataFrame(
                {"epoch": [1, 2], "loss": [2.0, 1.0], "accuracy": [0.5, 0.9], "test_accuracy": [0.4, 0.6], "seed": seed}
            )
        )
        cells.append(
            {
                "cell": {"corpus": corpus, "protocol": "paper", "variant": "v", "seed": seed, "fold": 0},
                "parameters": {"classes": ["happy", "sad"], "precision": "float32", "epochs": 2},
                "audit": dict.fromkeys(
                    ("train", "test", "shared_speakers", "shared_texts", "siblings", "identical_audio"), 1
                ),
                "seconds": 1.0,
                "left_out": 0,
                "environment": {
                    "cores": 2,
                    "system": "x",
                    "python": "3",
                    "backend": "tensorflow",
                    "git_commit": "c",
                    "versions": {"keras": "3", "tensorflow": "2"},
                },
            }
        )
    lead = {"corpus": corpus, "protocol": "paper", "variant": "v", "fold": 0}
    return Results(
        predictions=pd.concat(rows, ignore_index=True).assign(**lead),
        history=pd.concat(history, ignore_index=True).assign(**lead),
        cells=cells,
        protocols={name: describe(p) for name, p in PROTOCOLS.items()},
        not_run={"savee": "needs registration"},
    )


def paper(value=98.0):
    number = {"table": "Table 1", "row": "R", "column": "", "variant": "v", "metric": "accuracy"}
    silence = dict.fromkeys(("section", "question", "because", "alternatives"), "a | b_c & d")
    return Paper(
        key="x2020",
        short="X 2020",
        title="T <b>",
        authors=("A", "B"),
        year=2020,
        venue="V",
        corpora=("ravdess", "savee"),
        summary="S",
        finding='It got {{ mean("ravdess", "paper", "v") }}, not {{ mean("ravdess", "nowhere", "v") }}.',
        reported=(Reported(corpus="ravdess", value=value, **number), Reported(corpus="savee", value=50.0, **number)),
        silences=(Silence(id="S1", choice="100 %", **silence),),
    )


def test_comparison_says_what_was_reported_what_came_out_and_why():
    table = judgements.comparison(paper(), Numbers(results(seeds=8))).set_index("Corpus")
    assert table.loc["ravdess", "Reported"] == "98 %"
    assert re.fullmatch(r"\d\d\.\d ± \d\.\d %", table.loc["ravdess", "Reproduced"])
    assert table.loc["ravdess", "verdict"].startswith("differs by -")
    assert table.loc["ravdess", "verdict"].endswith("; explained by on_train")
    assert table.loc["ravdess", "Belongs to"] == "paper"
    assert float(table.loc["ravdess", "detectable"]) > float(table.loc["ravdess", "h"]) > 0
    assert table.loc["savee", "verdict"] == "not run: needs registration"


def in_two_folds(*runs, corpus="ravdess"):
    """As `results`, but each run is a (seed, fold) of a cross-validation in two folds."""
    made = results(corpus, seeds=len(runs))
    places = pd.DataFrame(runs, columns=["seed", "fold"])

    def dealt(table):
        return table.assign(**{name: table.seed.map(places[name]) for name in places})

    counts = {"utterances/train": 200, "utterances/validation": 0, "utterances/test": 200}
    cells = [
        cell | {"cell": cell["cell"] | {"seed": seed, "fold": fold}, "audit": cell["audit"] | counts}
        for cell, (seed, fold) in zip(made.cells, runs, strict=True)
    ]
    return replace(
        made,
        predictions=dealt(made.predictions),
        history=dealt(made.history),
        cells=cells,
        protocols=made.protocols | {"paper": describe(GroupKFold(note="", folds=2))},
    )


@pytest.mark.parametrize(
    ("given", "waits"),
    [
        (describe(GroupKFold(note="", folds=2)), True),
        ({"kind": "OneOfOnesOwn", "covers": True, "note": "", "scored": "test"}, True),
        ({"kind": "RepeatedSplits", "covers": False, "folds": 5, "note": "", "scored": "test"}, False),
        ({"kind": "GroupKFold", "folds": 2, "note": "", "scored": "test"}, True),  # of before `covers`
        (describe(RandomSplit(note="", test=0.2)), False),
    ],
)
def test_the_protocol_says_whether_a_seed_needs_all_its_splits(given, waits):
    made = in_two_folds((0, 0))
    made = replace(made, protocols=made.protocols | {"paper": given})
    assert len(store.unfinished(made)) == waits


def test_counts_that_a_corpus_does_not_tell_are_unknown_in_the_table():
    made = results()
    for cell in made.cells:
        cell["audit"]["shared_texts"] = None
    table = tables.audit(made)
    assert table["Sentences on both sides"].tolist() == ["unknown"]
    assert table["Speakers on both sides"].tolist() == ["1"]


def test_a_seed_counts_when_its_last_fold_is_finished(tmp_path, capsys):
    numbers = report.write(paper(), in_two_folds((0, 0), (0, 1), (1, 0)), tmp_path)
    assert numbers.seeds("ravdess", "paper", "v").keys() == {0}
    assert numbers.seeds("ravdess", "on_train", "v").keys() == {0}
    assert set(pd.read_csv(tmp_path / "results.csv").seed) == {0}
    assert pd.read_csv(tmp_path / "tables" / "waiting.csv").to_dict("records") == [
        {
            "Corpus": "ravdess",
            "Protocol": "paper",
            "Variant": "v",
            "Seed": 1,
            "Folds finished": 1,
            "Recordings tested": 200,
            "Of": 400,
        }
    ]
    assert "Not counted yet" in (tmp_path / "report.html").read_text()
    report.show(paper(), numbers, tmp_path)
    assert "ravdess paper v seed 1 does not count" in capsys.readouterr().out


def test_finished_folds_are_committed_though_they_do_not_count_yet(tmp_path):
    folder = tmp_path / "jin2022"
    folder.mkdir()
    shutil.copyfile(Path(__file__).parents[1] / "reproductions/jin2022/paper.toml", folder / "paper.toml")
    made = in_two_folds((0, 0), (0, 1), (1, 0))
    report.publish_paper(made, folder)
    assert len(store.from_published(folder / "results").cells) == 3
    assert "Not counted yet" in (folder / "README.md").read_text()


def test_without_a_whole_seed_there_is_no_number(tmp_path):
    with pytest.raises(SerError, match=r"No number yet.*\n.*200 of 400 recordings are tested"):
        report.write(paper(), in_two_folds((0, 0)), tmp_path)


def test_one_fold_of_a_demonstration_is_enough():
    assert Numbers(in_two_folds((0, 0), corpus="demo")).seeds("demo", "paper", "v").keys() == {0}


def test_synthetic_numbers_bear_no_verdict_and_say_what_they_are():
    numbers = Numbers(results("demo"))
    table = judgements.comparison(paper(), numbers)
    assert set(table.Corpus) == {"SYNTHETIC demo"}
    assert set(table.verdict) == {"none: SYNTHETIC"}
    assert "SYNTHETIC" in report.finding(paper(), numbers)
    assert 'class="warning"' in report.html(paper(), numbers, [], Path("nowhere"))


def test_real_numbers_are_not_mixed_with_synthetic_ones():
    real, demo = results(), results("demo")
    both = Results(
        predictions=pd.concat([real.predictions, demo.predictions]),
        history=pd.concat([real.history, demo.history]),
        cells=real.cells + demo.cells,
        protocols=real.protocols,
        not_run=real.not_run,
    )
    assert "SYNTHETIC demo" not in set(judgements.comparison(paper(), Numbers(both)).Corpus)
    assert both.real().corpora == ["ravdess"]
    assert set(both.real().predictions.corpus) == {"ravdess"}


def test_nothing_synthetic_is_published(tmp_path):
    with pytest.raises(SerError, match="real corpus"):
        report.publish_paper(results("demo"), tmp_path)
    assert not (tmp_path / "results").exists()


def test_published_results_are_read_back_and_the_same_bytes_twice(tmp_path):
    store.publish(results(), tmp_path / "a")
    store.publish(results(), tmp_path / "b")
    for name in (store.PREDICTIONS, store.HISTORY, store.MANIFEST):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    again = store.from_published(tmp_path / "a")
    assert Numbers(again).spread("ravdess", "paper", "v", "accuracy") == Numbers(results()).spread(
        "ravdess", "paper", "v", "accuracy"
    )
    (tmp_path / "a" / store.PREDICTIONS).write_bytes(b"rubbish")
    with pytest.raises(SerError, match="Restore it from git"):
        store.from_published(tmp_path / "a")


def test_the_finding_looks_its_numbers_up():
    assert re.fullmatch(
        r"It got \d\d\.\d ± \d\.\d % \(three seeds\), not \(not run\)\.", report.finding(paper(), Numbers(results()))
    )


def test_the_finding_tells_each_seed_with_its_epochs():
    made = results(seeds=2)
    made = replace(made, history=made.history.assign(epoch=made.history.epoch + made.history.seed))
    text = '{{ each("ravdess", "paper", "v") }}; {{ each("ravdess", "paper", "w") }}'
    test = made.predictions[made.predictions.split == "test"]
    first, second = 100 * (test.label == test.prediction).groupby(test.seed).mean()
    told = report.finding(replace(paper(), finding=text), Numbers(made))
    assert told == f"{first:.1f} % (2 epochs), {second:.1f} % (3 epochs); (not run)"


def test_markdown_and_latex_escape_their_special_characters():
    ledger = tables.ledger(paper())
    assert "a \\| b_c & d" in tables.markdown(ledger)
    tex = tables.latex(ledger)
    assert r"b\_c \& d" in tex
    assert r"100 \%" in tex
    assert tables.markdown(pd.DataFrame()) == "(none)\n"


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.fetched, self.stack = [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in ("img", "script", "link", "iframe"):
            self.fetched.append(attributes.get("src") or attributes.get("href"))
        if tag not in ("meta", "img", "br", "link"):
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


def test_the_page_is_well_formed_escaped_and_fetches_nothing(tmp_path):
    report.write(paper(), results(), tmp_path)
    page = (tmp_path / "report.html").read_text()
    parser = Links()
    parser.feed(page)
    assert not parser.stack
    assert len(parser.fetched) == 2
    assert all(source.startswith("data:image/png;base64,") for source in parser.fetched)
    assert "T &lt;b&gt;" in page
    assert "# T &lt;b>\n" in report.readme(paper(), Numbers(results()), tmp_path)
    assert "own &lt;data&gt; &amp; more" in page
    for heading in ("Protocols side by side", "Ledger", "Contradictions", "Audit"):
        assert heading in page


def test_every_figure_has_its_numbers_beside_it(tmp_path):
    report.write(paper(), results(), tmp_path)
    pictures = sorted(Path(tmp_path / "figures").glob("*.png"))
    assert [p.stem for p in pictures] == ["confusion-ravdess-v", "curves-ravdess-v"]
    matrix = pd.read_csv(pictures[0].with_suffix(".csv"))
    np.testing.assert_allclose(matrix.groupby(["protocol", "label"]).percent.sum(), 100, atol=0.02)
    curves = pd.read_csv(pictures[1].with_suffix(".csv"))
    assert set(curves.part) == {"while training", "held out"}
    assert curves[curves.part == "while training"]["mean"].tolist() == [50, 90]


def test_readings_side_by_side_are_text_in_svg_with_their_numbers(tmp_path):
    headline = replace(paper(), reported=(replace(paper().reported[0], headline=True),))
    numbers = Numbers(results(seeds=8))
    for name in ("a", "b"):
        figures.write(headline, numbers, tmp_path / name)
    (path,) = (tmp_path / "a").glob("*.svg")
    text = path.read_text()
    assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    for words in ("paper: 8 runs", "on_train: 8 runs", "best of 5 runs of paper", "reported: 98 %"):
        assert f">{words}</text>" in text
    table = pd.read_csv(path.with_suffix(".csv"))
    runs = numbers.values("ravdess", "paper", "v", "accuracy")
    np.testing.assert_allclose(table[table.reading == "paper"].value, runs, atol=0.01)
    low, high = numbers.predictive("ravdess", "paper", "v", "accuracy").ends()
    assert table[table.reading == "paper"][["low", "high"]].iloc[0].tolist() == pytest.approx([low, high], abs=0.01)
    assert table[table.reading == "best of 5 runs of paper"].seed.isna().all()
    page = report.write(headline, results(), tmp_path / "page") and (tmp_path / "page" / "report.html").read_text()
    assert "data:image/svg+xml;base64," in page


def test_the_finding_looks_up_intervals_and_verdicts():
    text = (
        '{{ interval("ravdess", "paper", "v") }}; {{ verdict("ravdess", "paper", "v") }}; {{ verdict("x", "y", "z") }}'
    )
    told = report.finding(replace(paper(), finding=text), Numbers(results(seeds=8)))
    table = judgements.comparison(paper(), Numbers(results(seeds=8))).iloc[0]
    assert told == f"{table['95 % interval']}; {table.verdict}; (not run)"


def test_curves_count_the_runs_that_reached_an_epoch():
    made = results()
    stopped_early = made.history[(made.history.seed != 2) | (made.history.epoch == 1)]
    _, numbers = figures.curves(replace(made, history=stopped_early), "ravdess", "v")
    assert numbers[numbers.part == "while training"].runs.tolist() == [3, 2]


def test_committed_cells_are_added_to_and_not_lost():
    old, new = results(seeds=3), results(seeds=1, right=0.9)
    both = store.combined(new, old)
    assert [cell["cell"]["seed"] for cell in both.cells] == [0, 1, 2]
    assert len(both.predictions) == len(old.predictions)
    of_0 = both.predictions[(both.predictions.seed == 0) & (both.predictions.split == "test")]
    assert (of_0.label == of_0.prediction).mean() > 0.8  # the new one's


def test_thinned_results_give_the_same_table(tmp_path):
    whole = results()
    thin = store.thinned(whole, paper())
    assert "p_label" not in thin.predictions
    kept = {"test", "train"}  # on_train scores the training part
    assert set(thin.predictions.split) == kept
    pd.testing.assert_frame_equal(
        judgements.comparison(paper(), Numbers(thin)), judgements.comparison(paper(), Numbers(whole))
    )
    without = store.thinned(results_without_views(), paper())
    assert set(without.predictions.split) == {"test"}


def results_without_views():
    made = results()
    made.protocols.pop("on_train")
    return made


def on_speakers(shared):
    """Results of three seeds on two speakers of Emo-DB: 08 is always right, 16 in every second utterance."""
    made = results(corpus="emodb")
    names = [f"{speaker}a01{letter}a" for speaker in ("08", "16") for letter in "WL"]
    table = pd.DataFrame({"utterance": names, "label": "happy", "prediction": ["happy", "happy", "sad", "happy"]})
    rows = pd.concat([table.assign(seed=seed, split="test", p_label=0.5) for seed in range(3)], ignore_index=True)
    lead = {"corpus": "emodb", "protocol": "paper", "variant": "v", "fold": 0}
    cells = [c | {"audit": c["audit"] | {"shared_speakers": shared}} for c in made.cells]
    return Numbers(replace(made, predictions=rows.assign(**lead), cells=cells))


def test_each_new_speaker_has_an_accuracy():
    numbers = on_speakers(shared=0)
    assert numbers.by_speaker("emodb", "paper", "v").to_dict() == {"08": 100, "16": 50}
    row = tables.speakers(numbers).iloc[0]
    assert (row["Speakers"], row["Lowest"], row["Lowest speaker"], row["Highest speaker"]) == (2, "50.0 %", "16", "08")
    assert row["Mean ± SD over speakers"] == "75.0 ± 35.4 %"
    text = report.finding(replace(paper(), finding='{{ speakers("emodb", "paper", "v") }}'), numbers)
    assert text == "50.0 % (speaker 16) to 100.0 % (speaker 08)"


def test_speakers_known_from_training_are_no_new_speakers():
    assert tables.speakers(on_speakers(shared=2)).empty


def test_a_look_at_the_runs_of_another_protocol_claims_no_new_speakers():
    numbers = on_speakers(shared=0)
    looks = describe(ScoredOn(note="the same", of="paper", scored="test"))
    looking = Numbers(replace(numbers.results, protocols=numbers.results.protocols | {"paper_test": looks}))
    assert looking.spread("emodb", "paper_test", "v", "accuracy").mean == 75
    assert tables.speakers(looking).Protocol.tolist() == ["paper"]


def windows_of(made):
    """The same results, each utterance in two windows, with a row for the whole one that is always right."""
    parts = [made.predictions.assign(window=w) for w in (0, 1)]
    whole = made.predictions.assign(window=WHOLE, prediction=made.predictions.label)
    return Results(
        predictions=pd.concat([*parts, whole], ignore_index=True),
        history=made.history,
        cells=made.cells,
        protocols=made.protocols,
        not_run={},
    )


def test_windows_and_whole_utterances_stand_side_by_side():
    plain, windowed = Numbers(results()), Numbers(windows_of(results()))
    assert not plain.windows
    assert windowed.spread("ravdess", "paper", "v", "utterance/accuracy").mean == 100
    same = ("ravdess", "paper", "v", "accuracy")
    assert windowed.spread(*same).mean == plain.spread(*same).mean
    table = judgements.comparison(paper(), windowed)
    assert table["By utterance"].iloc[0].startswith("100.0")
    assert "By utterance" not in judgements.comparison(paper(), plain)
    assert "utterance/accuracy" in tables.protocols(windowed)


@pytest.mark.parametrize(
    ("bound", "true"),
    [
        ({"above": 50}, True),
        ({"above": 61}, False),
        ({"below": 61}, True),
        ({"above": 50, "below": 61}, True),
        ({"above": 50, "below": 59}, False),
        ({"above": 61, "below": 70}, False),
        ({"rank": 1}, False),
        ({"rank": 2}, True),
    ],
)
def test_claims_of_the_text_are_judged(bound, true):
    claim = Claim(section="4", text="Sad", corpus="ravdess", variant="v", metric="recall/sad", **bound)
    values = {"recall/sad": 0.6, "recall/happy": 0.7, "accuracy": 0.9}
    assert holds(claim, values) is true


def test_a_claim_on_confusions_leaves_the_right_ones_aside():
    claim = Claim(section="4", text="Sad", corpus="ravdess", variant="v", metric="confusion/sad/happy", rank=1)
    assert holds(claim, {"confusion/sad/sad": 0.7, "confusion/sad/happy": 0.2, "confusion/sad/calm": 0.1})
    assert not holds(claim, {"confusion/sad/sad": 0.7, "confusion/sad/calm": 0.3})


def test_shares_come_from_the_audit():
    cell = {"cell": {"corpus": "c", "protocol": "p", "variant": "v", "seed": 0}}
    cell |= {"audit": {"utterances/train": 6, "utterances/validation": 1, "utterances/test": 3}}
    found = shares([cell]).set_index("metric").value
    assert found.to_dict() == {"share/train": 0.6, "share/validation": 0.1, "share/test": 0.3}


def test_a_contrast_is_the_difference_seed_by_seed():
    one, other = results(right=0.8), results(right=0.6)
    for made, name in ((one, "a"), (other, "b")):
        made.predictions["variant"] = made.history["variant"] = name
        for cell in made.cells:
            cell["cell"]["variant"] = name
    both = store.combined(one, other)
    contrast = Contrast(corpus="ravdess", variant="a", against="b", metrics=("accuracy", "uar"))
    table = judgements.contrasts(replace(paper(), contrasts=(contrast,)), Numbers(both)).set_index(
        ["Protocol", "Metric"]
    )
    test = [p.predictions[p.predictions.split == "test"] for p in (one, other)]
    shares = [(t.label == t.prediction).groupby(t.seed).mean() for t in test]
    row = table.loc[("paper", "accuracy")]
    assert row.Points == f"{100 * (shares[0] - shares[1]).mean():+.1f}"
    low, high = (float(end) for end in row["95 % interval of the mean"].split(" to "))
    assert low < float(row.Points) < high
    assert (low + high) / 2 == pytest.approx(float(row.Points), abs=0.11)
    text = '{{ difference("ravdess", "paper", "a", "b") }} and {{ difference("ravdess", "paper", "a", "c") }}'
    told = report.finding(replace(paper(), finding=text), Numbers(both))
    assert told == f"{row.Points} points (three seeds: {row['95 % interval of the mean']}) and (not run)"
    assert low > 0
    for names, told in (('"a", "b"', "accuracy"), ('"b", "a"', "")):
        text = '{{ gains("ravdess", "paper", NAMES, "accuracy") | join }}'.replace("NAMES", names)
        assert report.finding(replace(paper(), finding=text), Numbers(both)) == told
