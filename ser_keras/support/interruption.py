"""Ctrl-C that cannot get lost.

Python drops a KeyboardInterrupt that is raised in the callback of a weak reference or in a destructor, and a library
may answer it with an error of its own. The first happens while TensorFlow traces a network, so the key is also
written down.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_pressed = False


@contextmanager
def ctrl_c() -> Iterator[None]:
    """Note Ctrl-C while the block runs; main thread only.

    Raises:
        KeyboardInterrupt: Also in place of any other error that follows Ctrl-C.

    Example:
        >>> with ctrl_c():
        ...     check()
    """
    global _pressed
    before = signal.signal(signal.SIGINT, _note)
    try:
        yield
    except Exception as error:
        if _pressed:
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)
        _pressed = False


def check() -> None:
    """Stop here if Ctrl-C was pressed before; long jobs call this between steps.

    Raises:
        KeyboardInterrupt: It was.
    """
    if _pressed:
        raise KeyboardInterrupt


def _note(number: int, frame: FrameType | None) -> None:
    global _pressed
    _pressed = True
    signal.default_int_handler(number, frame)
