"""Prediction: a trained model as one folder, and what it says of recordings.

A model folder is written by `export` and read by `load`; `predict` runs recordings through the very pipeline that the
model was trained with: the paper's extraction, its windows, the scaler, the network.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=("card", "constants", "hearing", "model", "store"),
    submod_attrs={"export": ("export",), "model": ("Model", "load"), "predict": ("Predicted", "predict")},
)
