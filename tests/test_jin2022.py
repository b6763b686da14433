"""Jin et al. from end to end on the demo corpus, as a user runs it; and what happens when it is interrupted."""

import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from conftest import command, load_run, run_script

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


def test_prints_reported_beside_reproduced_and_the_reports_path(whole):
    done, out = whole
    assert "reported | reproduced" in done.stdout
    assert "97.3 %" in done.stdout
    assert "SYNTHETIC" in done.stdout
    assert "report.html" in done.stdout
    assert (out / "report.html").exists()
    assert "Traceback" not in done.stderr
    assert "cuda" not in done.stderr.lower()  # a backend's chatter looks like errors to a student


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
    assert set(results.protocol) == {"paper", "training_accuracy", "augment_before_split", "speaker_independent"}
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
    assert {"cell.json", "history.csv", "model.keras", "predictions.csv"} == {p.name for p in cell.iterdir()}
    for name in ("comparison", "protocols", "classes", "audit", "ledger", "contradictions"):
        for suffix in (".md", ".csv", ".tex"):
            assert (out / "tables" / f"{name}{suffix}").stat().st_size
    assert len(list((out / "figures").glob("*.png"))) == 2


def test_training_accuracy_is_the_paper_runs_own_training_part(whole):
    _, out = whole
    results = pd.read_csv(out / "results.csv").set_index(["protocol", "split", "metric"]).value
    assert results["training_accuracy", "train", "accuracy"] == results["paper", "train", "accuracy"]


def test_augmented_copies_leak_and_the_audit_says_so(whole):
    _, out = whole
    audit = pd.read_csv(out / "tables" / "audit.csv").set_index("Protocol")
    assert audit.loc["augment_before_split", "Test samples with a copy in train"] > 100
    assert audit.loc["paper", "Test samples with a copy in train"] == 0
    assert audit.loc["speaker_independent", "Speakers on both sides"] == 0


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


def test_a_second_run_reuses_every_cell(whole, folder):
    _, out = whole
    stamps = {p: p.stat().st_mtime_ns for p in out.rglob("model.keras")}
    done = run_script("jin2022", *SHORT, "--out", "whole", "--cache", "cache", cwd=folder)
    assert "3 of them finished before" in done.stderr
    assert {p: p.stat().st_mtime_ns for p in out.rglob("model.keras")} == stamps


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
        assert "Finished runs are kept" in said
    stamp = first.stat().st_mtime_ns
    done = run_script("jin2022", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert first.stat().st_mtime_ns == stamp
    expected = pd.read_csv(reference / "results.csv")
    expected = expected[expected.protocol != "augment_before_split"].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_csv(out / "results.csv"), expected)


def test_a_run_that_another_process_makes_is_left_to_it(whole, folder):
    from ser_keras.support.files import try_exclusive

    held = folder / "shared" / "demo" / "paper" / VARIANT / "seed0" / "fold0"
    with try_exclusive(held) as is_held:
        assert is_held
        flags = (*SHORT, "--protocol", "paper", "speaker_independent", "--out", "shared", "--cache", "cache")
        done = run_script("jin2022", *flags, cwd=folder)
    assert done.returncode == 1
    assert "paper mfcc@2-epochs seed 0 fold 0 is being made by another process" in done.stderr
    assert not (held / "cell.json").exists()
    assert (folder / "shared" / "demo" / "speaker_independent" / VARIANT / "seed0" / "fold0" / "cell.json").exists()


def test_no_corpus_is_exit_code_2_with_the_remedy(folder):
    done = run_script("jin2022", "--data", folder / "empty", "--out", "none", cwd=folder)
    assert done.returncode == 2
    for word in ("ravdess", "savee", "zenodo.org", str(folder / "empty"), "--demo", "registration"):
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_tables_only_without_runs_says_so(folder):
    done = run_script("jin2022", "--tables-only", "--out", "nothing", cwd=folder)
    assert done.returncode == 1
    assert "no finished run" in done.stderr


def test_an_unknown_corpus_is_told(folder):
    done = run_script("jin2022", "--corpus", "ravdes", "--out", "typo", cwd=folder)
    assert done.returncode == 1
    assert "known are ravdess" in done.stderr
