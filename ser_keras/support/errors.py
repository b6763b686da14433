"""Errors that a user can mend: they are printed as one message, without a traceback."""

from __future__ import annotations


class SerError(Exception):
    """The message names the thing that is wrong and the remedy."""

    exit_code = 1


class MissingCorpusError(SerError):
    """No corpus that was asked for lies where it was looked for."""

    exit_code = 2


class LostClusterError(SerError):
    """A cluster that answered before is gone; nothing more can be run on it."""


class SourceError(SerError):
    """What a server sent is not what was published there."""


class ImpossibleError(SerError):
    """A corpus cannot be divided as a protocol asks; the message names the rule and the counts."""


class TooShortError(ValueError):
    """A waveform or its frames are fewer than a feature needs."""


class BadAudioError(SerError):
    """One recording cannot be used; the message begins with its path."""
