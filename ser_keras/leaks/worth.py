"""What a leak was worth in the five papers: accuracy with it less accuracy without it, from committed runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ser_keras.runs import script
from ser_keras.support.variant import Variant

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Pair:
    """Two protocols of a paper, of which one leaks.

    Attributes:
        leak: "copies", "windows" or "speakers".
        paper: The paper.
        leaking: The protocol that leaks.
        clean: The one that is the same without the leak.
    """

    leak: str
    paper: str
    leaking: str
    clean: str


PAIRS = (
    Pair("copies", "boucheta2025", "paper", "split_first"),
    Pair("copies", "jin2022", "augment_before_split", "paper"),
    Pair("windows", "cournut2017", "random_windows", "speaker_independent"),  # which shares speakers, too
    Pair("speakers", "boucheta2025", "split_first", "speaker_independent"),
    Pair("speakers", "jin2022", "paper", "speaker_independent"),
    Pair("speakers", "tripathi2019", "paper", "speaker_independent"),
    Pair("speakers", "varshney2025", "paper_test", "speaker_independent"),
)


def worth(papers: Path | str | None = None) -> pd.DataFrame:
    """Accuracy in per cent with a leak and without it, of every variant that was run both ways.

    Args:
        papers: The folder of all papers; None looks where `runs.script.named` does.

    Returns:
        Columns `leak`, `paper`, `corpus`, `variant`, `leaking`, `clean` (protocols), `with`, `without`, `points`,
        `runs` (of both); empty where no paper's results are at hand.
    """
    import pandas as pd

    there, rows = script.named(papers), []
    for pair in PAIRS:
        path = there.get(pair.paper, Path()) / "results" / "results.csv"
        if pair.paper not in there or not path.is_file():
            continue
        table = pd.read_csv(path)
        table = table[(table.metric == "accuracy") & (table.split == "test")]
        table = table[[not Variant.parse(variant).was for variant in table.variant]]
        by_seed = table.groupby(["corpus", "variant", "protocol", "seed"]).value.mean()
        for (corpus, variant), values in by_seed.groupby(level=["corpus", "variant"]):
            of = dict(iter(values.groupby(level="protocol")))
            if pair.leaking in of and pair.clean in of:
                leaking, clean = 100 * of[pair.leaking], 100 * of[pair.clean]
                rows.append(
                    (*vars(pair).values(), corpus, variant, leaking.mean(), clean.mean(), len(leaking) + len(clean))
                )
    columns = ["leak", "paper", "leaking", "clean", "corpus", "variant", "with", "without", "runs"]
    made = pd.DataFrame(rows, columns=columns)
    return made.assign(points=made["with"] - made["without"]).round({"with": 1, "without": 1, "points": 1})


def sentence(table: pd.DataFrame, leak: str) -> str:
    """What one kind of leak was worth, in words; empty where nothing is committed.

    Args:
        table: As `worth` makes it.
        leak: A name in its column `leak`.

    Returns:
        A part of a sentence, or "".

    Example:
        >>> rows = {"leak": ["copies"] * 2, "paper": ["a", "b"], "points": [3.2, 20.9]}
        >>> sentence(pd.DataFrame(rows), "copies")
        'in 2 of the papers that was worth 3 to 21 points of accuracy (2 variants)'
    """
    rows = table[table.leak == leak]
    if rows.empty:
        return ""
    low, high, papers = rows.points.min(), rows.points.max(), rows.paper.nunique()
    between = f"{low:.0f} points" if round(low) == round(high) else f"{low:.0f} to {high:.0f} points"
    of = "one of the papers" if papers == 1 else f"{papers} of the papers"
    variants = "1 variant" if len(rows) == 1 else f"{len(rows)} variants"
    return f"in {of} that was worth {between} of accuracy ({variants})"
