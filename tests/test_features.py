import librosa
import numpy as np
import pytest

from ser_keras import features
from ser_keras.features import audio

RATE = 16_000
STFT = {"sample_rate": RATE, "n_fft": 2048, "hop_length": 512}
BANK = {"n_mels": 128, "fmin": 0, "fmax": None}


def close(ours, theirs):
    """Equal to 1e-4 of the largest value."""
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()


@pytest.mark.parametrize(("n_fft", "win_length", "hop"), [(2048, None, 512), (1024, 400, 160), (512, 512, 100)])
@pytest.mark.parametrize("center", [True, False])
def test_stft_equals_librosa(speech, n_fft, win_length, hop, center):
    ours = features.stft(speech, sample_rate=RATE, n_fft=n_fft, win_length=win_length, hop_length=hop, center=center)
    theirs = librosa.stft(speech, n_fft=n_fft, win_length=win_length, hop_length=hop, center=center)
    close(ours.magnitude, np.abs(theirs).T)


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize(("fmin", "fmax"), [(0, None), (133.33, 6855.0)])
def test_mel_equals_librosa(speech, fmin, fmax, htk):
    ours = features.mel(features.stft(speech, **STFT), n_mels=40, fmin=fmin, fmax=fmax, htk=htk)
    theirs = librosa.feature.melspectrogram(
        y=speech, sr=RATE, n_fft=2048, hop_length=512, n_mels=40, fmin=fmin, fmax=fmax, htk=htk
    )
    close(ours, theirs.T)


@pytest.mark.parametrize("lifter", [0, 22])
@pytest.mark.parametrize("n_mfcc", [13, 40])
def test_mfcc_equals_librosa(speech, n_mfcc, lifter):
    ours = features.mfcc(features.stft(speech, **STFT), n_mfcc=n_mfcc, lifter=lifter, **BANK)
    theirs = librosa.feature.mfcc(y=speech, sr=RATE, n_mfcc=n_mfcc, lifter=lifter, n_fft=2048, hop_length=512)
    close(ours, theirs.T)


@pytest.mark.parametrize("top_db", [80.0, None])
def test_power_to_db_equals_librosa(speech, top_db):
    power = features.stft(speech, **STFT).power
    close(features.power_to_db(power, top_db=top_db), librosa.power_to_db(power, top_db=top_db))


def test_twice_the_amplitude_moves_only_the_0th_coefficient(speech):
    soft, loud = (features.mfcc(features.stft(y, **STFT), n_mfcc=13, **BANK) for y in (speech, 2 * speech))
    np.testing.assert_allclose(loud[:, 1:], soft[:, 1:], atol=2e-3)
    np.testing.assert_allclose(loud[:, 0] - soft[:, 0], 20 * np.log10(2) * np.sqrt(128), rtol=1e-3)


def test_a_shift_by_one_hop_moves_frames_by_one(speech):
    frames = features.stft(speech, center=False, **STFT).magnitude
    later = features.stft(speech[512:], center=False, **STFT).magnitude
    np.testing.assert_allclose(later[:40], frames[1:41], atol=1e-5)


def test_an_impulse_has_a_flat_spectrum():
    y = np.zeros(4096, np.float32)
    y[2048] = 1
    magnitude = features.stft(y, sample_rate=RATE, n_fft=1024, hop_length=1024, window="boxcar").magnitude
    np.testing.assert_allclose(magnitude[2], 1, atol=1e-6)


def test_silence_gives_finite_features():
    spectrum = features.stft(np.zeros(RATE, np.float32), **STFT)
    assert np.isfinite(features.mfcc(spectrum, n_mfcc=13, **BANK)).all()


def test_shorter_than_a_frame_is_told():
    with pytest.raises(ValueError, match="shorter than one frame"):
        features.stft(np.ones(100), center=False, **STFT)


def test_fix_length_pads_with_zeros_and_cuts():
    frames = np.arange(6, dtype=np.float32).reshape(3, 2)
    padded = features.fix_length(frames, 5)
    assert padded.shape == (5, 2)
    assert (padded[:3] == frames).all()
    assert not padded[3:].any()
    assert (features.fix_length(frames, 2) == frames[:2]).all()


@pytest.mark.real_audio
def test_mfcc_of_real_speech_equals_librosa(real_data):
    for path in sorted((real_data / "ravdess").rglob("*.wav"))[::200]:
        y = audio.load(path, sample_rate=22_050)
        spectrum = features.stft(y, sample_rate=22_050, n_fft=2048, hop_length=512)
        close(features.mfcc(spectrum, n_mfcc=13, **BANK), librosa.feature.mfcc(y=y, sr=22_050, n_mfcc=13).T)
