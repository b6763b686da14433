"""Descriptors, waveform features and deltas: equal to librosa, and true by definition."""

import librosa
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser_keras import features
from ser_keras.features import audio
from ser_keras.features.median import running_median

RATE = 16_000
FRAMES = {"frame_length": 2048, "hop_length": 512}
OTHERS = {"n_fft": 2048, "hop_length": 512}


def spectrum(y, rate=RATE):
    return features.stft(y, sample_rate=rate, n_fft=2048, hop_length=512)


def equal_to_librosa(y, rate):
    """Each of ours beside librosa's, on one waveform."""
    s = spectrum(y, rate)
    of = librosa.feature
    return {
        "log_mel": (
            features.log_mel(s, n_mels=64, fmin=0, fmax=None),
            librosa.power_to_db(of.melspectrogram(y=y, sr=rate, n_mels=64, **OTHERS)),
        ),
        "mfcc": (
            features.mfcc(s, n_mfcc=20, n_mels=128, fmin=0, fmax=None),
            of.mfcc(y=y, sr=rate, n_mfcc=20, **OTHERS),
        ),
        "centroid": (features.centroid(s), of.spectral_centroid(y=y, sr=rate)),
        "bandwidth": (features.bandwidth(s), of.spectral_bandwidth(y=y, sr=rate)),
        "rolloff": (features.rolloff(s, roll_percent=0.85), of.spectral_rolloff(y=y, sr=rate)),
        "contrast": (features.contrast(s, n_bands=6, fmin=200), of.spectral_contrast(y=y, sr=rate, n_bands=6)),
        "chroma": (features.chroma(s), of.chroma_stft(y=y, sr=rate)),
        "zcr": (features.zero_crossing_rate(y, **FRAMES), of.zero_crossing_rate(y)),
        "rms": (features.rms(y, **FRAMES), of.rms(y=y)),
        "delta": (features.savitzky_golay(s.magnitude), librosa.feature.delta(s.magnitude.T)),
        "delta-delta": (features.savitzky_golay(s.magnitude, derivative=2), of.delta(s.magnitude.T, order=2)),
        "preemphasis": (
            features.preemphasis(y, coefficient=0.97, previous=None)[:, None],
            librosa.effects.preemphasis(y)[None],
        ),
        "trim": (features.trim(y, top_db=25)[:, None], librosa.effects.trim(y, top_db=25)[0][None]),
        "harmonic": (features.harmonic(y)[:, None], librosa.effects.harmonic(y)[None]),
    }


def check(pairs):
    for name, (ours, theirs) in pairs.items():
        assert ours.dtype == np.float32, name
        assert ours.shape == theirs.T.shape, name
        worst = np.abs(ours - theirs.T).max() / np.abs(theirs).max()
        assert worst <= 1e-4, f"{name} is off by {worst:.1e}"


def test_equal_to_librosa_on_a_synthetic_signal(speech):
    check(equal_to_librosa(np.concatenate([np.zeros(6000, np.float32), speech, np.zeros(3000, np.float32)]), 22_050))


@pytest.mark.real_audio
def test_equal_to_librosa_on_real_speech(real_data):
    recordings = (
        sorted((real_data / "ravdess").rglob("*.wav"))[::240] + sorted((real_data / "emodb").rglob("*.wav"))[::180]
    )
    for path in recordings:
        check(equal_to_librosa(audio.load(path, sample_rate=22_050), 22_050))


@pytest.mark.parametrize("shape", [(3, 200), (5, 31), (4, 8), (1, 1)])
def test_running_median_equals_scipys(shape):
    rows = np.random.default_rng(0).integers(0, 9, shape).astype(np.float32)  # with many ties
    expected = scipy.ndimage.median_filter(rows, (1, 31), mode="reflect")
    np.testing.assert_array_equal(running_median(rows, 31), expected)


def test_regression_delta_by_hand():
    c = np.array([[0.0], [1.0], [4.0], [9.0], [16.0]])
    by_hand = [
        (1 * (1 - 0) + 2 * (4 - 0)) / 10,
        (1 * (4 - 0) + 2 * (9 - 0)) / 10,
        (1 * (9 - 1) + 2 * (16 - 0)) / 10,
        (1 * (16 - 4) + 2 * (16 - 1)) / 10,
        (1 * (16 - 9) + 2 * (16 - 4)) / 10,
    ]
    np.testing.assert_allclose(features.delta(c, half_width=2)[:, 0], by_hand)


@given(st.floats(-5, 5), st.floats(-5, 5), st.integers(1, 4))
def test_regression_delta_of_a_line_is_its_slope(slope, level, order):
    line = (slope * np.arange(20) + level)[:, None]
    np.testing.assert_allclose(features.delta(line, half_width=order)[order:-order, 0], slope, atol=1e-9)


