"""Feature extraction beside a plain librosa script: speed from cold and from the cache, memory, and growth.

python benchmarks/extraction.py [--data DIR] [--recordings N]

The plain script calls librosa function by function, file by file. Both get the same files in one run, from cold:
for the suite that includes starting its workers. Values are compared, so that speed is not bought with accuracy.
Needs RAVDESS; openSMILE (python -m pip install opensmile) is timed where it is installed, for orientation.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
from printing import show

from ser_keras import features
from ser_keras.corpora import CORPORA
from ser_keras.corpora.folders import data_folder
from ser_keras.features.extraction import Extraction, extract_corpus
from ser_keras.runs.script import load as script

RATE = 22_050
PAPER = script(Path(__file__).parents[1] / "reproductions" / "varshney2025" / "run.py")
ROWS_FRAMES = 64


def jin(y: np.ndarray) -> np.ndarray:
    """Jin et al.: (228, 12) MFCCs."""
    spectrum = features.stft(y, sample_rate=RATE, n_fft=2048, hop_length=512)
    return features.fix_length(features.mfcc(spectrum, n_mfcc=13, n_mels=128, fmin=0, fmax=None)[:, 1:13], 228)


def plain_jin(path: str) -> np.ndarray:
    """The same, as a script would."""
    y, _ = librosa.load(path, sr=RATE)
    return librosa.util.fix_length(librosa.feature.mfcc(y=y, sr=RATE, n_mfcc=13)[1:13], size=228, axis=1).T


def varshney(y: np.ndarray) -> np.ndarray:
    """Varshney et al.: 83 rows, 64 frames, as the paper's script extracts them."""
    return PAPER.extract(y)[:, :, 0].T


def plain_varshney(path: str) -> np.ndarray:
    """The same, as a script would."""
    y, _ = librosa.load(path, sr=RATE)
    y, _ = librosa.effects.trim(librosa.effects.preemphasis(y), top_db=25)
    of = librosa.feature
    cepstra = of.mfcc(y=y, sr=RATE, n_mfcc=20, n_fft=1024, hop_length=512)
    rows = [
        cepstra,
        of.delta(cepstra),
        of.delta(cepstra, order=2),
        of.spectral_contrast(y=y, sr=RATE, n_bands=6),
        of.spectral_centroid(y=y, sr=RATE),
        of.spectral_bandwidth(y=y, sr=RATE),
        of.spectral_rolloff(y=y, sr=RATE),
        of.zero_crossing_rate(y),
        of.chroma_stft(y=librosa.effects.harmonic(y), sr=RATE),
    ]
    return librosa.util.fix_length(np.concatenate(rows), size=ROWS_FRAMES, axis=1).T


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def off(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, relative to each coefficient's largest value."""
    largest = np.abs(theirs).max(axis=(0, 1))
    return float((np.abs(ours - theirs).max(axis=(0, 1)) / np.where(largest == 0, 1, largest)).max())


def compare(name: str, table: pd.DataFrame, extract: Callable, plain: Callable) -> list[str]:
    plain(table.path[0])  # librosa's own just-in-time compilation is not the plain script's fault
    slow, theirs = seconds(lambda: np.stack([plain(path) for path in table.path]))
    extraction = Extraction(extract=extract, sample_rate=RATE)
    with tempfile.TemporaryDirectory() as cache:
        cold, ours = seconds(lambda: extract_corpus(table, extraction, cache=Path(cache)))
        warm, _ = seconds(lambda: extract_corpus(table, extraction, cache=Path(cache)))
    row = [name, f"{len(table):,}", f"{slow:.1f} s", f"{cold:.1f} s", f"{slow / cold:.1f}x", f"{warm:.2f} s"]
    return [*row, f"{slow / warm:.0f}x", f"{off(ours.values, theirs):.0e}"]


CHILD = """
import sys; sys.path.insert(0, sys.argv[1])
import tempfile, time
from pathlib import Path
import pandas as pd
from extraction import RATE, jin
from ser_keras.features.extraction import Extraction, extract_corpus
table = pd.read_csv(sys.argv[2])
extraction = Extraction(extract=jin, sample_rate=RATE)
with tempfile.TemporaryDirectory() as cache:  # imports and first calls are no part of the growth
    extract_corpus(table[:1], extraction, cache=Path(cache), jobs=1)
with tempfile.TemporaryDirectory() as cache:
    start = time.perf_counter()
    f = extract_corpus(table, extraction, cache=Path(cache), jobs=int(sys.argv[3]))
    took = time.perf_counter() - start
# Not getrusage: its peak begins with that of the process that started this one.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(took, peak / 1024, f.values.nbytes / 2**20)
"""


def growth(table: pd.DataFrame, times: int) -> list[str]:
    """Time and peak memory in a process of its own, on `times` as many recordings."""
    many = pd.concat([table.assign(utterance=table.utterance + f"-{i}") for i in range(times)], ignore_index=True)
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        many.to_csv(file.name, index=False)
        here = str(Path(__file__).parent)
        done = subprocess.run(
            [sys.executable, "-c", CHILD, here, file.name, "1"], capture_output=True, text=True, check=True
        )
    took, peak, features_size = (float(word) for word in done.stdout.split())
    sizes = [f"{peak:.0f} MiB", f"{features_size:.1f} MiB"]
    return [f"{times}x", f"{len(many):,}", f"{took:.1f} s", f"{1000 * took / len(many):.1f} ms", *sizes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="where RAVDESS lies; else $SER_KERAS_DATA")
    parser.add_argument("--recordings", type=int, default=1440, help="how many (default: all 1,440)")
    args = parser.parse_args()
    whole = CORPORA["ravdess"].load(data_folder(args.data) / "ravdess")
    table = whole.iloc[:: max(1, len(whole) // args.recordings)].reset_index(drop=True)
    rows = [compare("Jin: MFCC", table, jin, plain_jin), compare("Varshney: 83 rows", table, varshney, plain_varshney)]
    columns = ["Features", "Recordings", "Plain librosa", "Suite, cold", "Ratio", "Suite, cached", "Ratio", "Off by"]
    show(f"Extraction on {os.cpu_count()} cores", columns, rows)
    try:
        import opensmile
    except ImportError:
        print("openSMILE is not installed: no eGeMAPS row")
    else:
        smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
        took, _ = seconds(lambda: [smile.process_file(path) for path in table.path])
        print(
            f"openSMILE eGeMAPSv02 (88 functionals), one process: {took:.1f} s, {1000 * took / len(table):.1f} ms each"
        )
    some = table.iloc[:: max(1, len(table) // 90)].reset_index(drop=True)
    columns = ["Corpus", "Recordings", "Time, one worker", "A recording", "Peak memory", "of it features"]
    show("Growth", columns, [growth(some, times) for times in (1, 4, 16)])


if __name__ == "__main__":
    main()
