"""`paper.toml`: what a paper reports, what it leaves open, and where it contradicts itself."""

from ser_keras.papers.checking import check
from ser_keras.papers.reading import read, tags
from ser_keras.papers.schema import Claim, Contradiction, Contrast, Paper, Reported, Silence

__all__ = ["Claim", "Contradiction", "Contrast", "Paper", "Reported", "Silence", "check", "read", "tags"]
