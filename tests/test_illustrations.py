import numpy as np
import pandas as pd

from ser_keras.reports import illustrations

RATE = 8000
TONE = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)


def test_class_distribution_counts():
    table = pd.DataFrame({"emotion": ["sad"] * 3 + ["happy"], "gender": ["male", "male", "female", "male"]})
    figure, numbers = illustrations.class_distribution(table)
    assert numbers.set_index("emotion").loc["sad"].to_dict() == {"female": 1, "male": 2, "all": 3}
    assert {text.get_text() for text in figure.axes[0].texts} == {"1", "3"}


def test_a_clip_is_drawn_with_its_level_and_centroid():
    figure, numbers = illustrations.waveforms_with_spectrograms(
        {"tone": TONE}, sample_rate=RATE, n_fft=256, hop_length=128, n_mels=20, fmax=4000
    )
    row = numbers.iloc[0]
    assert (row.seconds, row.peak) == (1.0, 0.5)
    assert abs(row.rms - 0.5 / np.sqrt(2)) < 1e-3
    assert abs(row.centroid_hz - 1000) < 20
    assert [axis.get_title() for axis in figure.axes] == ["tone", ""]


def test_versions_share_one_scale():
    figure, numbers = illustrations.versions({"original": TONE, "half": TONE / 2}, sample_rate=RATE)
    assert numbers.peak.tolist() == [0.5, 0.25]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
