"""The folders of this user: where downloads lie, and what may be computed again."""

from __future__ import annotations

from pathlib import Path


def user_data_folder() -> Path:
    """The per-user data folder, into which open corpora are downloaded."""
    import platformdirs

    return Path(platformdirs.user_data_dir("ser_keras"))


def user_cache_folder() -> Path:
    """The per-user cache folder: features, the synthetic corpus, long lists of names."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("ser_keras"))


def cache_folder(given: Path | None) -> Path:
    """Where features are kept: the folder given, else the per-user cache.

    Args:
        given: The folder of a flag or argument; None where there is none.

    Returns:
        A path; nothing is made.

    Example:
        >>> cache_folder(Path("kept")).name
        'kept'
    """
    return given or user_cache_folder() / "features"
