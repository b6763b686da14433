"""Five versions of each recording (Boucheta & Roubache) beside the plain loop: speed from cold, and equality.

python benchmarks/augmented.py [--data DIR] [--recordings N]

The plain loop loads, augments and calls librosa's three features, one file after another, as the paper's code family
does. Both draw the same random numbers, so that their features can be compared: level and MFCCs by their largest
difference, zero crossings by counting, as a sample that is zero to seven digits may fall on either side. Needs RAVDESS.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import zlib
from pathlib import Path
from types import ModuleType

import librosa
import numpy as np
from extraction import off, seconds
from printing import show

from ser_keras.corpora import CORPORA
from ser_keras.corpora.folders import data_folder
from ser_keras.features.extraction import ORIGINAL, extract_corpus
from ser_keras.runs.script import load as script


def plain(path: str, utterance: str, run: ModuleType) -> np.ndarray:
    """One recording's five versions by librosa alone, (5, 4536)."""
    y, rate = librosa.load(path, sr=run.SAMPLE_RATE, offset=run.OFFSET, duration=run.DURATION)

    def draw(name: str) -> np.random.Generator:
        return np.random.default_rng([0, zlib.crc32(f"{utterance}/{name}".encode())])

    noise = run.NOISE * np.abs(y).max() * draw("noise").normal(size=len(y))
    moved = int(draw("shift").integers(-run.SHIFT, run.SHIFT + 1))
    semitones = draw("pitch").uniform(-run.SEMITONES, run.SEMITONES)
    versions = [
        y,
        y + noise.astype(np.float32),
        np.roll(y, moved),
        librosa.effects.time_stretch(y, rate=draw("stretch").uniform(*run.STRETCH)),
        librosa.effects.pitch_shift(y, sr=rate, n_steps=semitones),
    ]
    rows = []
    for version in versions:
        parts = [
            librosa.feature.zero_crossing_rate(version),
            librosa.feature.rms(y=version),
            librosa.feature.mfcc(y=version, sr=rate, n_mfcc=run.N_MFCC),
        ]
        rows.append(librosa.util.fix_length(np.concatenate(parts), size=run.FRAMES, axis=1).T.ravel())
    return np.stack(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="where RAVDESS lies; else $SER_KERAS_DATA")
    parser.add_argument("--recordings", type=int, default=1440, help="how many (default: all 1,440)")
    args = parser.parse_args()
    run = script(Path(__file__).parents[1] / "reproductions" / "boucheta2025" / "run.py")
    whole = CORPORA["ravdess"].load(data_folder(args.data) / "ravdess")
    table = whole.iloc[:: max(1, len(whole) // args.recordings)].reset_index(drop=True)
    plain(table.path[0], "", run)  # librosa's own just-in-time compilation is not the plain loop's fault
    pairs = list(zip(table.path, table.utterance, strict=True))
    slow, theirs = seconds(lambda: np.concatenate([plain(path, utterance, run) for path, utterance in pairs]))
    extraction = run.EXPERIMENT.variants["knn_flatten"].extraction
    copies = (ORIGINAL, *run.COPIES)
    with tempfile.TemporaryDirectory() as cache:
        cold, ours = seconds(lambda: extract_corpus(table, extraction, cache=Path(cache), copies=copies))
        warm, _ = seconds(lambda: extract_corpus(table, extraction, cache=Path(cache), copies=copies))
    frames = (-1, run.FRAMES, run.VALUES // run.FRAMES)
    ours, theirs = ours.values.reshape(frames), theirs.reshape(frames)
    crossings = (ours[..., 0] != theirs[..., 0]).mean()
    row = [f"{len(table):,} x 5", f"{slow:.1f} s", f"{cold:.1f} s", f"{slow / cold:.1f}x", f"{warm:.2f} s"]
    row += [f"{off(ours[..., 1:], theirs[..., 1:]):.0e}", f"{crossings:.0e} of the frames"]
    columns = ["Recordings", "Plain loop", "Suite, cold", "Ratio", "Suite, cached", "Off by", "Other zero crossings"]
    show(f"Five versions of each recording, {os.cpu_count()} cores", columns, [row])


if __name__ == "__main__":
    main()
