"""Writing that survives a crash: a file is either the old one, the new one, or absent; never half of one."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ser_keras.support.errors import SerError


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the place of `path` in one step.

    Args:
        path: The file to write. Missing folders are made.

    Raises:
        SerError: The folder cannot be written, or the disk is full. `path` is left as it was.

    Example:
        >>> with atomic(Path("out/table.csv")) as partial:  # doctest: +SKIP
        ...     partial.write_text("a,b")
    """
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The suffix is kept because savers such as Keras's choose the format by it.
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=f".partial{path.suffix}", dir=path.parent)
        os.close(handle)
        partial = Path(name)
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    except OSError as error:
        raise SerError(f"{path} cannot be written: {reason(error)}") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _umask() -> int:
    """The process's umask: mkstemp makes private files, but results are for everybody to read."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def reason(error: OSError) -> str:
    """Why a file cannot be written, and what to do about it, as words for behind its name.

    Args:
        error: As writing raised it.

    Returns:
        A sentence or two.

    Example:
        >>> reason(OSError(errno.ENOSPC, "")).split(".")[0]
        'the disk is full'
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full. Free some space and run the same command again: finished work is kept."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "no permission. Choose another folder (--out, or --cache for features)."
    return f"{error.strerror or error}."


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically.

    Args:
        path: Its folder is made where it is absent.
        text: Written as UTF-8.

    Raises:
        SerError: It cannot be written.
    """
    with atomic(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON to `path` atomically, keys in their own order.

    Args:
        path: Its folder is made where it is absent.
        value: What JSON has.

    Raises:
        SerError: It cannot be written.
    """
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any | None:
    """The JSON value in `path`, or None where no file is there, or none of JSON (half a file from elsewhere).

    Args:
        path: The file.

    Returns:
        The value, or None.

    Example:
        >>> read_json(Path("no such file"))
    """
    try:
        # A folder or a pipe of that name is no file; from a pipe, nothing might ever come.
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return None


def sha256(path: Path) -> str:
    """The file's SHA-256 as 64 hexadecimal digits.

    Args:
        path: The file.

    Returns:
        In lower case.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any) -> str:
    """A short, stable name (16 hexadecimal digits) of a JSON-able value: equal values, equal names.

    Args:
        value: What JSON has; anything else counts as its `str`.

    Returns:
        In lower case.

    Example:
        >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
        True
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextlib.contextmanager
def exclusive(folder: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold `folder` for one run; a second run on it is refused instead of mixing its files in.

    Args:
        folder: The folder.
        wait: Seconds to wait for another process that holds it.

    Raises:
        SerError: Another process holds the folder, or it cannot be written.
    """
    with try_exclusive(folder, wait=wait) as held:
        if not held:
            raise SerError(f"{folder} is in use by another run. Wait for it, or choose another folder with --out.")
        yield


@contextlib.contextmanager
def try_exclusive(folder: Path, *, wait: float = 0.0) -> Iterator[bool]:
    """Hold `folder` if nobody else does; what a killed holder left half written is removed.

    Args:
        folder: The folder.
        wait: Seconds to wait for another process that holds it.

    Yields:
        Whether it is held.

    Raises:
        SerError: It cannot be written.
    """
    import filelock

    lock = filelock.FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=wait)
    except filelock.Timeout:
        yield False
        return
    except OSError as error:
        raise SerError(f"{folder} cannot be written: {reason(error)}") from error
    for left_over in folder.rglob(".*.partial*"):
        # A folder with a lock of its own is swept by who holds it: somebody may be writing there now.
        if left_over.parent == folder or not (left_over.parent / ".lock").exists():
            left_over.unlink(missing_ok=True)
    try:
        yield True
    finally:
        lock.release()
