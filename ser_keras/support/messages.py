"""Words for messages: what was meant, and text from outside that may be printed anywhere."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_NAME = 64  # difflib takes quadratic time; a longer name is no slip of the fingers


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that names the nearest of the known names; empty where none is near.

    Args:
        name: What was written.
        known: What could have been meant.

    Returns:
        "; did you mean ...?", or "".

    Example:
        >>> "there is no key 'yaer'" + did_you_mean("yaer", ["title", "year"])
        "there is no key 'yaer'; did you mean 'year'?"
        >>> did_you_mean("yaer", ["doi"])
        ''
    """
    if len(name) > LONGEST_NAME:
        return ""
    by_lower = {word.lower(): word for word in known}
    near = difflib.get_close_matches(name.strip().lower(), by_lower, n=1)
    return f"; did you mean {by_lower[near[0]]!r}?" if near else ""


def escaped(text: str, *, longest: int | None = None) -> str:
    r"""Text whose control characters, bidirectional marks and lone surrogates are written as escapes.

    Args:
        text: Anything, a file's name say.
        longest: Characters kept; what is longer ends in "...".

    Returns:
        Text that can be printed.

    Example:
        >>> print(escaped("a\x1b[2Jb"), escaped("abcdefgh", longest=6))
        a\x1b[2Jb abc...
    """
    if longest is not None and len(text) > longest:
        text = text[: longest - 3] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shortened(text: str, longest: int = 60) -> str:
    """The same in quotation marks, for a value within a sentence.

    Args:
        text: Anything.
        longest: Characters kept, quotation marks not counted.

    Example:
        >>> print(shortened("abcdefgh", 6))
        'abc...'
    """
    return f"'{escaped(text, longest=longest)}'"
