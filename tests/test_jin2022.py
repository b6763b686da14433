"""Jin et al. from end to end on the demo corpus, as a user runs it; and what happens when it is interrupted."""

import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from conftest import changes, command, from_names, load_run, run_script

SHORT = ("--demo", "--epochs", 1)
VARIANT = "mfcc"  # one epoch is no mark on the demo corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("jin")


@pytest.fixture(scope="module")
def whole(folder):
    """All protocols on the demo corpus, one epoch each."""
    done = run_script("jin2022", *SHORT, "--out", "whole", "--cache", "cache", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done, folder / "whole"


def test_features_have_the_papers_shape():
    run = load_run("jin2022")
    waveform = np.random.default_rng(0).normal(size=22_050 * 3).astype(np.float32)
    values = run.extract(waveform)
    assert values.shape == (228, 12)
    assert values[:130].any(axis=1).all()
    assert not values[130:].any()


def test_the_notebooks_features_are_216_frames_of_two_and_a_half_seconds():
    run = load_run("jin2022")
    made = run.READINGS["notebook"].extraction
    assert (made.sample_rate, made.offset, made.duration) == (44_100, 0.5, 2.5)
    waveform = np.random.default_rng(0).normal(size=round(2.5 * 44_100)).astype(np.float32)
    values = made.extract(waveform)
    assert values.shape == (216, 12)
    assert values[-1].any()
    assert run.build((216, 12), 8).count_params() == run.PARAMETERS  # both are 3 steps long after two poolings by 8
    assert run.READINGS["notebook"].batch_size == 16


@pytest.mark.parametrize(
    ("name", "settings", "words", "count"),
    [
        ("standardised", {"scaler"}, (), 0),
        ("keras_2_rmsprop", set(), ("optimiser/class is RMSprop in the record and would be RMSprop2 now",), 1),
        ("quick_averages", set(), ("momentum is 0.99 in the record and would be 0.9 now",), 2),
        ("no_dropout", set(), ("rate is 0.2 in the record and would be 0 now",), 2),
    ],
)
def test_a_reading_changes_what_it_says_and_nothing_else(name, settings, words, count):
    run = load_run("jin2022")
    changed, told = changes(run.MFCC, run.READINGS[name], (228, 12), 8)
    assert changed == settings
    assert run.READINGS[name].extraction is run.MFCC.extraction
    assert len(told) == count
    assert all(any(word in sentence for word in words) for sentence in told)


def test_without_skips_the_weights_are_the_same_and_without_blocks_fewer():
    run = load_run("jin2022")
    plain = run.READINGS["no_skips"].build((228, 12), 8)
    assert plain.count_params() == run.PARAMETERS
    assert not any(type(layer).__name__ == "Add" for layer in plain.layers)
    fewer = run.READINGS["no_blocks"].build((228, 12), 8)
    assert fewer.count_params() == run.PARAMETERS - 20 * (8 * 64 * 64 + 64)


def test_views_look_at_moments_of_the_runs_of_two_protocols():
    experiment = load_run("jin2022").EXPERIMENT
    assert experiment.moments("paper") == ("best_on_test", "epoch_30", "recalibrated")
    assert experiment.moments("augment_before_split") == ("best_on_test", "epoch_30", "recalibrated")
    assert experiment.moments("speaker_independent") == ()
    assert experiment.run_under("no_skips") == ("paper",)


def test_ninety_ten_leaves_1296_to_learn_from():
    run = load_run("jin2022")
    samples = from_names("ravdess")
    (split,) = run.PROTOCOLS["ninety_ten"].splits(samples, 0)
    assert (len(split.train), len(split.test)) == (1296, 144)
    (split,) = run.PROTOCOLS["seventy_thirty"].splits(samples, 0)
    assert (len(split.train), len(split.test)) == (1008, 432)


def test_the_ledgers_arithmetic():
    """97.30 and 98.26 % are no counts of the usual test parts, and counts of the parts that it names."""

    def possible(value, of):
        return any(round(100 * right / of, 2) == value for right in range(of + 1))

    assert not any(possible(97.30, round(1440 * share)) for share in (0.1, 0.15, 0.2, 0.25, 0.3))
    assert not any(possible(98.26, round(480 * share)) for share in (0.1, 0.15, 0.2, 0.25, 0.3))
    assert all(possible(97.30, of) for of in (148, 222, 296, 370, 1296))
    assert all(possible(98.26, of) for of in (115, 288))
    assert not possible(98.26, 432)


def test_noise_is_at_most_half_a_per_cent_of_the_peak_and_pitch_keeps_the_length():
    run = load_run("jin2022")
    tone = 0.8 * np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050).astype(np.float32)
    added = run.noise(tone, np.random.default_rng(1)) - tone
    assert 0 < added.std() <= 0.005 * 0.8
    moved = run.pitch(tone, np.random.default_rng(2))
    assert len(moved) == len(tone)
    peak = np.abs(np.fft.rfft(moved)).argmax() * 1.0
    semitones = 12 * np.log2(peak / 440)
    assert 0.05 < abs(semitones) < 2.1


