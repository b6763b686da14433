"""Augmentations: of waveforms, and of batches of standardised features."""

from ser_keras.augmentation.waveforms import (
    add_noise,
    pitch,
    random_noise,
    random_pitch,
    random_shift,
    random_stretch,
    shift,
    stretch,
)

__all__ = [
    "add_noise",
    "pitch",
    "random_noise",
    "random_pitch",
    "random_shift",
    "random_stretch",
    "shift",
    "stretch",
]
