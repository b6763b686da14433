"""Can the verdicts fail? Simulated papers, and the committed results with their reported numbers shuffled.

python benchmarks/verdicts.py [--papers N] [--write]

Beside the rule stands, as its peer, the one that it replaced: a number is reproduced if it lies in the 95 % prediction
interval from the recipe's own runs alone, however wide, or within a point of their mean. All draws are seeded.
--write puts the simulation's table where the site's method page reads it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from printing import show

from ser_keras import papers
from ser_keras.evaluation import moderation
from ser_keras.evaluation.intervals import SHARES, spread
from ser_keras.evaluation.judging import Judged, judged
from ser_keras.evaluation.kinds import cell_of, kind_of
from ser_keras.evaluation.numbers import Numbers
from ser_keras.evaluation.predictive import Predictive
from ser_keras.evaluation.verdicts import (
    AGREES,
    DIFFERS,
    EMOTION_MARGIN,
    INCONCLUSIVE,
    MARGIN,
    NONE,
    ROWS,
    TELLING,
    outcome,
    rounding_of,
)
from ser_keras.runs import results as store

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "ser_keras" / "reports" / "templates" / "site" / "simulation.csv"
RECIPES = 8  # protocols times variants of a paper
PAPERS = 200
COLLAPSE = 40.0  # points that a collapsed run loses
SETTINGS = [(n, sd) for sd in (2, 5, 10) for n in (3, 5, 10)]
OLD_TOLERANCE = 1.0


@dataclass(frozen=True)
class Case:
    """A reported number beside a recipe's runs, under both rules.

    Attributes:
        kind: What the rule says.
        old: Whether the old rule says "reproduced".
        inside: Whether it lies in the rule's interval.
        h: The rule's half-width.
    """

    kind: str
    old: bool
    inside: bool
    h: float


def predictives(runs: Sequence[np.ndarray]) -> list[Predictive]:
    """Where one further run of each recipe of a paper would fall.

    Args:
        runs: The values of each recipe in per cent, shape (runs,) each.
    """
    angles = {i: SHARES.to(values) for i, values in enumerate(runs)}
    deviations = moderation.moderate(angles, lambda recipe: recipe)
    return [
        Predictive(len(values), float(values.mean()), float(angles[i].mean()), *deviations[i])
        for i, values in enumerate(runs)
    ]


def reproduced(value: float, runs: np.ndarray) -> bool:
    """The old rule."""
    s = spread(runs)
    return s.low <= value <= s.high or abs(value - s.mean) <= OLD_TOLERANCE


def simulate(
    n: int,
    sd: float,
    *,
    away: float = 0.0,
    best_of: int = 1,
    collapse: float = 0.0,
    margin: float = MARGIN,
    recipes: int = RECIPES,
    papers: int = PAPERS,
    seed: int = 0,
) -> list[Case]:
    """Papers whose recipes are run n times, and report one further run, or the best of several, of a truth elsewhere.

    Args:
        n: Runs of each recipe.
        sd: Their standard deviation in points.
        away: How far the paper's truth lies from ours, in points, up or down.
        best_of: The paper reports the best of so many runs.
        collapse: Share of all runs, ours and the paper's, that lose `COLLAPSE` points.
        margin: How narrow an interval must be to agree.
        recipes: Recipes of a paper, whose deviations are pooled.
        papers: How many.
        seed: Start of the draws.
    """
    rng = np.random.default_rng([seed, n, int(10 * sd), int(away), best_of, int(100 * collapse)])
    cases = []
    for _ in range(papers):
        truth = rng.uniform(55, 75, recipes)
        ours = _runs(rng, truth, sd, n, collapse)
        theirs = truth + away * rng.choice([-1, 1], recipes)
        reported = _runs(rng, theirs, sd, best_of, collapse).max(axis=1).round(1)
        for value, values, runs in zip(reported, ours, predictives(list(ours)), strict=True):
            found = outcome(value, runs, margin)
            cases.append(Case(found.kind, reproduced(value, values), found.kind != DIFFERS, runs.h))
    return cases


def _runs(rng: np.random.Generator, truth: np.ndarray, sd: float, n: int, collapse: float) -> np.ndarray:
    values = truth[:, None] + sd * rng.normal(size=(len(truth), n))
    return np.clip(values - COLLAPSE * (rng.random(values.shape) < collapse), 0, 100)


def shares(cases: Sequence[Case]) -> dict[str, float]:
    """How often each verdict occurs, and how often the old rule says "reproduced"."""
    return {kind: float(np.mean([c.kind == kind for c in cases])) for kind in (AGREES, INCONCLUSIVE, DIFFERS)} | {
        "old: reproduced": float(np.mean([c.old for c in cases])),
    }


def coverage(cases: Sequence[Case]) -> float:
    """How often one further run lies in the interval."""
    return float(np.mean([c.inside for c in cases]))


def simulation(papers: int) -> pd.DataFrame:
    """The simulation's table: a row a number of runs and deviation."""
    rows = []
    for n, sd in SETTINGS:
        equal = simulate(n, sd, papers=papers)
        row = {"Runs": n, "Deviation": sd, "h": np.median([c.h for c in equal]), "Coverage": coverage(equal)}
        row["Coverage, a fifth collapsing"] = coverage(simulate(n, sd, collapse=0.2, papers=papers))
        for name, cases in (
            ("equal", equal),
            ("10 away", simulate(n, sd, away=10, papers=papers)),
            ("best of five", simulate(n, sd, best_of=5, papers=papers)),
            ("20 away, one emotion", simulate(n, sd, away=20, margin=EMOTION_MARGIN, papers=papers)),
        ):
            row |= {f"{name}: {verdict}": share for verdict, share in shares(cases).items()}
        rows.append(row)
    return pd.DataFrame(rows)