@pytest.mark.slow
def test_prints_reported_beside_reproduced_and_the_reports_path(whole):
    done, out = whole
    assert "reported | reproduced" in done.stdout
    assert "97.3 %" in done.stdout
    assert "SYNTHETIC" in done.stdout
    assert "report.html" in done.stdout
    assert (out / "report.html").exists()
    assert "Traceback" not in done.stderr
    assert "cuda" not in done.stderr.lower()  # a backend's chatter looks like errors to a student


@pytest.mark.slow
def test_writes_the_files_of_the_design(whole):
    _, out = whole
    results = pd.read_csv(out / "results.csv")
    assert list(results.columns) == [
        "corpus",
        "protocol",
        "variant",
        "seed",
        "fold",
        "split",
        "metric",
        "value",
        "n",
    ]
    seen = {"paper", "training_accuracy", "augment_before_split", "speaker_independent"}
    seen |= {
        f"{name}_{moment}" for name in ("paper", "augment_before_split") for moment in ("best_epoch", "recalibrated")
    }
    assert set(results.protocol) == seen | {"training_accuracy_recalibrated"}  # nobody reached epoch 30
    assert {"train", "test"} == set(results.split)
    assert {"accuracy", "uar", "f1_macro", "loss", "recall/happy", "precision/sad", "f1/calm"} <= set(results.metric)
    counts = pd.read_csv(out / "confusion.csv")
    assert list(counts.columns) == [
        "corpus",
        "protocol",
        "variant",
        "seed",
        "fold",
        "split",
        "label",
        "prediction",
        "count",
    ]
    cell = out / "demo" / "paper" / VARIANT / "seed0" / "fold0"
    assert {"cell.json", "history.csv", "model.keras", "moments.csv", "predictions.csv", "scaler.json"} == {
        p.name for p in cell.iterdir() if not p.name.startswith(".")
    }
    for name in ("comparison", "protocols", "classes", "audit", "ledger", "contradictions"):
        for suffix in (".md", ".csv", ".tex"):
            assert (out / "tables" / f"{name}{suffix}").stat().st_size
    assert len(list((out / "figures").glob("*.png"))) == 2


@pytest.mark.slow
def test_training_accuracy_is_the_paper_runs_own_training_part(whole):
    _, out = whole
    results = pd.read_csv(out / "results.csv").set_index(["protocol", "split", "metric"]).value
    assert results["training_accuracy", "train", "accuracy"] == results["paper", "train", "accuracy"]


