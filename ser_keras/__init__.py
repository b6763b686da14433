"""Speech-emotion-recognition papers rebuilt in Keras 3.

The public names are loaded when they are first used: `import ser_keras` loads neither a deep-learning backend nor
librosa.

Example:
    >>> import ser_keras as ser
    >>> table = ser.load("demo")
    >>> sorted(table.columns)[:3]
    ['emotion', 'gender', 'path']
"""

from __future__ import annotations

import importlib
from typing import Any

from ser_keras.support import interruption

interruption.install()  # of a command; before anything that takes time

__version__ = "0.2.0"

# Public name -> the module that has it.
_NAMES = {
    "Experiment": "ser_keras.runs.experiment",
    "Extraction": "ser_keras.features.extraction",
    "Options": "ser_keras.runs.options",
    "Recipe": "ser_keras.training.recipe",
    "Window": "ser_keras.features.windows",
    "audit": "ser_keras.leaks",
    "check": "ser_keras.commands.check",
    "export": "ser_keras.prediction",
    "extract": "ser_keras.api",
    "load": "ser_keras.api",
    "paper": "ser_keras.api",
    "predict": "ser_keras.prediction",
    "reproduce": "ser_keras.commands.paper",
    "run": "ser_keras.api",
}
_ROOMS = (
    "augmentation",
    "corpora",
    "evaluation",
    "features",
    "leaks",
    "losses",
    "models",
    "papers",
    "prediction",
    "protocols",
    "reports",
    "runs",
    "training",
)

__all__ = ["__version__", *sorted((*_NAMES, *_ROOMS))]


def __getattr__(name: str) -> Any:
    """Load a public name, or a room, when it is first asked for."""
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"ser_keras.{name}")
    raise AttributeError(f"ser_keras has no public name {name!r}; there are {', '.join(__all__)}")


def __dir__() -> list[str]:
    return list(__all__)
