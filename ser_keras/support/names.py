"""Names from outside (paths, titles, labels) as they may be shown."""

from __future__ import annotations

import unicodedata

HIDDEN = ("Cc", "Cs")  # control characters and lone surrogates, by Unicode's categories
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def printable(text: object) -> str:
    r"""The text with "?" for what must not reach a terminal or a log: control characters, bidi overrides, surrogates.

    Example:
        >>> printable("a\x1b[31m\nb\u202e.wav")
        'a?[31m?b?.wav'
    """
    return "".join("?" if c in BIDI or unicodedata.category(c) in HIDDEN else c for c in str(text))
