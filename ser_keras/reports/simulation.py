"""What the rule of verdicts does where the truth is known: the simulation of `benchmarks/verdicts.py`, as a table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

FILE = Path(__file__).parent / "templates" / "site" / "simulation.csv"
KINDS = ("agrees", "inconclusive", "differs")


def table() -> pd.DataFrame:
    """A row a number of runs and deviation: coverage, and how often each verdict is given.

    Returns:
        Texts; three shares in a cell are those of agrees, inconclusive and differs, in per cent.
    """
    found = pd.read_csv(FILE)

    def verdicts(case: str) -> pd.Series:
        columns = [(100 * found[f"{case}: {kind}"]).round().astype(int).astype(str) for kind in KINDS]
        return columns[0] + " / " + columns[1] + " / " + columns[2]

    def percent(column: str) -> pd.Series:
        return (100 * found[column]).round().astype(int).astype(str) + " %"

    return pd.DataFrame(
        {
            "Deviation": found.Deviation.astype(str),
            "Runs": found.Runs.astype(str),
            "h": found.h.map("{:.1f}".format),
            "Further runs inside": percent("Coverage"),
            "A fifth collapsing": percent("Coverage, a fifth collapsing"),
            "Same recipe": verdicts("equal"),
            "10 points away": verdicts("10 away"),
            "Best of five of the same": verdicts("best of five"),
            "An emotion 20 points away": verdicts("20 away, one emotion"),
            "10 away under the plain interval": percent("10 away: old: reproduced"),
        }
    )
