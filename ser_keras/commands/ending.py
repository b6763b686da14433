"""How a command ends: one sentence and an exit code, whatever happened."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ser_keras.support.errors import SerError
from ser_keras.support.interruption import ctrl_c


@contextmanager
def explained(stopped: str = "Stopped.") -> Iterator[None]:
    """Run a command's work; what a user can mend, and an interruption, end it with a sentence.

    Args:
        stopped: What is said after Ctrl-C.

    Raises:
        SystemExit: 1 (or the error's own code) for an explained error, 130 after Ctrl-C.
    """
    try:
        with ctrl_c():
            yield
    except SerError as error:
        print(f"\n{error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print(f"\n{stopped}", file=sys.stderr)
        raise SystemExit(130) from None
