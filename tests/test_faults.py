"""Full disks, folders that cannot be written, killed processes, recordings that cannot be used."""

import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import run_script

from ser_keras.features.extraction import Extraction, extract_corpus
from ser_keras.support.errors import SerError, TooShortError
from ser_keras.support.files import atomic, exclusive, sha256, write_text


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_keeps_the_old_file_and_says_so(tiny_disk):
    path = tiny_disk / "table.csv"
    write_text(path, "old")
    with pytest.raises(SerError, match=r"table\.csv cannot be written: the disk is full"):
        write_text(path, "x" * 200_000)
    assert path.read_text() == "old"
    assert [p.name for p in tiny_disk.iterdir()] == ["table.csv"]


def long_features(y):
    return np.tile(y, 5)


def test_a_full_disk_stops_extraction_with_the_reason(tiny_disk, wav):
    path = wav(0.1 * np.random.default_rng(0).normal(size=16_000))
    table = pd.DataFrame({"utterance": ["a"], "path": [str(path)], "sha256": [sha256(path)]})
    with pytest.raises(SerError, match="the disk is full"):
        extract_corpus(table, Extraction(extract=long_features, sample_rate=16_000), cache=tiny_disk / "c", jobs=1)
    assert not [p for p in tiny_disk.rglob("*") if p.is_file()]


UNWRITABLE = """
import sys
from pathlib import Path
import pandas as pd
from ser_keras.features.extraction import Extraction, extract_corpus
from ser_keras.support.errors import SerError

def extract(y):
    return y[:4]

def louder(y, rng):
    return 2 * y

if __name__ == "__main__":
    table = pd.read_csv(sys.argv[1])
    # Resampled: in soxr, threads leave Python for C++, where the interpreter's end would catch them.
    extraction = Extraction(extract=extract, sample_rate=22_050, augment={"louder": louder})
    try:
        extract_corpus(table, extraction, cache=Path(sys.argv[2]), copies=sys.argv[4:], jobs=int(sys.argv[3]))
    except SerError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
"""


@pytest.mark.parametrize("copies", [["original"], ["original", "louder"]])
def test_a_cache_that_cannot_be_written_ends_in_one_sentence(tmp_path, wav, copies):
    """Threads in the middle of native code once took the process down with them (code 134)."""
    rng = np.random.default_rng(0)
    paths = [wav(0.1 * rng.normal(size=48_000), name=f"u{i:03}.wav") for i in range(24)] * 16
    names = [f"u{i}" for i in range(len(paths))]
    table = tmp_path / "table.csv"
    pd.DataFrame({"utterance": names, "path": paths, "sha256": names}).to_csv(table, index=False)
    (tmp_path / "script.py").write_text(UNWRITABLE)
    (tmp_path / "file").write_text("in the way")
    jobs = "8" if copies == ["original"] else "2"
    command = [sys.executable, tmp_path / "script.py", table, tmp_path / "file" / "cache", jobs, *copies]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert str(tmp_path / "file" / "cache") in done.stderr
    assert "cannot be written" in done.stderr


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SerError, match="cannot be written"):
        write_text(tmp_path / "file" / "table.csv", "x")
    done = run_script("jin2022", "--demo", "--out", tmp_path / "file" / "out", cwd=tmp_path)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_killed_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "table.md"
    path.write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path; from ser_keras.support.files import atomic\n"
        "with atomic(Path(sys.argv[1])) as partial:\n"
        "    partial.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    with exclusive(tmp_path):  # the next run sweeps up
        assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "table.md"]


def test_sweeping_a_folder_leaves_what_another_process_writes_in_it(tmp_path):
    run, tables = tmp_path / "seed0", tmp_path / "tables"
    for folder in (run, tables):
        folder.mkdir()
        (folder / ".a.partial.csv").write_text("half")
    (run / ".lock").touch()  # a run that is held by itself, while the tables are made
    with exclusive(tmp_path):
        assert (run / ".a.partial.csv").exists()
        assert not (tables / ".a.partial.csv").exists()
    with exclusive(run):
        assert not (run / ".a.partial.csv").exists()


def test_an_error_in_the_block_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic(path) as partial:  # noqa: PT012
        partial.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


SLOW = """
import sys, time
from pathlib import Path
import pandas as pd
from ser_keras.features.extraction import Extraction, extract_corpus

def slow(y):
    time.sleep(0.01)
    return y[:4]

if __name__ == "__main__":
    table = pd.read_csv(sys.argv[1])
    features = extract_corpus(table, Extraction(extract=slow, sample_rate=16_000), cache=Path(sys.argv[2]), jobs=1)
    print(features.values.sum())
"""


