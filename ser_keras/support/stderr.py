"""What native libraries write to standard error, past Python."""

from __future__ import annotations

import functools
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ser_keras.support import interruption


@functools.cache
def _lock() -> threading.RLock:
    return threading.RLock()


@contextmanager
def held(pattern: str = "") -> Iterator[None]:
    """Hold back what is written to standard error while the block runs.

    One thread at a time: the descriptor belongs to the process.

    Args:
        pattern: Lines in which this regular expression is found are kept back for good, all others passed on when
            the block ends. Without one everything is kept back, and passed on only if the block fails.
    """
    with _lock():
        sys.stderr.flush()
        try:
            stderr = os.dup(2)
        except OSError:  # no standard error to hold back
            yield
            return
        with tempfile.TemporaryFile() as kept:
            os.dup2(kept.fileno(), 2)
            before = interruption.voice
            interruption.voice = stderr if before == 2 else before
            failed = False
            try:
                yield
            except Exception:  # Ctrl-C has a sentence of its own
                failed = True
                raise
            finally:
                interruption.voice = before
                os.dup2(stderr, 2)
                os.close(stderr)
                kept.seek(0)
                for line in kept.read().decode(errors="replace").splitlines(keepends=True):
                    if not re.search(pattern, line) if pattern else failed:
                        os.write(2, line.encode())