def test_too_few_frames_for_a_fitted_derivative():
    with pytest.raises(ValueError, match="fewer than the 9"):
        features.savitzky_golay(np.ones((8, 2)))


waves = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).normal(0, 0.1, 6000).astype(np.float32))
few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(waves, st.floats(0.25, 4))
def test_a_gain_moves_levels_and_nothing_else(y, gain):
    loud = (gain * y).astype(np.float32)
    np.testing.assert_allclose(features.rms(loud, **FRAMES), gain * features.rms(y, **FRAMES), rtol=1e-4)
    np.testing.assert_array_equal(features.zero_crossing_rate(loud, **FRAMES), features.zero_crossing_rate(y, **FRAMES))
    for f in (features.centroid, features.bandwidth):
        np.testing.assert_allclose(f(spectrum(loud)), f(spectrum(y)), rtol=1e-3)
    np.testing.assert_allclose(
        features.contrast(spectrum(loud), n_bands=5, fmin=200),
        features.contrast(spectrum(y), n_bands=5, fmin=200),
        atol=1e-2,
    )
    assert len(features.trim(loud, top_db=25)) == len(features.trim(y, top_db=25))


@few
@given(waves)
def test_a_shift_by_one_hop_moves_frames_by_one(y):
    later = np.concatenate([np.zeros(512, np.float32), y])
    for f in (features.centroid, features.bandwidth):
        np.testing.assert_allclose(f(spectrum(later))[4:9], f(spectrum(y))[3:8], rtol=1e-3)
    np.testing.assert_allclose(features.rms(later, **FRAMES)[4:9], features.rms(y, **FRAMES)[3:8], rtol=1e-4)


@few
@given(waves)
def test_harmonic_and_its_rest_stay_within_the_waveforms_energy(y):
    part = features.harmonic(y)
    assert len(part) == len(y)
    assert np.sum(part**2) <= np.sum(y**2)


@pytest.mark.parametrize("y", [np.zeros(8000, np.float32), np.full(8000, 0.5, np.float32)], ids=["silence", "dc"])
def test_silence_and_dc_give_finite_values(y):
    s = spectrum(y)
    for values in (
        features.centroid(s),
        features.bandwidth(s),
        features.rolloff(s, roll_percent=0.85),
        features.contrast(s, n_bands=5, fmin=200),
        features.chroma(s, tuning=0.0),
        features.rms(y, **FRAMES),
        features.zero_crossing_rate(y, **FRAMES),
        features.harmonic(y),
    ):
        assert np.isfinite(values).all()
    assert not features.zero_crossing_rate(y, **FRAMES).any()


def test_dc_has_its_energy_at_0_hz():
    s = spectrum(np.full(16_000, 0.5, np.float32))
    assert features.rolloff(s, roll_percent=0.85)[10, 0] <= 2 * RATE / 2048


def test_a_pure_tone_is_where_it_is():
    a4 = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    s = spectrum(a4)
    assert abs(features.centroid(s)[15, 0] - 440) < 2
    assert features.chroma(s, tuning=0.0)[15].argmax() == 9  # A
    assert features.zero_crossing_rate(a4, **FRAMES)[15, 0] == pytest.approx(2 * 440 / RATE, rel=0.02)
    assert features.rms(a4, **FRAMES)[15, 0] == pytest.approx(np.sqrt(0.5), rel=0.01)


def test_preemphasis_takes_the_level_away():
    y = features.preemphasis(np.ones(100), coefficient=0.97, previous=0.0)
    assert y[0] == 1
    np.testing.assert_allclose(y[1:], 0.03, rtol=1e-5)


def test_trim_cuts_at_both_ends():
    y = np.concatenate([np.zeros(8192), np.ones(8192), np.zeros(8192)]).astype(np.float32)
    kept = features.trim(y, top_db=25)
    assert 8192 <= len(kept) <= 8192 + 2 * 2048


def test_contrast_bands_beyond_the_sample_rate_are_told(speech):
    with pytest.raises(ValueError, match="half the sample rate"):
        features.contrast(spectrum(speech), n_bands=8, fmin=200)


def test_a_bank_of_13_linear_and_27_logarithmic_filters(speech):
    """133.33 to 6,855 Hz in 40 Slaney filters: 66.67 Hz apart below 1 kHz, then by a factor of 1.0711703."""
    points = librosa.mel_frequencies(n_mels=42, fmin=133.33, fmax=6855.4976)
    np.testing.assert_allclose(np.diff(points[:14]), 66.67, atol=0.05)
    np.testing.assert_allclose(points[15:] / points[14:-1], 1.0711703, rtol=1e-3)