@pytest.mark.slow
def test_augmented_copies_leak_and_the_audit_says_so(whole):
    _, out = whole
    audit = pd.read_csv(out / "tables" / "audit.csv").set_index("Protocol")
    assert audit.loc["augment_before_split", "Test samples with a copy in train"] > 100
    assert audit.loc["paper", "Test samples with a copy in train"] == 0
    assert audit.loc["speaker_independent", "Speakers on both sides"] == 0


@pytest.mark.slow
def test_tables_only_needs_no_backend(whole):
    _, out = whole
    before = (out / "tables" / "protocols.csv").read_text()
    (out / "tables" / "protocols.csv").unlink()
    code = (
        "import runpy, sys; path = sys.argv.pop(1); sys.argv[0] = path\n"
        "try: runpy.run_path(path, run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert not [m for m in ('keras', 'tensorflow', 'jax', 'torch') if m in sys.modules]"
    )
    script = command("jin2022")[1]
    subprocess.run([sys.executable, "-c", code, script, "--tables-only", "--out", str(out)], check=True)
    assert (out / "tables" / "protocols.csv").read_text() == before


@pytest.mark.slow
def test_a_second_run_reuses_every_cell(whole, folder):
    _, out = whole
    stamps = {p: p.stat().st_mtime_ns for p in out.rglob("model.keras")}
    done = run_script("jin2022", *SHORT, "--out", "whole", "--cache", "cache", cwd=folder)
    assert "3 of them finished before" in done.stderr
    assert {p: p.stat().st_mtime_ns for p in out.rglob("model.keras")} == stamps


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_interrupted_and_run_again_gives_the_same_tables(whole, folder, how):
    _, reference = whole
    out = folder / f"broken{how}"
    arguments = (*SHORT, "--protocol", "paper", "speaker_independent", "--out", out, "--cache", "cache")
    process = subprocess.Popen(command("jin2022", *arguments), cwd=folder, stderr=subprocess.PIPE, text=True)
    first = out / "demo" / "paper" / VARIANT / "seed0" / "fold0" / "cell.json"
    deadline = time.monotonic() + 200
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert first.exists()
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "What was finished is kept" in said
    stamp = first.stat().st_mtime_ns
    done = run_script("jin2022", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert first.stat().st_mtime_ns == stamp
    expected = pd.read_csv(reference / "results.csv")
    expected = expected[~expected.protocol.str.startswith("augment_before_split")].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_csv(out / "results.csv"), expected)


@pytest.mark.slow
def test_a_run_that_another_process_makes_is_left_to_it(whole, folder):
    from ser_keras.support.files import try_exclusive

    held = folder / "shared" / "demo" / "paper" / VARIANT / "seed0" / "fold0"
    with try_exclusive(held) as is_held:
        assert is_held
        flags = (*SHORT, "--protocol", "paper", "speaker_independent", "--out", "shared", "--cache", "cache")
        done = run_script("jin2022", *flags, cwd=folder)
    assert done.returncode == 1
    assert f"paper {VARIANT} seed 0 fold 0 is being made by another process" in done.stderr
    assert not (held / "cell.json").exists()
    assert (folder / "shared" / "demo" / "speaker_independent" / VARIANT / "seed0" / "fold0" / "cell.json").exists()


@pytest.mark.slow
def test_no_corpus_is_exit_code_2_with_the_remedy(folder):
    done = run_script("jin2022", "--data", folder / "empty", "--out", "none", cwd=folder)
    assert done.returncode == 2
    for word in ("ravdess", "savee", "zenodo.org", str(folder / "empty"), "--demo", "registration"):
        assert word in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_tables_only_without_runs_says_so(folder):
    done = run_script("jin2022", "--tables-only", "--out", "nothing", cwd=folder)
    assert done.returncode == 1
    assert "no finished run" in done.stderr


@pytest.mark.slow
def test_an_unknown_corpus_is_told(folder):
    done = run_script("jin2022", "--corpus", "ravdes", "--out", "typo", cwd=folder)
    assert done.returncode == 1
    assert "did you mean 'ravdess'" in done.stderr