def pooled_over(recipes: int, *, papers: int = 800) -> tuple[float, float, float]:
    """How the number of a paper's recipes matters: coverage, share that agrees, coverage where a fifth collapses."""
    equal = simulate(5, 2, recipes=recipes, papers=papers // recipes)
    collapsing = simulate(3, 2, collapse=0.2, recipes=recipes, papers=papers // recipes)
    return coverage(equal), shares(equal)[AGREES], coverage(collapsing)


def table_of_ten(*, apart: float, sd: float = 2.0, n: int = 5, papers: int = 50, seed: int = 0) -> tuple[float, float]:
    """A paper with one table of ten rows, rightly rebuilt: the shares that agree, in true order and shuffled.

    Args:
        apart: Standard deviation of the rows' truths, in points: how unlike the rows are.
        sd: Standard deviation of a run.
        n: Runs of each row.
        papers: How many.
        seed: Start of the draws.
    """
    rng = np.random.default_rng(seed)
    agree = []
    for _ in range(papers):
        truth = np.clip(65 + apart * rng.normal(size=10), 20, 95)
        values = (truth + sd * rng.normal(size=10)).round(1)
        runs = predictives(list(_runs(rng, truth, sd, n, 0.0)))
        agree.append(agreements(runs, values, np.full(10, MARGIN), [values] * 10))
    matrix = np.array(agree)
    return float(np.diagonal(matrix, axis1=1, axis2=2).mean()), float(matrix.mean())


def agreements(
    runs: Sequence[Predictive], values: np.ndarray, margins: np.ndarray, kinds: Sequence[Sequence[float]]
) -> np.ndarray:
    """Whether row i would agree with the number that is reported for row j, shape (rows, rows).

    The same as `verdicts.outcome`, with everything that does not depend on the order worked out once.

    Args:
        runs: Where one further run of each row would fall.
        values: The reported numbers.
        margins: The margin of each row.
        kinds: All numbers that the paper reports of the row's kind, the row's own among them.
    """
    ends = np.array([r.ends() for r in runs])
    rounding = np.array([rounding_of(v) for v in values])
    low, high = ends[:, :1], ends[:, 1:]
    inside = (low - rounding <= values) & (values <= high + rounding)
    within = (low <= values) & (values <= high)
    narrow = np.array([r.h for r in runs]) <= margins
    held = np.array([sum(r.holds(v) for v in kind) for r, kind in zip(runs, kinds, strict=True)])
    count = np.array([len(kind) for kind in kinds])
    telling = (count < ROWS)[:, None] | (held[:, None] - within <= TELLING * (count - 1)[:, None])
    return narrow[:, None] & inside & telling


@dataclass(frozen=True)
class Shuffled:
    """Rows of one kind of a paper.

    Attributes:
        paper: Which.
        kind: Of metric.
        agree: Whether row i agrees with the number reported for row j, by the rule; shape (rows, rows).
        old: The same by the old rule.
    """

    paper: str
    kind: str
    agree: np.ndarray
    old: np.ndarray

    def p_value(self, agree: np.ndarray, *, draws: int = 5000) -> float:
        """How often a shuffled order agrees as often as the true one."""
        rng = np.random.default_rng(0)
        rows = np.arange(len(agree))
        true = np.trace(agree)
        as_good = sum(agree[rows, rng.permutation(rows)].sum() >= true for _ in range(draws))
        return (as_good + 1) / (draws + 1)


def committed(folder: Path = ROOT / "reproductions") -> Iterator[Shuffled]:
    """The judged rows of each paper's committed results by kind, where there are five or more."""
    for path in sorted(folder.glob("*/results")):
        numbers = Numbers(store.from_published(path))
        groups: dict[tuple[str, ...], dict[tuple[str, ...], Judged]] = {}
        for j in judged(papers.read(path.parent / "paper.toml"), numbers):
            if j.own.kind != NONE:
                kind = kind_of(j.number.metric, numbers.protocols[j.reading.protocol].scored)
                marks = j.variant.split("@")[1:]
                cell = (j.variant, j.reading.protocol, cell_of(j.number.metric))
                groups.setdefault((j.corpus, *marks, kind), {}).setdefault(cell, j)
        for (*_, kind), cells in groups.items():
            rows = list(cells.values())
            if len(rows) >= ROWS:
                values = np.array([j.number.value for j in rows])
                margins = np.array([j.margin for j in rows])
                kinds = [[j.number.value, *j.others] for j in rows]
                agree = agreements([j.runs for j in rows], values, margins, kinds)
                yield Shuffled(path.parent.name, kind, agree, _old(rows, values, numbers))


def _old(rows: Sequence[Judged], values: np.ndarray, numbers: Numbers) -> np.ndarray:
    seen = [numbers.values(j.corpus, j.reading.protocol, j.variant, j.number.metric) for j in rows]
    return np.array([[reproduced(value, runs) for value in values] for runs in seen])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=PAPERS, help=f"simulated papers a setting (default {PAPERS})")
    parser.add_argument("--write", action="store_true", help="write the simulation's table for the method page")
    args = parser.parse_args()
    table = simulation(args.papers)
    for title, columns in (
        ("One further run lies in the interval", [c for c in table if c.startswith(("h", "Coverage"))]),
        *((f"The paper's truth: {name}", [c for c in table if c.startswith(f"{name}:")]) for name in NAMES),
    ):
        shown = table[["Runs", "Deviation", *columns]]
        show(title, [c.split(": ", 1)[-1] for c in shown], [_row(row) for row in shown.itertuples(index=False)])
    few = [[str(recipes), *(f"{share:.2f}" for share in pooled_over(recipes))] for recipes in (2, 4, 8, 16)]
    show(
        "Deviations pooled over few or many recipes (deviation 2, five runs; collapsing: three runs)",
        ["recipes", "coverage", "agrees", "coverage, a fifth collapsing"],
        few,
    )
    rows = [[f"{apart:g}", *(f"{share:.2f}" for share in table_of_ten(apart=apart))] for apart in (3, 5, 10, 15)]
    show(
        "A table of ten rows, rightly rebuilt (deviation 2, five runs): share that agrees",
        ["rows apart (sd)", "true order", "shuffled"],
        rows,
    )
    found = [
        [
            f"{s.paper}: {s.kind}",
            str(len(s.agree)),
            *(
                text
                for agree in (s.agree, s.old)
                for text in (f"{np.diag(agree).mean():.2f}", f"{agree.mean():.2f}", f"{s.p_value(agree):.3f}")
            ),
        ]
        for s in committed()
    ]
    heads = ["true order", "shuffled", "p"]
    show(
        "Committed results, reported numbers shuffled among rows of a kind: share that agrees",
        ["Paper and kind", "rows", *heads, *(f"old: {head}" for head in heads)],
        found,
    )
    if args.write:
        table.to_csv(TABLE, index=False, float_format="%.3f")


NAMES = ("equal", "10 away", "best of five", "20 away, one emotion")


def _row(row: tuple) -> list[str]:
    return [f"{value:g}" if isinstance(value, int) else f"{value:.2f}" for value in row]


if __name__ == "__main__":
    main()
