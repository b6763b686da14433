"""Another precision is used without being asked for only where paired runs have shown that it changes nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ser_keras.evaluation.numbers import Numbers
from ser_keras.evaluation.precisions import MARGIN, pairs_needed, precisions
from ser_keras.protocols import Protocol, ScoredOn
from ser_keras.reports import judgements
from ser_keras.runs import precision
from ser_keras.runs.experiment import Experiment
from ser_keras.runs.results import Results, describe
from ser_keras.support.errors import SerError
from ser_keras.training import hardware

FASTER = "mixed_bfloat16"
RECORDINGS = 1000  # of the test part, so that a recording is a tenth of a point


def results(hits: dict[str, list[int]]) -> Results:
    """Runs of variants by seed; so many of a thousand recordings are right."""
    rows, cells = [], []
    for variant, counts in hits.items():
        for seed, count in enumerate(counts):
            run = {"corpus": "ravdess", "protocol": "paper", "variant": variant, "seed": seed, "fold": 0}
            given = np.where(np.arange(RECORDINGS) < count, "sad", "happy")
            names = [str(i) for i in range(RECORDINGS)]
            table = pd.DataFrame({"utterance": names, "split": "test", "label": "sad", "prediction": given})
            rows.append(table.assign(**run))
            audit = {"train": 4 * RECORDINGS}
            cells.append({"cell": run, "audit": audit, "parameters": {"classes": ["happy", "sad"]}})
    history = pd.DataFrame(columns=["corpus", "protocol", "variant", "seed", "fold", "epoch", "accuracy"])
    return Results(pd.concat(rows, ignore_index=True), history, cells, {"paper": describe(Protocol(note=""))}, {})


def the_one(**hits: list[int]):
    found = list(precisions(Numbers(results({name.replace("_AT_", "@"): counts for name, counts in hits.items()}))))
    assert len(found) == 1
    return found[0]


def test_pairs_that_agree_show_it_and_pairs_that_scatter_do_not():
    plain = [700, 720, 690, 710, 705, 695]
    close = the_one(a=plain, a_AT_mixed_bfloat16=[n + d for n, d in zip(plain, [2, -3, 1, -2, 3, -1], strict=True)])
    assert close.shown
    assert close.says == "shown: no difference of 2 points"
    values = np.array([0.2, -0.3, 0.1, -0.2, 0.3, -0.1])
    assert close.difference.deviation == pytest.approx(values.std(ddof=1))
    wide = the_one(
        a=plain, a_AT_mixed_bfloat16=[n + d for n, d in zip(plain, [90, -80, 70, -90, 80, -70], strict=True)]
    )
    assert (wide.shown, wide.needed) == (False, None)
    assert wide.says == "not shown: it would take more than 30 pairs"
    shifted = the_one(
        a=plain, a_AT_mixed_bfloat16=[n + 25 + d for n, d in zip(plain, [1, -1, 0, 1, 0, -1], strict=True)]
    )
    assert not shifted.shown  # however little they scatter
    assert the_one(a=[700, 720], a_AT_mixed_bfloat16=[700, 721]).says == "not shown: 3 pairs tell how much they scatter"


def test_only_another_precision_of_the_same_recipe_is_a_pair():
    made = {"a": [700] * 3, "b": [700] * 3, "a@30-epochs": [700] * 3, f"a@{FASTER}@30-epochs": [701] * 3}
    (found,) = precisions(Numbers(results(made)))
    assert (found.variant, found.against) == (f"a@{FASTER}@30-epochs", "a@30-epochs")
    table = judgements.precision(Numbers(results(made)))
    assert table.Pairs.tolist() == [3]
    assert judgements.precision(Numbers(results({"a": [700] * 3}))).empty


@pytest.mark.parametrize("deviation", [0.5, 1.0, 2.5])
def test_so_many_pairs_succeed_in_four_of_five_trials(deviation):
    pairs, rng = pairs_needed(deviation), np.random.default_rng(0)
    overlap = 0.0
    assert pairs is not None

    def power(n):
        drawn = rng.normal(0, deviation, (4000, n))
        half = stats.t.ppf(0.95, n - 1) * drawn.std(axis=1, ddof=1) * np.sqrt(1 / n + overlap)
        return float(np.mean(np.abs(drawn.mean(axis=1)) + half < MARGIN))

    assert power(pairs) > 0.78
    assert pairs == 3 or power(pairs - 1) < 0.82


def test_training_parts_that_overlap_may_never_show_it():
    assert pairs_needed(3.0) is not None
    assert pairs_needed(3.0, overlap=0.25) is None
    assert pairs_needed(np.nan) is None


@pytest.mark.parametrize(
    ("said", "in_hardware", "policy", "reason"),
    [
        ("shown: no difference of 2 points", True, FASTER, "shown"),
        ("shown: no difference of 2 points", False, "float32", "no bfloat16 in hardware"),
        ("not shown: it takes some 12 pairs", True, "float32", "12 pairs"),
        (None, True, "float32", "no paired runs"),
    ],
)
def test_auto_follows_the_committed_table(tmp_path, monkeypatch, said, in_hardware, policy, reason):
    monkeypatch.setattr(precision, "has_bfloat16", lambda: in_hardware)
    path = tmp_path / precision.TABLE
    path.parent.mkdir(parents=True)
    rows = [{"Variant": f"other@{FASTER}", "says": "shown"}, {"Variant": "mfcc@mixed_float16", "says": "shown"}]
    rows += [{"Variant": f"mfcc@{FASTER}@30-epochs", "says": said}] if said else []
    pd.DataFrame(rows).to_csv(path, index=False)
    chosen, why = precision.chosen_precision("auto", tmp_path, "mfcc")
    assert chosen == policy
    assert reason in why
    assert precision.chosen_precision(FASTER, tmp_path, "mfcc") == (FASTER, "")  # who asks for it gets it
    assert precision.chosen_precision("auto", tmp_path / "new", "mfcc")[0] == "float32"


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 vaes\n", True),
        ("Features\t: fp asimd bf16\n", True),
        ("flags\t\t: fpu avx2 avx512f\nmodel name\t: bf16 in name only\n", False),
    ],
)
def test_the_cpu_says_what_it_has(tmp_path, monkeypatch, text, has):
    monkeypatch.setattr(hardware.shutil, "which", lambda name: None)
    (tmp_path / "cpuinfo").write_text(text)
    assert hardware.has_bfloat16(tmp_path / "cpuinfo") is has
    assert hardware.has_bfloat16(tmp_path / "none") is False


@pytest.mark.parametrize(("said", "has"), [("8.0\n9.0\n", True), ("7.5\n", False), ("9.0\n7.5\n", False)])
def test_a_gpu_decides_before_the_cpu(tmp_path, monkeypatch, said, has):
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\nprintf '{said}'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "cpuinfo").write_text("flags : avx512_bf16\n")
    assert hardware.has_bfloat16(tmp_path / "cpuinfo") is has
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")  # installed, and no driver
    assert hardware.has_bfloat16(tmp_path / "cpuinfo") is True


def test_a_misspelt_moment_is_an_error(tmp_path):
    views = {"paper": Protocol(note=""), "speaker_independent": Protocol(note="")}
    good = ScoredOn(note="", of="paper", scored="test", moment="epoch_30")
    Experiment(folder=tmp_path, corpora=(), variants={}, protocols={**views, "view": good})
    wrong = replace(good, moment="best_on_tset")
    with pytest.raises(SerError, match=r"'best_on_tset', which there is not.*did you mean 'best_on_test'"):
        Experiment(folder=tmp_path, corpora=(), variants={}, protocols={**views, "view": wrong})
