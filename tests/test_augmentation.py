import librosa
import numpy as np
import pytest

from ser_keras import augmentation

RATE = 22_050


def tone(hertz=440.0, seconds=1.0):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def strongest(y):
    """The frequency of the highest peak in Hz."""
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y))))
    return spectrum.argmax() * RATE / len(y)


RANDOM = {
    "noise": lambda y, rng: augmentation.random_noise(y, rng, level=0.005),
    "shift": lambda y, rng: augmentation.random_shift(y, rng, limit=110),
    "stretch": lambda y, rng: augmentation.random_stretch(y, rng, low=0.8, high=1.2),
    "pitch": lambda y, rng: augmentation.random_pitch(y, rng, limit=2, sample_rate=RATE),
}


def test_noise_has_the_level_it_should():
    y = tone()
    added = augmentation.random_noise(y, np.random.default_rng(0), level=0.01) - y
    assert added.std() == pytest.approx(0.01 * 0.5, rel=0.02)


def test_shift_turns_round_and_loses_nothing():
    y = np.arange(1000, dtype=np.float32)
    moved = augmentation.random_shift(y, np.random.default_rng(3), limit=110)
    assert sorted(moved) == sorted(y)
    assert 0 < min(np.flatnonzero(moved == 0)[0], 1000 - np.flatnonzero(moved == 0)[0]) <= 110
    draws = {int(np.flatnonzero(RANDOM["shift"](y, np.random.default_rng(i)) == 0)[0]) for i in range(400)}
    assert max(d for d in draws if d < 500) <= 110
    assert min(d for d in draws if d > 500) >= 890


@pytest.mark.parametrize("rate", [0.8, 1.0, 1.2])
def test_stretch_changes_length_and_keeps_pitch(rate):
    y = augmentation.stretch(tone(), rate=rate)
    assert len(y) == round(RATE / rate)
    assert strongest(y) == pytest.approx(440, abs=2)
    np.testing.assert_allclose(y, librosa.effects.time_stretch(tone(), rate=rate), atol=1e-5)


@pytest.mark.parametrize("semitones", [-2.0, 0.7, 2.0])
def test_pitch_changes_pitch_and_keeps_length(semitones):
    y = augmentation.pitch(tone(), semitones=semitones, sample_rate=RATE)
    assert len(y) == RATE
    assert strongest(y) == pytest.approx(440 * 2 ** (semitones / 12), abs=3)
    np.testing.assert_allclose(y, librosa.effects.pitch_shift(tone(), sr=RATE, n_steps=semitones), atol=1e-5)


@pytest.mark.parametrize("rate", [0.8, 1.17])
def test_stretch_of_noisy_speech_equals_librosa(speech, rate):
    theirs = librosa.effects.time_stretch(speech, rate=rate)
    np.testing.assert_allclose(augmentation.stretch(speech, rate=rate), theirs, atol=1e-4 * np.abs(theirs).max())


@pytest.mark.parametrize("name", RANDOM)
def test_the_same_generator_gives_the_same_copy(name):
    first, second, other = (RANDOM[name](tone(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert first.shape != other.shape or (first != other).any()
    assert first.dtype == np.float32


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("y", [np.zeros(4000, np.float32), np.full(3, 0.1, np.float32)], ids=["silence", "3 samples"])
def test_silence_and_very_short_input(name, y):
    out = RANDOM[name](y, np.random.default_rng(0))
    assert np.isfinite(out).all()
    assert len(out) >= 0.8 * len(y) - 1
    if not y.any():
        assert not out.any()


def test_the_input_is_left_as_it_was():
    y = tone()
    before = y.copy()
    for augment in RANDOM.values():
        augment(y, np.random.default_rng(0))
    np.testing.assert_array_equal(y, before)


def test_a_rate_of_zero_is_told():
    with pytest.raises(ValueError, match="above 0"):
        augmentation.stretch(tone(), rate=0)
