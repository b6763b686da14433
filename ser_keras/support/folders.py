"""Where corpora and features lie on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder(given: Path | None) -> Path:
    """Where corpora lie: the folder given, else $SER_KERAS_DATA, else the per-user data folder."""
    if given is not None:
        return given
    if from_environment := os.environ.get("SER_KERAS_DATA"):
        return Path(from_environment)
    return user_data_folder()


def user_data_folder() -> Path:
    """The per-user data folder, into which open corpora are downloaded."""
    import platformdirs

    return Path(platformdirs.user_data_dir("ser_keras"))


def cache_folder(given: Path | None) -> Path:
    """Where features are kept: the folder given, else the per-user cache folder."""
    import platformdirs

    return given or Path(platformdirs.user_cache_dir("ser_keras")) / "features"
