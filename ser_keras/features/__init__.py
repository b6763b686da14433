"""Features: from a file to numbers. Decoding, spectra, cepstra, descriptors, deltas, windows, whole corpora."""

from ser_keras.features.spectrum import (
    TOP_DB,
    Spectrum,
    complex_stft,
    decibels,
    fit_length,
    frame,
    liftered,
    log_mel,
    mel,
    mfcc,
    stft,
    taper,
)

__all__ = [
    "TOP_DB",
    "Spectrum",
    "complex_stft",
    "decibels",
    "fit_length",
    "frame",
    "liftered",
    "log_mel",
    "mel",
    "mfcc",
    "stft",
    "taper",
]
