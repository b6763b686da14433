"""The corpora, by name."""

from __future__ import annotations

from ser_keras.corpora import demo, emodb, iemocap, ravdess, savee
from ser_keras.corpora.base import OPEN, Corpus, Validation, corpus_checksum

CORPORA: dict[str, Corpus] = {
    c.name: c
    for c in (
        ravdess.CORPUS,
        ravdess.STAND_IN,
        ravdess.SONG,
        savee.CORPUS,
        emodb.CORPUS,
        iemocap.CORPUS,
        demo.CORPUS,
    )
}

__all__ = ["CORPORA", "OPEN", "Corpus", "Validation", "corpus_checksum"]
