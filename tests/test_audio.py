import librosa
import numpy as np
import pytest
import soundfile

from ser_keras.features import audio
from ser_keras.support.errors import BadAudioError


@pytest.mark.parametrize("source_rate", [8_000, 22_050, 44_100, 48_000])
def test_equals_librosa_load(wav, speech, source_rate):
    path = wav(np.stack([speech, 0.5 * speech], axis=1), rate=source_rate)
    ours = audio.load(path, sample_rate=22_050)
    theirs, _ = librosa.load(path, sr=22_050)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_offset_and_duration_equal_librosa(wav, speech):
    path = wav(speech, rate=48_000)
    ours = audio.load(path, sample_rate=22_050, offset=0.2, duration=0.3)
    theirs, _ = librosa.load(path, sr=22_050, offset=0.2, duration=0.3)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [
        ("a.wav", "PCM_U8", 0.01),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "FLOAT", 0),
        ("a.flac", "PCM_16", 1e-4),
        ("a.mp3", None, 0.05),
    ],
)
def test_every_format_gives_the_waveform(wav, speech, name, subtype, tolerance):
    loaded = audio.load(wav(speech, name=name, subtype=subtype), sample_rate=16_000)
    assert len(loaded) == len(speech)
    assert np.abs(loaded - speech).max() <= tolerance


def test_six_channels_are_mixed(wav, speech):
    path = wav(np.stack([speech] + [np.zeros_like(speech)] * 5, axis=1))
    np.testing.assert_allclose(audio.load(path, sample_rate=16_000), speech / 6, atol=1e-4)


def _not_audio(path):
    path.write_bytes(b"hello, this is no sound")


def _nothing(path):
    path.write_bytes(b"")


def _no_samples(path):
    soundfile.write(path, np.zeros(0, np.float32), 16_000)


def _silent(path):
    soundfile.write(path, np.zeros(8000, np.float32), 16_000)


def _nan(path):
    samples = np.ones(8000, np.float32)
    samples[4000] = np.nan
    soundfile.write(path, samples, 16_000, subtype="FLOAT")


def _truncated(path):
    soundfile.write(path, np.random.default_rng(0).normal(size=8000) * 0.1, 16_000)
    path.write_bytes(path.read_bytes()[:9000])


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (_not_audio, "cannot be read"),
        (_nothing, "cannot be read"),
        (_no_samples, "no sound"),
        (_silent, "silence"),
        (_nan, "not finite"),
        (_truncated, "truncated"),
    ],
)
def test_bad_recordings_are_named_with_the_reason(tmp_path, spoil, word):
    path = tmp_path / "bad.wav"
    spoil(path)
    with pytest.raises(BadAudioError, match=word) as caught:
        audio.load(path, sample_rate=16_000)
    assert str(path) in str(caught.value)


def test_an_absent_recording_is_named(tmp_path):
    with pytest.raises(BadAudioError, match=r"gone\.wav"):
        audio.load(tmp_path / "gone.wav", sample_rate=16_000)


@pytest.mark.real_audio
def test_real_speech_equals_librosa(real_data):
    for path in sorted((real_data / "ravdess").rglob("*.wav"))[::300]:
        theirs, _ = librosa.load(path, sr=22_050)
        np.testing.assert_allclose(audio.load(path, sample_rate=22_050), theirs, atol=1e-6)
