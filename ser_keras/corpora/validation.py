"""A folder set against the published corpus, and what to tell of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ser_keras.support.names import printable, some

if TYPE_CHECKING:
    import pandas as pd

    from ser_keras.corpora.base import Corpus

UNKNOWN = "?"  # a recording that is missing, where nobody can tell which


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What a folder holds, set against the published corpus.

    Attributes:
        table: The recordings found.
        missing: Utterances of the published corpus that are not here ("?" where ids are not known).
        extra: Audio files that are no part of it.
        odd: What stands under a recording's name and is no file, with what it is.
        damaged: Utterances whose file is empty, unreadable, or not the published one.
        second_copies: Further files of an utterance that is already here, the same byte for byte.
        others: Further files under an utterance's name that are something else.
        repeated: Places where the corpus's own lists name a recording again.
        miscounted: Parts of the corpus that have more or fewer recordings than published.
        identical: Groups of utterances whose files are the same byte for byte.
    """

    corpus: Corpus
    folder: Path
    table: pd.DataFrame
    missing: Sequence[str]
    damaged: Sequence[str]
    extra: Sequence[str] = ()
    odd: Sequence[str] = ()
    second_copies: Sequence[str] = ()
    others: Sequence[str] = ()
    repeated: Sequence[str] = ()
    miscounted: Sequence[str] = ()
    identical: Sequence[tuple[str, ...]] = ()

    @property
    def unusable(self) -> bool:
        """Whether a run on this folder would not be a run on the corpus."""
        return bool(self.missing or self.damaged or self.miscounted)

    def counts(self) -> pd.DataFrame:
        """Recordings an emotion (rows) and speaker (columns), with totals."""
        import pandas as pd

        return pd.crosstab(self.table.emotion, self.table.speaker, margins=True, margins_name="total")

    def told(self, lists: Path | None = None) -> str:
        """All of it in words.

        Args:
            lists: A folder for lists of more than five names; None leaves the rest of them out.

        Returns:
            A line for the corpus, and one a finding, indented.
        """
        there = f"{len(self.table):,} of {self.corpus.expected:,} recordings in {printable(self.folder)}"
        lines = [f"{self.corpus.title}: {there}"]
        for name, words, found in self._findings():
            if found:
                known = [item for item in found if item != UNKNOWN]
                file = lists / f"{self.corpus.name}-{name}.txt" if lists else None
                shown = some(known, file) if known else "which ones cannot be told"
                lines.append(f"  {len(found):,} {words}: {shown}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.told()

    def _findings(self) -> Iterator[tuple[str, str, Sequence[str]]]:
        published = "not the published file" if self.corpus.checksums() else "cannot be read as audio"
        yield "missing", "missing", self.missing
        yield "damaged", f"damaged ({published})", self.damaged
        yield "counts", "parts have another number of recordings than published", self.miscounted
        yield "odd", "under a recording's name, but no files (left out)", self.odd
        yield "extra", "extra (name is not the corpus's)", self.extra
        yield "second", "second copies of one recording (left out)", self.second_copies
        yield "others", "further files under a recording's name, other than it (left out)", self.others
        yield "repeated", "named twice in the corpus's own lists (counted once)", self.repeated
        yield "identical", "identical audio under several names", [" = ".join(group) for group in self.identical]
