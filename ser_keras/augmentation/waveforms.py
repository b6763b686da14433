"""Augmentations of a waveform. Each comes in two steps: what is random is drawn first, then applied.

`add_noise`, `shift`, `stretch` and `pitch` are pure functions of the waveform and explicit parameters;
`random_noise` ... draw those parameters from the generator that they are given and apply them.
"""

from __future__ import annotations

import numpy as np

from ser_keras.features.audio import resample
from ser_keras.features.spectrum import complex_stft

N_FFT, HOP = 2048, 512  # of the phase vocoder
TURN = 2 * np.pi


def add_noise(waveform: np.ndarray, *, noise: np.ndarray, level: float) -> np.ndarray:
    """The waveform plus `level` times its peak times `noise`; silence stays silence.

    Args:
        waveform: Shape (samples,).
        noise: Noise of unit variance, shape (samples,).
        level: Standard deviation of what is added, as a share of the waveform's peak.

    Returns:
        float32, shape (samples,). The peak grows by about 4 * level of itself at most.

    Example:
        >>> add_noise(np.array([0.0, 1.0]), noise=np.array([1.0, -1.0]), level=0.1)
        array([0.1, 0.9], dtype=float32)
    """
    return (waveform + level * np.abs(waveform).max() * noise).astype(np.float32)


def shift(waveform: np.ndarray, *, samples: int) -> np.ndarray:
    """The waveform turned round by `samples`: what leaves at the end comes in at the start.

    Args:
        waveform: Shape (samples,).
        samples: How far to the right; negative to the left.

    Returns:
        The same samples in another order, shape (samples,).

    Example:
        >>> shift(np.array([1, 2, 3, 4]), samples=1)
        array([4, 1, 2, 3])
    """
    return np.roll(waveform, samples)


def stretch(waveform: np.ndarray, *, rate: float) -> np.ndarray:
    """Faster (rate above 1) or slower at the same pitch, by a phase vocoder; equal to librosa's `time_stretch`.

    Args:
        waveform: Shape (samples,).
        rate: Speed-up factor, above 0.

    Returns:
        float32, shape (round(samples / rate),).

    Raises:
        ValueError: The rate is not above 0.

    Example:
        >>> stretch(np.zeros(8000, np.float32), rate=0.8).shape
        (10000,)
    """
    import librosa

    if rate <= 0:
        raise ValueError(f"a rate of {rate} is not above 0")
    y = np.asarray(waveform, dtype=np.float32)
    spectrum = _stretched(complex_stft(y, n_fft=N_FFT, hop_length=HOP), rate)
    return librosa.istft(spectrum.T, hop_length=HOP, length=round(len(y) / rate))


def _stretched(spectrum: np.ndarray, rate: float) -> np.ndarray:
    """A phase vocoder on (frames, bins).

    librosa walks through the frames in Python; here all but the running sum of phases is done for all frames at
    once. The sum is kept in single precision, as there, so that the results are the same.
    """
    steps = np.arange(0, len(spectrum), rate)
    padded = np.pad(spectrum, ((0, 2), (0, 0)))
    magnitude, phase = np.abs(padded), np.angle(padded)
    here = steps.astype(int)
    share = (steps % 1.0).astype(np.float32)[:, None]
    levels = (1 - share) * magnitude[here] + share * magnitude[here + 1]
    advance = HOP * np.linspace(0, np.pi, spectrum.shape[1])  # of each bin's own frequency, in a hop
    turned = phase[here + 1] - phase[here] - advance
    increments = advance + turned - TURN * np.round(turned / TURN)
    phases = np.empty(levels.shape, np.float32)
    running = phase[0].copy()
    for t, increment in enumerate(increments):
        phases[t] = running
        running += increment
    # Without whole turns the angles are small, for which NumPy's sine and cosine are many times as fast.
    angles = phases.astype(np.float64)
    angles = (angles - TURN * np.round(angles / TURN)).astype(np.float32)
    stretched = np.empty(levels.shape, np.complex64)
    np.multiply(levels, np.cos(angles), out=stretched.real)
    np.multiply(levels, np.sin(angles), out=stretched.imag)
    return stretched


def pitch(waveform: np.ndarray, *, semitones: float, sample_rate: int) -> np.ndarray:
    """Higher or lower at the same duration: stretched, then resampled; equal to librosa's `pitch_shift`.

    Args:
        waveform: Shape (samples,).
        semitones: How far up (positive) or down.
        sample_rate: Rate of the waveform in Hz.

    Returns:
        float32, shape (samples,).

    Example:
        >>> y = np.sin(2 * np.pi * 250 * np.arange(8000) / 8000).astype(np.float32)
        >>> higher = pitch(y, semitones=12, sample_rate=8000)
        >>> len(higher), int(np.abs(np.fft.rfft(higher)).argmax())  # bins of 1 Hz
        (8000, 500)
    """
    rate = 2.0 ** (-semitones / 12)
    moved = resample(stretch(waveform, rate=rate), sample_rate / rate, sample_rate)
    length = len(waveform)
    return np.pad(moved[:length], (0, max(0, length - len(moved))))


def random_noise(waveform: np.ndarray, rng: np.random.Generator, *, level: float) -> np.ndarray:
    """Gaussian noise; see `add_noise`.

    Args:
        waveform: Shape (samples,).
        rng: The source of all randomness.
        level: As for `add_noise`.

    Returns:
        As `add_noise`, shape (samples,).

    Example:
        >>> y = np.ones(4, np.float32)
        >>> random_noise(y, np.random.default_rng(0), level=0.0)
        array([1., 1., 1., 1.], dtype=float32)
    """
    return add_noise(waveform, noise=rng.normal(size=len(waveform)), level=level)


def random_shift(waveform: np.ndarray, rng: np.random.Generator, *, limit: int) -> np.ndarray:
    """A shift by up to `limit` samples either way; see `shift`.

    Args:
        waveform: Shape (samples,).
        rng: The source of all randomness.
        limit: Furthest shift, in samples.

    Returns:
        The same samples in another order, shape (samples,).

    Example:
        >>> sorted(random_shift(np.array([1, 2, 3, 4]), np.random.default_rng(0), limit=2).tolist())
        [1, 2, 3, 4]
    """
    return shift(waveform, samples=int(rng.integers(-limit, limit + 1)))


def random_stretch(waveform: np.ndarray, rng: np.random.Generator, *, low: float, high: float) -> np.ndarray:
    """A rate between `low` and `high`; see `stretch`.

    Args:
        waveform: Shape (samples,).
        rng: The source of all randomness.
        low: Lowest rate; below 1 is slower.
        high: Highest rate.

    Returns:
        float32, as long as `stretch` makes it at the drawn rate.

    Example:
        >>> len(random_stretch(np.zeros(8000), np.random.default_rng(0), low=0.8, high=0.8))
        10000
    """
    return stretch(waveform, rate=rng.uniform(low, high))


def random_pitch(waveform: np.ndarray, rng: np.random.Generator, *, limit: float, sample_rate: int) -> np.ndarray:
    """Up to `limit` semitones either way; see `pitch`.

    Args:
        waveform: Shape (samples,).
        rng: The source of all randomness.
        limit: Furthest move, in semitones.
        sample_rate: Rate of the waveform in Hz.

    Returns:
        float32, shape (samples,).

    Example:
        >>> random_pitch(np.zeros(8000), np.random.default_rng(0), limit=2.0, sample_rate=8000).shape
        (8000,)
    """
    return pitch(waveform, semitones=rng.uniform(-limit, limit), sample_rate=sample_rate)
