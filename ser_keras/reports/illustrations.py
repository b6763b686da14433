"""Pictures of the data itself: how many utterances there are of each emotion, and what they look like.

Each function gives a matplotlib figure and the numbers in it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ser_keras import features
from ser_keras.reports.figures import HELD_OUT_COLOUR, TRAIN_COLOUR

POINTS = 1500  # of a drawn waveform; more cannot be told apart
SHOWN_DB = 60  # below the loudest point of a spectrogram; what is quieter is black


def class_distribution(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Utterances of each emotion, by the speakers' gender.

    Args:
        table: An utterance table, with columns `emotion` and `gender`.

    Returns:
        A bar chart, and `emotion`, one column a gender, `all`.

    Example:
        >>> rows = {"emotion": ["sad", "sad", "happy"], "gender": ["female", "male", "male"]}
        >>> class_distribution(pd.DataFrame(rows))[1].to_dict("list")
        {'emotion': ['happy', 'sad'], 'female': [0, 1], 'male': [1, 1], 'all': [1, 2]}
    """
    counts = pd.crosstab(table.emotion, table.gender)
    figure = Figure(figsize=(7, 3), layout="constrained")
    axis = figure.subplots()
    bottom = np.zeros(len(counts))
    for gender, colour in zip(counts.columns, (TRAIN_COLOUR, HELD_OUT_COLOUR), strict=False):
        axis.bar(counts.index, counts[gender], bottom=bottom, label=gender, color=colour)
        bottom += counts[gender]
    for place, total in enumerate(bottom):
        axis.text(place, total, f"{total:.0f}", ha="center", va="bottom", fontsize=8)
    axis.set_ylabel("utterances")
    axis.set_ylim(0, 1.15 * bottom.max())
    axis.legend(ncols=2, loc="upper right")
    return figure, counts.assign(all=counts.sum(axis=1)).reset_index().rename_axis(None, axis=1)


def waveforms_with_spectrograms(
    clips: Mapping[str, np.ndarray], *, sample_rate: int, n_fft: int, hop_length: int, n_mels: int, fmax: float
) -> tuple[Figure, pd.DataFrame]:
    """Each clip's waveform above its mel spectrogram.

    Args:
        clips: Waveforms by title.
        sample_rate: Their rate in Hz.
        n_fft: Samples in one transform.
        hop_length: Samples from one frame to the next.
        n_mels: Mel filters.
        fmax: Highest frequency in Hz.

    Returns:
        The figure, and of each clip `seconds`, `peak`, `rms` and the mean spectral centroid in Hz.
    """
    figure = Figure(figsize=(3.1 * max(2, len(clips)), 3.8), layout="constrained")
    axes = figure.subplots(2, len(clips), squeeze=False, sharex="col", height_ratios=(1, 1.6))
    rows = []
    for (upper, lower), (title, y) in zip(axes.T, clips.items(), strict=True):
        spectrum = features.stft(y, sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length)
        decibels = features.log_mel(spectrum, n_mels=n_mels, fmin=0, fmax=fmax)
        _draw_waveform(upper, y, sample_rate)
        upper.set_title(title)
        seconds = len(y) / sample_rate
        lower.imshow(
            decibels.T,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=decibels.max() - SHOWN_DB,
            extent=(0, seconds, 0, n_mels),
        )
        lower.set_xlabel("seconds")
        mean_centroid = float(np.average(features.centroid(spectrum)[:, 0], weights=spectrum.power.sum(axis=1) + 1e-12))
        rows.append((title, seconds, np.abs(y).max(), np.sqrt(np.mean(y**2)), mean_centroid))
    axes[0, 0].set_ylabel("amplitude")
    axes[1, 0].set_ylabel(f"mel filter, 0 to {fmax / 1000:g} kHz")
    return figure, pd.DataFrame(rows, columns=["clip", "seconds", "peak", "rms", "centroid_hz"]).round(4)


def versions(clips: Mapping[str, np.ndarray], *, sample_rate: int) -> tuple[Figure, pd.DataFrame]:
    """The versions of one recording below one another, the first (the original) in another colour.

    Args:
        clips: By title, waveforms, shape (samples,); one or more.
        sample_rate: Of all of them, in Hz.

    Returns:
        The figure, and of each version `seconds`, `peak` and `rms`.
    """
    figure = Figure(figsize=(7, 1.15 * len(clips) + 0.4), layout="constrained")
    axes = figure.subplots(len(clips), 1, sharex=True, squeeze=False)[:, 0]
    peak = max(float(np.abs(y).max()) for y in clips.values())
    rows = []
    for place, (axis, (title, y)) in enumerate(zip(axes, clips.items(), strict=True)):
        _draw_waveform(axis, y, sample_rate, colour=HELD_OUT_COLOUR if place else TRAIN_COLOUR)
        axis.set_ylim(-1.1 * peak, 1.1 * peak)
        axis.set_ylabel(title, rotation=0, ha="right", va="center")
        axis.set_yticks([])
        rows.append((title, len(y) / sample_rate, np.abs(y).max(), np.sqrt(np.mean(y**2))))
    axes[-1].set_xlabel("seconds")
    return figure, pd.DataFrame(rows, columns=["version", "seconds", "peak", "rms"]).round(4)


def _draw_waveform(axis: object, y: np.ndarray, sample_rate: int, *, colour: str = TRAIN_COLOUR) -> None:
    """The range of the amplitude in each short stretch: what a line of all samples would look like, in few points."""
    step = -(-len(y) // POINTS)
    stretches = np.pad(y, (0, -len(y) % step), mode="edge").reshape(-1, step)
    seconds = np.arange(len(stretches)) * step / sample_rate
    axis.fill_between(seconds, stretches.min(axis=1), stretches.max(axis=1), color=colour, linewidth=0.3)
    axis.set_xlim(0, len(y) / sample_rate)
