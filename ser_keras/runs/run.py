"""Which run: the five words that name its folder and lead its rows in every table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

RECORD = "cell.json"
FOLDERS = "*/*/*/seed*/fold*"  # of runs, below an output folder
ANY = f"{FOLDERS}/{RECORD}"


@dataclass(frozen=True, order=True)
class Run:
    """One training: corpus x protocol x variant x seed x fold.

    Example:
        >>> run = Run("ravdess", "paper", "mfcc", 0, 0)
        >>> str(run), run.folder(Path("out")).as_posix()
        ('ravdess paper mfcc seed 0 fold 0', 'out/ravdess/paper/mfcc/seed0/fold0')
    """

    corpus: str
    protocol: str
    variant: str
    seed: int
    fold: int

    def folder(self, out: Path) -> Path:
        """Where the run's files lie below `out`.

        Args:
            out: The output folder.

        Returns:
            A path; nothing is made.
        """
        return out / self.corpus / self.protocol / self.variant / f"seed{self.seed}" / f"fold{self.fold}"

    def __str__(self) -> str:
        return f"{self.corpus} {self.protocol} {self.variant} seed {self.seed} fold {self.fold}"
