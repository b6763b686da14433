"""The former place of what `ser_keras.papers` gives."""

from ser_keras.papers import Claim, Contradiction, Contrast, Paper, Reported, Silence, read, tags

__all__ = ["Claim", "Contradiction", "Contrast", "Paper", "Reported", "Silence", "read", "tags"]
