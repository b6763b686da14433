"""A recipe: one variant of a paper, from recordings to a fitted model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.features.extraction import Extraction
from ser_keras.features.windows import Window

if TYPE_CHECKING:
    import keras
    import sklearn.base

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One variant of a paper: how recordings become features and how a model is fitted to them.

    Attributes:
        extraction: Recordings to features.
        build: (input_shape, n_classes) -> compiled `keras.Model`, or a scikit-learn classifier.
        epochs: Passes through the training part.
        batch_size: Samples in a step.
        demo_epochs: Epochs on the demo corpus; None means `epochs`.
        scaler: How features are standardised, always on the training part: None, "value" (each value of a sample by
            itself), "coefficient" (one mean and deviation for each of the last axis's, over all frames) or "row" (the
            same for each of the first axis's, for features of shape (coefficients, frames, 1)).
        callbacks: Makes the Keras callbacks of one run.
        window: Cut the frames of every recording into windows, each of which is a sample; the extraction is then
            `ragged`, with features of shape (frames, coefficients).
        oversample: Draw training samples of the smaller classes again until each has as many as the largest.
        change: (batch, generator) -> batch: an augmentation of standardised features, applied to training batches
            alone and drawn anew for each.
    """

    extraction: Extraction
    build: Callable[[tuple[int, ...], int], keras.Model | sklearn.base.ClassifierMixin]
    epochs: int
    batch_size: int
    demo_epochs: int | None = None
    scaler: str | None = None
    callbacks: Callable[[], list[keras.callbacks.Callback]] | None = None
    window: Window | None = None
    oversample: bool = False
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None
