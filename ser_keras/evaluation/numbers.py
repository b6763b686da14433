"""Every value of a paper's runs over seeds, and where one further run of each would fall."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace

import numpy as np
import pandas as pd

from ser_keras.corpora import named
from ser_keras.evaluation import moderation
from ser_keras.evaluation.intervals import SHARES, Spread, spread
from ser_keras.evaluation.kinds import is_share, kind_of
from ser_keras.evaluation.metrics import BY_UTTERANCE, SEED_COLUMNS, by_seed, by_unit, logged_by_seed, with_views
from ser_keras.evaluation.predictive import Predictive
from ser_keras.runs.results import Results, unfinished, utterances
from ser_keras.support.errors import SerError
from ser_keras.support.metric import Metric
from ser_keras.support.variant import recipe_of

RECIPE = ["corpus", "protocol", "variant"]


class Numbers:
    """Every value over seeds, ready to be asked for.

    Args:
        results: The finished cells. Seeds of which a fold is missing are named in `unfinished`, and do not count.

    Attributes:
        results: Those that count.
        unfinished: Seeds that do not, one row each.
        predictions: All predictions, those that a `ScoredOn` protocol looks at under its name, too.
        table: One row a recipe, seed and metric, as `metrics.by_seed` gives them: fractions.

    Raises:
        SerError: No seed counts.
    """

    def __init__(self, results: Results) -> None:
        self.unfinished = unfinished(results.counting())
        self.aside = results.why_aside()
        results = self.results = results.counting().whole()
        if not results.cells:
            raise SerError("\n".join(["No number yet: no seed has all of its folds.", *self.lacking]))
        # Protocols as described in the results: no code of the paper is needed to read them.
        self.protocols = {name: SimpleNamespace(**given) for name, given in results.protocols.items()}
        self.predictions = with_views(results.predictions, self.protocols)
        values = [
            by_seed(self.predictions, self.protocols, results.classes),
            logged_by_seed(results.history, self.protocols),
            shares(results.cells),
        ]
        self.table = pd.concat([table for table in values if not table.empty], ignore_index=True)
        self._runs: dict[tuple[str, str, str], dict[tuple[int, int], dict[str, float]]] = {}

    @property
    def lacking(self) -> list[str]:
        """The seeds that do not count, a sentence each."""
        return [
            f"{row.corpus} {row.protocol} {row.variant} seed {row.seed} does not count before all of its folds are "
            f"finished: {row.tested:,} of {row.recordings:,} recordings are tested by now."
            for row in self.unfinished.itertuples()
        ]

    @property
    def synthetic(self) -> bool:
        """Whether all of them come from computed sounds."""
        return all(named(corpus).synthetic for corpus in self.results.corpora)

    def variants(self, corpus: str, base: str | None = None) -> list[str]:
        """Variants run on a corpus, marks included, of one recipe or of all.

        Args:
            corpus: Its name.
            base: A recipe's name; None for all recipes.

        Returns:
            In the order of the results.
        """
        found = self.table[self.table.corpus == corpus].variant.unique()
        return [v for v in found if base is None or recipe_of(v) == base]

    def values(self, corpus: str, protocol: str, variant: str, metric: str) -> pd.Series:
        """A metric in per cent by seed; empty where nothing was run or the metric is undefined.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.
            metric: Its name.

        Returns:
            Indexed by seed.
        """
        found = self._values.get((corpus, protocol, variant, metric))
        return pd.Series(dtype=float) if found is None else found.values

    def spread(self, corpus: str, protocol: str, variant: str, metric: str) -> Spread | None:
        """The spread of a metric in per cent; None where nothing was run.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.
            metric: Its name.

        Returns:
            Mean, deviation and number of seeds, or None.
        """
        found = self.values(corpus, protocol, variant, metric)
        return spread(found) if len(found) else None

    def predictive(self, corpus: str, protocol: str, variant: str, metric: str) -> Predictive | None:
        """Where one further run would fall, its deviation moderated over the paper; None where nothing was run.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.
            metric: Its name.

        Returns:
            The prediction, or None.
        """
        return self._predictives.get((corpus, protocol, variant, metric))

    @cached_property
    def _values(self) -> dict[tuple[str, ...], _Group]:
        return {
            key: _Group(100 * rows.set_index("seed").value.astype(float), float(rows.recordings.mean()))
            for key, rows in self.table.dropna(subset="value").groupby([*RECIPE, "metric"])
        }

    @cached_property
    def _predictives(self) -> dict[tuple[str, ...], Predictive]:
        """All of them: what is pooled is a corpus's metrics of one kind, over protocols, variants and classes."""
        kinds: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        for key in self._values:
            corpus, protocol, _, metric = key
            if not is_share(metric):
                kind = kind_of(metric, self.protocols[protocol].scored)
                kinds.setdefault((corpus, kind), []).append(key)
        return {key: one for keys in kinds.values() for key, one in self._pooled(keys).items()}

    def _pooled(self, keys: list[tuple[str, ...]]) -> dict[tuple[str, ...], Predictive]:
        angles = {key: SHARES.to(self._values[key].values.to_numpy()) for key in keys}
        found = {}
        for key, (s, nu) in moderation.moderate(angles, lambda key: self.runs_behind(*key[:3])).items():
            group = self._values[key]
            floor = self._floor(key[:3], group.recordings)
            found[key] = Predictive(
                n=len(group.values),
                mean=float(group.values.mean()),
                centre=float(angles[key].mean()),
                s=s if math.isnan(s) else max(s, floor),
                nu=nu,
                floor=floor,
                equal=len(group.values) > 1 and bool(np.ptp(group.values.to_numpy()) == 0),
            )
        return found

    def runs_behind(self, corpus: str, protocol: str, variant: str) -> tuple[str, str, str]:
        """Which runs a recipe's numbers come from: those of a protocol that looks at another's are the other's.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.

        Returns:
            Corpus, protocol and variant of the runs.
        """
        return corpus, self.base(protocol), variant

    def _floor(self, recipe: tuple[str, ...], recordings: float) -> float:
        """What a deviation cannot be less than on the scale: the sampling error of a test part that seeds draw anew.

        sqrt(p (1 - p) / n) is 1 / (2 sqrt(n)) there, whatever p. Copies and windows of a recording are no further
        recordings. (Parts are drawn from a finite corpus, which takes up to sqrt(1 - n / N) off: left out, on the
        cautious side.) Where all seeds score the same recordings there is none: the paper has that test part, too.
        """
        if not recordings > 0 or self.same_test(*recipe):
            return 0.0
        return 0.5 / math.sqrt(recordings)

    def same_test(self, corpus: str, protocol: str, variant: str) -> bool:
        """Whether all seeds score the same recordings; a single seed cannot tell, and counts as drawn.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.

        Returns:
            False where test parts are drawn by seed.
        """
        return (corpus, protocol, variant) in self._same_test

    @cached_property
    def _same_test(self) -> set[tuple[str, ...]]:
        scored = self.predictions.protocol.map({name: p.scored for name, p in self.protocols.items()})
        rows = self.predictions[self.predictions.split == scored]
        if "utterance" not in rows:
            return set()
        rows = rows[[*RECIPE, "seed", "utterance"]].drop_duplicates()
        sets = rows.groupby([*RECIPE, "seed"]).utterance.agg(frozenset).groupby(RECIPE).agg(["size", "nunique"])
        return set(sets.index[(sets["size"] > 1) & (sets["nunique"] == 1)])

    def base(self, protocol: str) -> str:
        """The protocol whose runs a protocol scores: itself, or the one that it looks at.

        Args:
            protocol: Its name.

        Returns:
            A protocol with runs of its own.
        """
        return getattr(self.protocols[protocol], "of", None) or protocol

    def hours(self, corpus: str, protocol: str, variant: str) -> float:
        """What one further seed would take, all of its folds, on the machines that made the others; NaN without.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.

        Returns:
            Hours of one machine.
        """
        cells = self._cells(corpus, self.base(protocol), variant)
        if not cells:
            return math.nan
        folds = len({cell["cell"]["fold"] for cell in cells})
        return folds * float(np.mean([cell["seconds"] for cell in cells])) / 3600

    def seeds(self, corpus: str, protocol: str, variant: str) -> dict[int, dict[str, float]]:
        """All metrics of each seed: fractions; and what the training log says in the last epoch, folds averaged.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.

        Returns:
            By seed, values by metric; {} where nothing was run.
        """
        return self._seeds.get((corpus, protocol, variant), {})

    @cached_property
    def _seeds(self) -> dict[tuple[str, ...], dict[int, dict[str, float]]]:
        found: dict[tuple[str, ...], dict[int, dict[str, float]]] = {}
        for (*recipe, seed), rows in self.table.dropna(subset="value").groupby([*RECIPE, "seed"]):
            found.setdefault(tuple(recipe), {})[seed] = dict(zip(rows.metric, rows.value, strict=True))
        last = self.results.history.sort_values("epoch").groupby([*RECIPE, "seed", "fold"]).tail(1)
        for (*recipe, seed), logs in last.groupby([*RECIPE, "seed"]).mean(numeric_only=True).iterrows():
            of = found.setdefault(tuple(recipe), {}).setdefault(seed, {})
            of.update({f"log/{name}": value for name, value in logs.items()})
        return found

    def runs(self, corpus: str, protocol: str, variant: str) -> dict[tuple[int, int], dict[str, float]]:
        """All metrics of each run, as fractions: `seeds`, every fold for itself.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.

        Returns:
            By seed and fold, values by metric.
        """
        key = (corpus, protocol, variant)
        if key not in self._runs:
            self._runs[key] = self._fold_by_fold(*key)
        return self._runs[key]

    def _fold_by_fold(self, corpus: str, protocol: str, variant: str) -> dict[tuple[int, int], dict[str, float]]:
        rows = self._rows_of(corpus, protocol, variant)
        if rows.fold.nunique() < 2:
            return {(seed, 0): values for seed, values in self.seeds(corpus, protocol, variant).items()}
        run = rows.groupby(["seed", "fold"])
        given = {protocol: self.protocols[protocol]}
        values = by_seed(rows.assign(seed=run.ngroup()), given, self.results.classes).dropna(subset="value")
        values = {n: dict(zip(of.metric, of.value, strict=True)) for n, of in values.groupby("seed")}
        return {key: values[n] for n, key in enumerate(run.groups)}

    def _rows_of(self, *recipe: str) -> pd.DataFrame:
        return self._rows.get(recipe, self.predictions[:0])

    @cached_property
    def _rows(self) -> dict[tuple[str, ...], pd.DataFrame]:
        return dict(iter(self.predictions.groupby(RECIPE)))

    def scored(self, corpus: str, protocol: str, variant: str, unit: str = "") -> pd.DataFrame:
        """The predictions that give a recipe's numbers: of windows, or with `BY_UTTERANCE` of whole utterances.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.
            unit: "" or `BY_UTTERANCE`.

        Returns:
            Rows of the part that the protocol scores; none where there are none.
        """
        rows = self._rows_of(corpus, protocol, variant)
        rows = rows[rows.split == self.protocols[protocol].scored]
        return dict(by_unit(rows)).get(unit, rows[:0])

    def test_to_train(self, corpus: str, protocol: str, variant: str) -> float:
        """Samples scored over samples learned from, in a mean run; 0 where all runs score the same recordings.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.

        Returns:
            A ratio, which pairs of runs on overlapping training parts are judged by.
        """
        scored = self.scored(corpus, protocol, variant).groupby(["seed", "fold"]).utterance
        if scored.agg(frozenset).nunique() < 2:
            return 0.0
        cells = self._cells(corpus, self.base(protocol), variant)
        return float(scored.size().mean() / np.mean([c["audit"]["train"] for c in cells]))

    def highest(self, corpus: str, protocol: str, variant: str, metric: str) -> float:
        """The best seed's value in per cent; NaN where nothing was run.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.
            metric: Its name.

        Returns:
            In per cent.
        """
        return float(self.values(corpus, protocol, variant, metric).max())

    def tests_new_speakers(self, corpus: str, protocol: str, variant: str) -> bool:
        """Whether nobody is heard in training and test.

        Not known of a protocol that looks at another's runs, or scores another part than the test part: the audit
        does not say whom those score.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.

        Returns:
            True where the audits of all runs say so.
        """
        runs = self._cells(corpus, protocol, variant) if self.protocols[protocol].scored == "test" else []
        return bool(runs) and not any(c["audit"]["shared_speakers"] for c in runs)

    def by_speaker(self, corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> pd.Series:
        """Accuracy in per cent of each test speaker, seeds averaged; empty where speakers are on both sides.

        Args:
            corpus: Its name.
            protocol: Its name.
            variant: As it was run, marks included.
            metric: Its unit tells whether windows or whole utterances count.

        Returns:
            Indexed by speaker.
        """
        if not self.tests_new_speakers(corpus, protocol, variant):
            return pd.Series(dtype=float)
        table = self.scored(corpus, protocol, variant, BY_UTTERANCE if Metric.parse(metric).unit else "")
        speakers = {u: named(corpus).speaker_of(u) for u in table.utterance.unique()}
        right = (table.label == table.prediction).groupby([table.utterance.map(speakers), table.seed]).mean()
        return 100 * right.groupby(level=0).mean().drop("", errors="ignore")

    def _cells(self, *key: str) -> list[dict]:
        return [cell for cell in self.results.cells if tuple(cell["cell"][k] for k in RECIPE) == key]

    @property
    def judged(self) -> pd.DataFrame:
        """The predictions of validation and test parts, and of training parts where a protocol scores those."""
        scored = self.predictions.protocol.map(lambda name: self.protocols[name].scored)
        return self.predictions[(self.predictions.split != "train") | (scored == "train")]

    @property
    def windows(self) -> bool:
        """Whether windows of utterances are scored, so that whole utterances have numbers of their own."""
        return bool(self.table.metric.str.startswith(BY_UTTERANCE).any())

    def by_protocol(self, corpus: str, variant: str, metric: str) -> dict[str, Spread]:
        """The spreads of a metric by protocol, in the paper's order.

        Args:
            corpus: Its name.
            variant: As it was run, marks included.
            metric: Its name.

        Returns:
            Those of protocols that were run.
        """
        found = {p: self.spread(corpus, p, variant, metric) for p in self.protocols}
        return {p: s for p, s in found.items() if s is not None}


@dataclass(frozen=True)
class _Group:
    values: pd.Series
    recordings: float


def shares(cells: list[dict]) -> pd.DataFrame:
    """Shares of the utterances in each part of the data, in the form of `metrics.by_seed`; folds are averaged.

    Args:
        cells: Records of runs.

    Returns:
        Metrics "share/train", "share/validation", "share/test", as fractions.
    """
    rows = []
    for cell in cells:
        run = cell["cell"]
        counts: Mapping[str, int] = utterances(cell)
        if total := sum(counts.values()):
            key = [run[name] for name in ("corpus", "protocol", "variant", "seed")]
            rows += [(*key, f"share/{part}", n / total, n, np.nan) for part, n in counts.items()]
    return pd.DataFrame(rows, columns=SEED_COLUMNS).groupby(SEED_COLUMNS[:5], sort=False).mean().reset_index()
