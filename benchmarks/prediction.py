"""Predicting many recordings, beside a loop of librosa and `model.predict`: time and largest difference.

Both read the same files with the same committed model of Boucheta & Roubache (2025), one after the other in this
process; the loop is what one writes by hand: load, features, `model.predict` for each file.

    python benchmarks/prediction.py --data DIR [--recordings 1000]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import librosa
import numpy as np

import ser_keras as ser
from ser_keras.prediction import Model

PAPER = "boucheta2025"


def by_hand(model: Model, paths: list[str]) -> np.ndarray:
    """Probabilities from librosa's features, one file after the other."""
    script = ser.paper(PAPER)
    window, hop = script.WINDOW, script.HOP
    made = []
    for path in paths:
        y, rate = librosa.load(path, sr=script.SAMPLE_RATE, offset=script.OFFSET, duration=script.DURATION)
        features = np.concatenate(
            [
                librosa.feature.zero_crossing_rate(y, frame_length=window, hop_length=hop),
                librosa.feature.rms(y=y, frame_length=window, hop_length=hop),
                librosa.feature.mfcc(y=y, sr=rate, n_mfcc=script.N_MFCC, n_fft=window, hop_length=hop),
            ]
        ).mean(axis=1)
        x = (features - model.scaler.mean) / model.scaler.deviation
        made.append(model.network.predict(x[None].astype(np.float32), verbose=0)[0])
    return np.array(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--recordings", type=int, default=1000)
    args = parser.parse_args()
    paths = list(ser.load("ravdess", data=args.data).path[: args.recordings])
    model = ser.prediction.load(PAPER)
    by_hand(model, paths[:3]), ser.predict(model, paths[:3])  # both warm
    start = time.perf_counter()
    found = ser.predict(model, paths)
    here = time.perf_counter() - start
    start = time.perf_counter()
    there = by_hand(model, paths)
    hand = time.perf_counter() - start
    ours = found.table.filter(like="p_").to_numpy()
    print(f"{len(paths)} recordings: ser.predict {here:.1f} s, by hand {hand:.1f} s ({hand / here:.1f}x)")
    print(f"largest difference of a probability: {np.abs(ours - there).max():.1e}")


if __name__ == "__main__":
    main()
