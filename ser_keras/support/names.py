"""Names from outside (paths, titles, labels) as they may be shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from ser_keras.support.errors import SerError
from ser_keras.support.files import write_text

HIDDEN = ("Cc", "Cs", "Zl", "Zp")  # control characters, lone surrogates, line separators, by Unicode's categories
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
SHOWN, LONGEST = 5, 200  # names in a message, characters of each


def printable(text: object) -> str:
    r"""The text with "?" for what must not reach a terminal or a log: control characters, bidi overrides, surrogates.

    Args:
        text: Anything; its `str` is taken.

    Returns:
        As many characters.

    Example:
        >>> printable("a\x1b[31m\nb\u202e.wav")
        'a?[31m?b?.wav'
    """
    return "".join("?" if c in BIDI or unicodedata.category(c) in HIDDEN else c for c in str(text))


def some(names: Sequence[object], file: Path | None = None) -> str:
    """At most five of the names, fit to be shown; of more, the whole list is written to a file that is named.

    Args:
        names: What is listed.
        file: Where the whole list goes, one name a line; None writes none. A file that cannot be written is not
            named: the list only adds to a message that has to be read.

    Returns:
        Names divided by commas.

    Example:
        >>> some(["a", "b"]), some(list("abcdefgh"))
        ('a, b', 'a, b, c, d, e and 3 more')
    """
    shown = [printable(name) for name in names]
    text = ", ".join(name if len(name) <= LONGEST else f"{name[:LONGEST]}..." for name in shown[:SHOWN])
    if len(shown) <= SHOWN:
        return text
    text += f" and {len(shown) - SHOWN:,} more"
    if file is not None:
        try:
            write_text(file, "\n".join(shown) + "\n")
        except SerError:
            return text
        text += f" (all of them: {file})"
    return text
