"""Descriptors of a spectrum: where its energy lies, how peaked it is, and on which pitch classes it falls.

All take the `Spectrum` that `features.stft` gives and return float32, shape (frames, values); equal to librosa's
functions of the same name to 1e-4 relative.
"""

from __future__ import annotations

import functools

import numpy as np

from ser_keras.features.spectrum import Spectrum, power_to_db

TINY = np.finfo(np.float32).tiny


def frequencies(spectrum: Spectrum) -> np.ndarray:
    """Centre frequencies of the transform's bins in Hz, shape (n_fft // 2 + 1,).

    Args:
        spectrum: The short-time spectrum.

    Returns:
        float32, shape (n_fft // 2 + 1,), from 0 to half the sample rate.

    Example:
        >>> from ser_keras.features.spectrum import stft
        >>> frequencies(stft(np.zeros(64), sample_rate=8000, n_fft=8, hop_length=4))
        array([   0., 1000., 2000., 3000., 4000.], dtype=float32)
    """
    return np.fft.rfftfreq(spectrum.n_fft, 1 / spectrum.sample_rate).astype(np.float32)


def centroid(spectrum: Spectrum) -> np.ndarray:
    """Mean frequency in Hz, weighted by magnitude; 0 in silence. Shape (frames, 1).

    Args:
        spectrum: The short-time spectrum.

    Returns:
        float32, shape (frames, 1), in Hz.

    Example:
        >>> from ser_keras.features.spectrum import stft
        >>> tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
        >>> s = stft(tone, sample_rate=8000, n_fft=256, hop_length=128)
        >>> round(float(centroid(s)[30, 0]))
        1000
    """
    return (_shares(spectrum) @ frequencies(spectrum))[:, None]


def bandwidth(spectrum: Spectrum) -> np.ndarray:
    """Standard deviation of frequency in Hz, weighted by magnitude. Shape (frames, 1).

    Args:
        spectrum: The short-time spectrum.

    Returns:
        float32, shape (frames, 1), in Hz.

    Example:
        >>> from ser_keras.features.spectrum import stft
        >>> click = np.zeros(512)
        >>> click[256] = 1.0  # all frequencies from 0 to 4000 Hz alike: 4000 / sqrt(12), about
        >>> round(float(bandwidth(stft(click, sample_rate=8000, n_fft=256, hop_length=128))[2, 0]), -1)
        1160.0
    """
    deviations = np.square(frequencies(spectrum) - centroid(spectrum))
    return np.sqrt(np.einsum("tf,tf->t", _shares(spectrum), deviations))[:, None]


def _shares(spectrum: Spectrum) -> np.ndarray:
    """Magnitudes divided by their sum in each frame; zeros in silence."""
    totals = spectrum.magnitude.sum(axis=1, keepdims=True)
    return spectrum.magnitude / np.where(totals < TINY, 1, totals)


def rolloff(spectrum: Spectrum, *, roll_percent: float) -> np.ndarray:
    """The frequency in Hz below which `roll_percent` (0.85, say) of the magnitude lies. Shape (frames, 1).

    Args:
        spectrum: The short-time spectrum.
        roll_percent: Share of the magnitude, in [0, 1].

    Returns:
        float32, shape (frames, 1), in Hz; 0 in silence.

    Example:
        >>> from ser_keras.features.spectrum import stft
        >>> click = np.zeros(512)
        >>> click[256] = 1.0  # all frequencies from 0 to 4000 Hz alike
        >>> float(rolloff(stft(click, sample_rate=8000, n_fft=256, hop_length=128), roll_percent=0.5)[2, 0])
        2000.0
    """
    cumulated = np.cumsum(spectrum.magnitude, axis=1)
    reached = cumulated >= roll_percent * cumulated[:, -1:]
    return frequencies(spectrum)[reached.argmax(axis=1)][:, None]


def contrast(spectrum: Spectrum, *, n_bands: int, fmin: float, quantile: float = 0.02) -> np.ndarray:
    """Peaks against valleys in octave bands, in dB (Jiang et al. 2002, doi:10.1109/ICME.2002.1035731).

    Args:
        spectrum: The short-time spectrum.
        n_bands: Octaves from `fmin` up; below the first lies one more band.
        fmin: Lower edge of the first octave in Hz.
        quantile: Share of a band's bins that make its peak, and its valley.

    Returns:
        float32, shape (frames, n_bands + 1).

    Raises:
        ValueError: A band begins above half the sample rate.

    Example:
        >>> from ser_keras.features.spectrum import stft
        >>> tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
        >>> s = stft(tone, sample_rate=8000, n_fft=512, hop_length=256)
        >>> contrast(s, n_bands=4, fmin=200.0).shape
        (32, 5)
    """
    if fmin * 2 ** (n_bands - 1) >= spectrum.sample_rate / 2:
        raise ValueError(f"{n_bands} octaves from {fmin} Hz pass half the sample rate, {spectrum.sample_rate / 2} Hz")
    hertz = frequencies(spectrum)
    edges = [0.0, *(fmin * 2.0 ** np.arange(n_bands + 1))]
    valleys, peaks = [], []
    for band in range(n_bands + 1):
        # An octave takes the bin below its lower edge; its last bin counts for the quantile, but belongs to the next.
        first = int(np.searchsorted(hertz, edges[band])) - (band > 0)
        last_band = band == n_bands
        end = len(hertz) if last_band else int(np.searchsorted(hertz, edges[band + 1], side="right"))
        few = max(1, int(np.rint(quantile * (end - first))))
        bins = spectrum.magnitude[:, first : end if last_band else end - 1]
        valleys.append(np.partition(bins, few - 1, axis=1)[:, :few].mean(axis=1))
        peaks.append(np.partition(bins, bins.shape[1] - few, axis=1)[:, -few:].mean(axis=1))
    return power_to_db(np.stack(peaks, axis=1)) - power_to_db(np.stack(valleys, axis=1))


def chroma(spectrum: Spectrum, *, n_chroma: int = 12, tuning: float | None = None) -> np.ndarray:
    """Energy by pitch class, the strongest of each frame at 1.

    Args:
        spectrum: The short-time spectrum.
        n_chroma: Pitch classes in an octave.
        tuning: Deviation from A440 in classes; None estimates it from the spectrum.

    Returns:
        float32, shape (frames, n_chroma); class 0 is C.

    Example:
        >>> from ser_keras.features.spectrum import stft
        >>> a4 = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
        >>> s = stft(a4, sample_rate=8000, n_fft=2048, hop_length=512)
        >>> int(chroma(s, tuning=0.0)[8].argmax())  # C is 0, so A is 9
        9
    """
    import librosa

    if tuning is None:
        tuning = librosa.estimate_tuning(S=spectrum.power.T, sr=spectrum.sample_rate, bins_per_octave=n_chroma)
    bank = _chroma_bank(spectrum.sample_rate, spectrum.n_fft, n_chroma, float(tuning))
    energies = spectrum.power @ bank
    strongest = energies.max(axis=1, keepdims=True)
    return energies / np.where(strongest < TINY, 1, strongest)


@functools.lru_cache(maxsize=128)  # tunings come in steps of 0.01
def _chroma_bank(rate: int, n_fft: int, n_chroma: int, tuning: float) -> np.ndarray:
    import librosa.filters

    bank = librosa.filters.chroma(sr=rate, n_fft=n_fft, tuning=tuning, n_chroma=n_chroma)
    return np.ascontiguousarray(bank.T, dtype=np.float32)