def test_killed_while_extracting_goes_on_from_the_finished_shards(tmp_path, wav):
    rng = np.random.default_rng(0)
    paths = [wav(0.1 * rng.normal(size=800), name=f"u{i:03}.wav") for i in range(128)]
    table = tmp_path / "table.csv"
    pd.DataFrame({"utterance": [p.stem for p in paths], "path": paths, "sha256": [sha256(p) for p in paths]}).to_csv(
        table, index=False
    )
    script, cache = tmp_path / "slow.py", tmp_path / "cache"
    script.write_text(SLOW)
    command = [sys.executable, str(script), str(table)]
    whole = subprocess.run([*command, str(tmp_path / "other")], capture_output=True, text=True, check=True)
    process = subprocess.Popen([*command, str(cache)])

    def shards():
        return {p: p.stat().st_mtime_ns for p in cache.rglob("[!.]*") if p.is_file()}

    deadline = time.monotonic() + 60
    while len(shards()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = shards()
    assert 2 <= len(kept) < 4
    again = subprocess.run([*command, str(cache)], capture_output=True, text=True, check=True)
    assert again.stdout == whole.stdout
    assert {p: stamp for p, stamp in shards().items() if p in kept} == kept


def needs_ten(y):
    if len(y) < 10:
        raise TooShortError(f"{len(y)} samples are fewer than 10")
    return y[:10]


def test_a_recording_too_short_for_a_feature_is_bad_not_a_crash(wav):
    paths = [wav(np.full(n, 0.5), name=f"{n}.wav") for n in (5, 20)]
    table = pd.DataFrame({"utterance": ["s", "l"], "path": [str(p) for p in paths], "sha256": ["1", "2"]})
    extraction = Extraction(extract=needs_ten, sample_rate=16_000)
    with pytest.raises(SerError, match=r"5\.wav: 5 samples are fewer than 10"):
        extract_corpus(table, extraction, cache=paths[0].parent / "c", jobs=1)
    features = extract_corpus(table, extraction, cache=paths[0].parent / "c", jobs=1, skip_bad=True)
    assert features.lengths.tolist() == [0, 1]


def test_very_long_recordings_need_little_memory(wav):
    """Twenty minutes through Jin's features, in a process that may not take 1.5 GiB."""
    path = wav(0.1 * np.random.default_rng(0).normal(size=20 * 60 * 8_000), rate=8_000)
    code = (
        "import resource, sys; sys.path.insert(0, sys.argv[1])\n"
        "from run import extract; from ser_keras.features import audio\n"
        "y = audio.load(sys.argv[2], sample_rate=22_050)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert extract(y).shape == (228, 12)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    from conftest import ROOT

    folder = ROOT / "reproductions" / "jin2022"
    done = subprocess.run([sys.executable, "-c", code, folder, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1200  # MiB; the frames alone would be 850, and twice that in double precision


@pytest.fixture
def savee_like(tmp_path, demo_folder):
    """A SAVEE of demo sounds: 3 + 1 recordings of each emotion and speaker; one cannot be read, one has a name of
    its own, and most are missing.
    """
    codes = {"angry": "a", "disgust": "d", "fearful": "f", "happy": "h", "neutral": "n", "sad": "sa", "surprised": "su"}
    for speaker, voice in zip(("DC", "JE", "JK", "KL"), ("m1", "m2", "f1", "f2"), strict=True):
        for emotion, code in codes.items():
            for i, source in enumerate(sorted(demo_folder.glob(f"{voice}_{emotion}_*.wav")), 1):
                target = tmp_path / "savee" / "AudioData" / speaker / f"{code}{i:02}.wav"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
    (tmp_path / "savee" / "AudioData" / "DC" / "a01.wav").write_bytes(b"no sound")
    soundfile.write(tmp_path / "savee" / "AudioData" / "DC" / "test.wav", np.ones(100), 16_000)
    return tmp_path


@pytest.mark.slow
def test_an_incomplete_corpus_stops_and_skip_bad_counts_it(savee_like, tmp_path):
    flags = ("--data", savee_like, "--corpus", "savee", "--protocol", "paper", "--epochs", 1, "--out", tmp_path / "o")
    stopped = run_script("jin2022", *flags, "--cache", tmp_path / "c", cwd=tmp_path)
    assert stopped.returncode == 1
    for words in ("368 missing", "1 damaged", "DC_a01", "1 extra", "test.wav", "--skip-bad"):
        assert words in stopped.stderr
    assert "Traceback" not in stopped.stderr
    done = run_script("jin2022", *flags, "--skip-bad", "--cache", tmp_path / "c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    audit = pd.read_csv(tmp_path / "o" / "tables" / "audit.csv")
    assert audit["Recordings left out"].tolist() == [369]
    comparison = pd.read_csv(tmp_path / "o" / "tables" / "comparison.csv")
    assert "mfcc@1-epochs" in set(comparison.Variant)  # marked as not the paper's
