"""Protocols: named ways to divide examples, views of another protocol's runs, and the audit."""

from ser_keras.protocols.splits import (
    PARTS,
    GroupedFolds,
    LastSpeakers,
    Logged,
    Protocol,
    RandomSplit,
    ScoredOn,
    Split,
    StratifiedFolds,
    audit,
    draw,
    originals,
    samples_of,
)

__all__ = [
    "PARTS",
    "GroupedFolds",
    "LastSpeakers",
    "Logged",
    "Protocol",
    "RandomSplit",
    "ScoredOn",
    "Split",
    "StratifiedFolds",
    "audit",
    "draw",
    "originals",
    "samples_of",
]
