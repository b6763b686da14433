"""Protocols: named ways to divide examples, views of another protocol's runs, and the audit.

A protocol sees the *examples*: one row for each thing that a network is shown, with the columns of the utterance
table (`utterance`, `speaker`, `emotion`, `text`, `sha256` ...), the `copy` (original, or the augmentation that made
it) and the `window` within the utterance.
"""

from ser_keras.protocols.audit import audit
from ser_keras.protocols.base import PARTS, Protocol, Split, check_columns
from ser_keras.protocols.examples import examples_of
from ser_keras.protocols.splits import GroupKFold, LastSpeakers, RandomSplit, StratifiedKFold, draw, number_of_splits
from ser_keras.protocols.views import Logged, ScoredOn, View

__all__ = [
    "PARTS",
    "GroupKFold",
    "LastSpeakers",
    "Logged",
    "Protocol",
    "RandomSplit",
    "ScoredOn",
    "Split",
    "StratifiedKFold",
    "View",
    "audit",
    "check_columns",
    "draw",
    "examples_of",
    "number_of_splits",
]
