"""What holds for every paper: its `paper.toml`, its script, and its committed results."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import PAPERS, ROOT, load_run

from ser_keras import papers
from ser_keras.evaluation.metrics import confusion, tidy
from ser_keras.evaluation.numbers import Numbers
from ser_keras.papers import finding
from ser_keras.reports import report, tables
from ser_keras.runs import results as store
from ser_keras.support.errors import SerError

FOLDER = ROOT / "reproductions"
pytestmark = pytest.mark.parametrize("name", PAPERS)


def results_of(name):
    folder = FOLDER / name / "results"
    if not folder.exists():
        pytest.skip("no full run is committed")
    return store.from_published(folder)


def test_paper_toml_is_valid(name):
    read = papers.read(FOLDER / name / "paper.toml")
    assert read.key == name
    assert read.reported


def test_ledger_and_code_name_the_same_silences(name):
    read = papers.read(FOLDER / name / "paper.toml")
    tagged = papers.tags(FOLDER / name / "run.py")
    assert tagged == {silence.id for silence in read.silences}


def test_paper_toml_names_what_the_script_can_run(name):
    experiment = load_run(name).EXPERIMENT
    assert next(iter(experiment.protocols)) == "paper"
    read = papers.read(FOLDER / name / "paper.toml")
    assert finding.asked(read.finding)
    names = {"corpora": experiment.corpora, "variants": experiment.variants, "protocols": experiment.protocols}
    assert papers.check(read, **names) == []


def test_committed_numbers_recompute_from_committed_predictions(name):
    results = results_of(name)
    numbers = Numbers(results)
    folder = FOLDER / name / "results"
    keys = ["corpus", "protocol", "variant", "seed", "fold", "split"]
    committed = pd.read_csv(folder / "results.csv").set_index([*keys, "metric"])
    computed = tidy(numbers.predictions, results.classes).set_index([*keys, "metric"])
    assert committed.index.equals(computed.index)
    np.testing.assert_allclose(committed.value, computed.value, rtol=1e-5)
    again = confusion(numbers.judged)
    pd.testing.assert_frame_equal(pd.read_csv(folder / "confusion.csv"), again, check_dtype=False)


def test_committed_tables_and_readme_are_fresh(name):
    results = results_of(name)
    numbers = Numbers(results)
    read = papers.read(FOLDER / name / "paper.toml")
    for table_name, table in tables.all_tables(read, numbers).items():
        folder = FOLDER / name / "results" / "tables"
        if table.empty:
            assert not (folder / f"{table_name}.md").exists()
            continue
        assert (folder / f"{table_name}.md").read_text() == tables.markdown(table)
        assert (folder / f"{table_name}.tex").read_text() == tables.latex(table)
    assert (FOLDER / name / "README.md").read_text() == report.readme(read, numbers, FOLDER / name / "results")


def test_committed_accuracy_by_hand(name):
    """Without the suite's code: a number of the protocol table is a mean of shares of right predictions."""
    results = results_of(name)
    raw = pd.read_csv(FOLDER / name / "results" / "predictions.csv.gz")
    raw = raw[(raw.protocol == "paper") & (raw.split == results.protocols["paper"]["scored"])]
    aside = {cell["cell"]["variant"] for cell in results.cells if cell.get("differs")}
    raw = raw[~raw.variant.isin(aside)]  # kept, and not counted
    if "moment" in raw:
        raw = raw[raw.moment.fillna("end") == "end"]  # other epochs of the same runs are readings of their own
    if "window" in raw:
        raw = raw[raw.window >= 0]  # -1 is the whole utterance, which is a metric of its own
    shown = pd.read_csv(FOLDER / name / "results" / "tables" / "protocols.csv")
    for (corpus, variant), group in raw.groupby(["corpus", "variant"]):
        mean = 100 * (group.label == group.prediction).groupby(group.seed).mean().mean()
        row = shown[(shown.Corpus == corpus) & (shown.Variant == variant) & (shown.Protocol == "paper")]
        assert row.accuracy.iloc[0].split()[0] == f"{mean:.1f}"
    assert len(raw)
    assert results.cells


def test_results_are_small_and_name_no_machine(name):
    folder = FOLDER / name / "results"
    if not folder.exists():
        pytest.skip("no full run is committed")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 12_000_000
    for path in files:
        if path.suffix in (".json", ".csv", ".md", ".html"):
            assert not re.search(r"/(home|root|tmp|Users|work)/", path.read_text(encoding="utf-8"))


def test_mistakes_in_paper_toml_are_named(name, tmp_path):
    text = (FOLDER / name / "paper.toml").read_text()
    for old, new, word in (
        ("[paper]", "[papers]", "no section 'papers'; did you mean 'paper'"),
        ('metric = "accuracy"', 'metric = "acuracy"', "no metric"),
        ('id = "S2"', 'id = "S9"', "in order"),
        ("year = 2", "yaer = 2", "no key 'yaer'; did you mean 'year'"),
        ("[paper]", "[paper", "cannot be read"),
    ):
        spoilt = tmp_path / name / "paper.toml"
        spoilt.parent.mkdir(exist_ok=True)
        spoilt.write_text(text.replace(old, new, 1))
        with pytest.raises(SerError, match=re.escape(word)):
            papers.read(spoilt)
