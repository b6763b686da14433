"""The tables that people read: everything is computed from predictions; nothing is typed in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd

from ser_keras.corpora import CORPORA
from ser_keras.evaluation.differences import difference
from ser_keras.evaluation.metrics import (
    BY_UTTERANCE,
    Spread,
    by_seed,
    by_unit,
    logged_by_seed,
    spread,
    verdict,
    with_views,
)
from ser_keras.papers.paper import Claim, Paper
from ser_keras.runs.results import Results, unfinished, utterances
from ser_keras.support.errors import SerError

SYNTHETIC = "SYNTHETIC"


class Numbers:
    """Every value over seeds, in per cent, ready to be asked for.

    Args:
        results: The finished cells. Seeds of which a fold is missing are named in `unfinished`, and do not count.

    Raises:
        SerError: No seed counts.
    """

    def __init__(self, results: Results) -> None:
        self.unfinished = unfinished(results)
        results = self.results = results.counting().whole()
        if not results.cells:
            raise SerError("\n".join(["No number yet: no seed has all of its folds.", *lacking(self)]))
        # Protocols as described in the results: no code of the paper is needed to read them.
        protocols = {name: SimpleNamespace(**given) for name, given in results.protocols.items()}
        seen = with_views(results.predictions, protocols)
        values = by_seed(seen, protocols, results.classes)
        if not (logged := logged_by_seed(results.history, protocols)).empty:
            values = pd.concat([values, logged], ignore_index=True)
        values = pd.concat([values, shares(results.cells)], ignore_index=True)
        self.predictions = seen
        self.table = values
        # Each difference of two recipes asks for these again, metric by metric.
        self.seeds, self.runs, self.test_to_train = cache(self.seeds), cache(self.runs), cache(self.test_to_train)
        self._spreads = {
            key: spread(100 * group.value)
            for key, group in values.groupby(["corpus", "protocol", "variant", "metric"])
            if group.value.notna().any()
        }

    @property
    def synthetic(self) -> bool:
        """Whether all of them come from computed sounds."""
        return all(is_synthetic(corpus) for corpus in self.results.corpora)

    def variants(self, corpus: str, base: str | None = None) -> list[str]:
        """Variants run on a corpus, marks included, of one recipe or of all."""
        found = self.table[self.table.corpus == corpus].variant.unique()
        return [v for v in found if base is None or v.split("@")[0] == base]

    def spread(self, corpus: str, protocol: str, variant: str, metric: str) -> Spread | None:
        """The spread of a metric in per cent; None where nothing was run."""
        found = self._spreads.get((corpus, protocol, variant, metric))
        if found is None and metric.startswith("confusion/") and (corpus, protocol, variant, "uar") in self._spreads:
            return spread([0.0] * self._spreads[corpus, protocol, variant, "uar"].n)  # never confused so
        return found

    def seeds(self, corpus: str, protocol: str, variant: str) -> dict[int, dict[str, float]]:
        """All metrics of each seed: fractions; and what the training log says in the last epoch, folds averaged."""
        values = _of(self.table, corpus, protocol, variant).dropna(subset="value").groupby("seed")
        by_seed = {seed: dict(zip(rows.metric, rows.value, strict=True)) for seed, rows in values}
        history = _of(self.results.history, corpus, protocol, variant)
        last = history.sort_values("epoch").groupby(["seed", "fold"]).tail(1)
        for seed, logs in last.groupby("seed").mean(numeric_only=True).iterrows():
            by_seed.setdefault(seed, {}).update({f"log/{name}": value for name, value in logs.items()})
        return by_seed

    def runs(self, corpus: str, protocol: str, variant: str) -> dict[tuple[int, int], dict[str, float]]:
        """All metrics of each run, as fractions: `seeds`, every fold for itself."""
        rows = _of(self.predictions, corpus, protocol, variant)
        if rows.fold.nunique() < 2:
            return {(seed, 0): values for seed, values in self.seeds(corpus, protocol, variant).items()}
        run = rows.groupby(["seed", "fold"])
        given = {protocol: SimpleNamespace(**self.results.protocols[protocol])}
        values = by_seed(rows.assign(seed=run.ngroup()), given, self.results.classes).dropna(subset="value")
        values = {n: dict(zip(of.metric, of.value, strict=True)) for n, of in values.groupby("seed")}
        return {key: values[n] for n, key in enumerate(run.groups)}

    def test_to_train(self, corpus: str, protocol: str, variant: str) -> float:
        """Samples scored over samples learned from, in a mean run; 0 where all runs score the same recordings."""
        rows = _of(self.predictions, corpus, protocol, variant)
        _, rows = next(by_unit(rows[rows.split == self.results.protocols[protocol]["scored"]]))
        scored = rows.groupby(["seed", "fold"]).utterance
        if scored.agg(frozenset).nunique() < 2:
            return 0.0
        cells = self._cells(corpus, self.results.protocols[protocol].get("of") or protocol, variant)
        return float(scored.size().mean() / np.mean([c["audit"]["train"] for c in cells]))

    def highest(self, corpus: str, protocol: str, variant: str, metric: str) -> float:
        """The best seed's value in per cent; NaN where nothing was run."""
        chosen = _of(self.table, corpus, protocol, variant)
        return 100 * float(chosen[chosen.metric == metric].value.max())

    def by_speaker(self, corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> pd.Series:
        """Accuracy in per cent of each test speaker, seeds averaged.

        Empty where speakers are on both sides, and for a protocol that looks at another's runs: the audit of those
        does not say whom it scores.
        """
        key = (corpus, protocol, variant)
        runs = self._cells(*key)
        if not runs or any(c["audit"]["shared_speakers"] for c in runs):
            return pd.Series(dtype=float)
        table = _of(self.results.predictions, *key)
        table = table[table.split == "test"]
        table = dict(by_unit(table)).get(metric.removesuffix("accuracy"), table[:0])
        speakers = {u: CORPORA[corpus].speaker_of(u) for u in table.utterance.unique()}
        right = (table.label == table.prediction).groupby([table.utterance.map(speakers), table.seed]).mean()
        return 100 * right.groupby(level=0).mean().drop("", errors="ignore")

    def _cells(self, *key: str) -> list[dict]:
        keys = ("corpus", "protocol", "variant")
        return [cell for cell in self.results.cells if tuple(cell["cell"][k] for k in keys) == key]

    @property
    def judged(self) -> pd.DataFrame:
        """The predictions of validation and test parts, and of training parts where a protocol scores those."""
        scored = self.predictions.protocol.map(lambda name: self.results.protocols[name]["scored"])
        return self.predictions[(self.predictions.split != "train") | (scored == "train")]

    @property
    def windows(self) -> bool:
        """Whether windows of utterances are scored, so that whole utterances have numbers of their own."""
        return bool(self.table.metric.str.startswith(BY_UTTERANCE).any())

    def by_protocol(self, corpus: str, variant: str, metric: str) -> dict[str, Spread]:
        """The spreads of a metric by protocol, in the paper's order."""
        found = {p: self.spread(corpus, p, variant, metric) for p in self.results.protocols}
        return {p: s for p, s in found.items() if s is not None}


def _of(table: pd.DataFrame, corpus: str, protocol: str, variant: str) -> pd.DataFrame:
    return table[(table.corpus == corpus) & (table.protocol == protocol) & (table.variant == variant)]


def shares(cells: list[dict]) -> pd.DataFrame:
    """Shares of the utterances in each part of the data, in the form of `evaluation.by_seed`; folds are averaged."""
    rows = []
    for cell in cells:
        run = cell["cell"]
        counts = utterances(cell)
        if total := sum(counts.values()):
            key = [run[name] for name in ("corpus", "protocol", "variant", "seed")]
            rows += [(*key, f"share/{part}", n / total, n) for part, n in counts.items()]
    columns = ["corpus", "protocol", "variant", "seed", "metric", "value", "n"]
    return pd.DataFrame(rows, columns=columns).groupby(columns[:5], sort=False).mean().reset_index()


def is_synthetic(corpus: str) -> bool:
    """Whether a corpus's sounds were computed."""
    return CORPORA[corpus].synthetic


def shown(corpus: str) -> str:
    """A corpus's name for tables; a synthetic one cannot be taken for a real one."""
    return f"{SYNTHETIC} {corpus}" if is_synthetic(corpus) else corpus


def comparison(paper: Paper, numbers: Numbers) -> pd.DataFrame:
    """Reported beside reproduced, with interval, difference and verdict; a row a reported number and variant.

    Numbers of a run on the synthetic corpus stand beside the reported ones only where there is no real one, and
    bear no verdict.
    """
    rows = []
    for number in paper.reported:
        corpora = [number.corpus] if number.corpus in numbers.results.corpora else []
        if not corpora and numbers.synthetic:
            corpora = numbers.results.corpora
        head = {
            "Where": number.where,
            "Metric": number.metric,
            "Reported": f"{number.value:g} %",
        }
        runs = [(corpus, variant) for corpus in corpora for variant in numbers.variants(corpus, number.variant)]
        if not runs:
            reason = numbers.results.not_run.get(number.corpus, "not part of this run")
            judged = verdict(number.value, {}, reason=reason)
            rows.append(head | {"Corpus": number.corpus, "Variant": number.variant, "Seeds": 0, "Verdict": judged})
        for corpus, variant in runs:
            spreads = numbers.by_protocol(corpus, variant, number.metric)
            own = spreads.get("paper")
            judged = f"none: {SYNTHETIC}" if is_synthetic(corpus) else verdict(number.value, spreads)
            rows.append(
                head
                | {
                    "Corpus": shown(corpus),
                    "Variant": variant,
                    "Reproduced": mean_sd(own),
                    "95 % interval": interval(own),
                    "By utterance": mean_sd(numbers.spread(corpus, "paper", variant, BY_UTTERANCE + number.metric)),
                    "Difference": f"{own.mean - number.value:+.1f}" if own else "",
                    "Seeds": own.n if own else 0,
                    "Verdict": judged,
                }
            )
    columns = ["Where", "Corpus", "Metric", "Reported", "Reproduced", "95 % interval"]
    columns += ["By utterance"] if numbers.windows else []
    columns += ["Difference", "Seeds", "Verdict", "Variant"]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna("")


def claims(paper: Paper, numbers: Numbers) -> pd.DataFrame:
    """What the text says without a number: in how many seeds it holds, under each protocol."""
    rows = []
    for claim in paper.claims:
        for variant in numbers.variants(claim.corpus, claim.variant):
            row = {"Section": claim.section, "It says": claim.text, "Variant": variant, "Metric": claim.metric}
            for protocol in numbers.results.protocols:
                seeds = list(numbers.seeds(claim.corpus, protocol, variant).values())
                if not seeds or (is_log(claim) and claim.metric not in seeds[0]):
                    continue
                mean = np.mean([values.get(claim.metric, 0.0) for values in seeds])
                shown_mean = f"{mean:.2f}" if is_log(claim) else f"{100 * mean:.1f} %"
                row[protocol] = f"{sum(holds(claim, values) for values in seeds)} of {len(seeds)} ({shown_mean})"
            rows.append(row)
    return pd.DataFrame(rows).fillna("")


def contrasts(paper: Paper, numbers: Numbers) -> pd.DataFrame:
    """What one recipe changes against another; see `differences`."""
    rows = []
    for contrast in paper.contrasts:
        for variant in numbers.variants(contrast.corpus, contrast.variant):
            against = "@".join([contrast.against, *variant.split("@")[1:]])
            for protocol in numbers.results.protocols:
                for metric in contrast.metrics:
                    found = difference(numbers, contrast.corpus, protocol, variant, against, metric)
                    if found is None:
                        continue
                    rows.append(
                        {
                            "Corpus": shown(contrast.corpus),
                            "Difference": f"{variant} - {against}",
                            "Protocol": protocol,
                            "Metric": metric,
                            "Points": f"{found.points:+.1f}",
                            "95 % interval of the mean": found.interval,
                            "Seeds": found.seeds,
                            "Runs": found.runs,
                        }
                    )
    return pd.DataFrame(rows)


def is_log(claim: Claim) -> bool:
    """Whether a claim is one on the training log, which is no share."""
    return claim.metric.startswith("log/")


def holds(claim: Claim, values: Mapping[str, float]) -> bool:
    """Whether a claim is true of one seed.

    Args:
        claim: The claim.
        values: Metrics of the seed, as fractions; a confusion that never happened may be absent.

    Example:
        >>> claim = Claim(section="", text="", corpus="", variant="", metric="recall/sad", rank=1)
        >>> holds(claim, {"recall/sad": 0.5, "recall/angry": 0.4}), holds(claim, {"recall/sad": 0.5, "recall/x": 0.6})
        (True, False)
    """
    value = values.get(claim.metric, 0.0)
    if claim.rank is None:
        above = -math.inf if claim.above is None else claim.above
        below = math.inf if claim.below is None else claim.below
        return above < value * (1 if is_log(claim) else 100) < below
    kind = claim.metric.rpartition("/")[0]
    # Of the confusions of a label, its being right is none.
    others = (v for m, v in values.items() if m.rpartition("/")[0] == kind and m != f"{kind}/{kind.split('/')[-1]}")
    return value > 0 and sum(v > value for v in others) < claim.rank


def waiting(numbers: Numbers) -> pd.DataFrame:
    """Seeds that do not count yet, as folds are missing."""
    names = {"corpus": "Corpus", "protocol": "Protocol", "variant": "Variant", "seed": "Seed"}
    names |= {"folds": "Folds finished", "tested": "Recordings tested", "recordings": "Of"}
    return numbers.unfinished.rename(columns=names)


def lacking(numbers: Numbers) -> list[str]:
    """The same, a sentence each."""
    return [
        f"{row.corpus} {row.protocol} {row.variant} seed {row.seed} does not count before all of its folds are "
        f"finished: {row.tested:,} of {row.recordings:,} recordings are tested by now."
        for row in numbers.unfinished.itertuples()
    ]


def protocols(numbers: Numbers) -> pd.DataFrame:
    """The protocols side by side: mean and standard deviation over seeds, interval, and number of seeds."""
    rows = []
    metrics = ["accuracy", "uar"] + [BY_UTTERANCE + "accuracy", BY_UTTERANCE + "uar"] * numbers.windows
    for corpus in numbers.results.corpora:
        for variant in numbers.variants(corpus):
            for protocol, given in numbers.results.protocols.items():
                row = {"Corpus": shown(corpus), "Variant": variant, "Protocol": protocol}
                found = {m: numbers.spread(corpus, protocol, variant, m) for m in metrics}
                if any(found.values()):
                    for metric, s in found.items():
                        row |= {metric: mean_sd(s), f"{metric}, 95 % interval": interval(s)}
                    rows.append(row | {"Seeds": found[metrics[0]].n, "What it tells": given["note"]})
    return pd.DataFrame(rows)


def speakers(numbers: Numbers) -> pd.DataFrame:
    """What depends on who is tested: one row a variant and protocol that tests several new speakers."""
    rows = []
    for corpus in numbers.results.corpora:
        for variant in numbers.variants(corpus):
            for protocol in numbers.results.protocols:
                for metric in ["accuracy"] + [BY_UTTERANCE + "accuracy"] * numbers.windows:
                    values = numbers.by_speaker(corpus, protocol, variant, metric)
                    if len(values) < 2:
                        continue
                    row = {"Corpus": shown(corpus), "Variant": variant, "Protocol": protocol, "Metric": metric}
                    row |= {"Speakers": len(values), "Mean ± SD over speakers": mean_sd(spread(values))}
                    for name, who in (("Lowest", values.idxmin()), ("Highest", values.idxmax())):
                        row |= {name: f"{values[who]:.1f} %", f"{name} speaker": who}
                    rows.append(row)
    return pd.DataFrame(rows)


def classes(numbers: Numbers) -> pd.DataFrame:
    """Recall of each class by protocol."""
    rows = []
    for corpus, names in numbers.results.classes.items():
        for variant in numbers.variants(corpus):
            for name in names:
                row = {
                    protocol + (", by utterance" if unit else ""): mean_sd(s)
                    for unit in ("", BY_UTTERANCE)
                    for protocol, s in numbers.by_protocol(corpus, variant, f"{unit}recall/{name}").items()
                }
                if row:
                    rows.append({"Corpus": shown(corpus), "Variant": variant, "Emotion": name} | row)
    return pd.DataFrame(rows).fillna("")


def audit(results: Results) -> pd.DataFrame:
    """What train and test share, an average run of each protocol; training time beside it."""
    rows = [
        {
            **cell["cell"],
            **cell["audit"],
            "seconds": cell["seconds"],
            "left_out": cell["left_out"],
            "padded": cell.get("padded", 0),
        }
        for cell in results.cells
    ]
    table = pd.DataFrame(rows)
    if not table.padded.any():
        table = table.drop(columns="padded")
    order = list(results.protocols)
    table = table.sort_values("protocol", key=lambda column: column.map(order.index), kind="stable")
    names = {
        "train": "Train",
        "test": "Test",
        "shared_speakers": "Speakers on both sides",
        "shared_texts": "Sentences on both sides",
        "siblings": "Test samples with a copy in train",
        "identical_audio": "Test samples in train under another name",
        "left_out": "Recordings left out",
        "padded": "Recordings shorter than a window",
        "seconds": "Seconds a run",
    }
    names = {column: name for column, name in names.items() if column in table}
    grouped = table.groupby(["corpus", "protocol", "variant"], sort=False)
    means = grouped[list(names)].mean().map(lambda v: f"{v:,.1f}".removesuffix(".0"))
    means.insert(0, "runs", grouped.size())
    means = means.reset_index().rename(
        columns=names | {"corpus": "Corpus", "protocol": "Protocol", "variant": "Variant", "runs": "Runs"}
    )
    means["Corpus"] = means.Corpus.map(shown)
    return means


def corpora(paper: Paper, results: Results) -> pd.DataFrame:
    """The paper's corpora: which were run, under what terms, and how to get each."""
    return pd.DataFrame(
        [
            {
                "Corpus": name,
                "Title": CORPORA[name].title,
                "Run": "yes" if name in results.corpora else results.not_run.get(name, "no"),
                "Licence": CORPORA[name].licence,
                "How to get it": CORPORA[name].how_to_get,
                "Citation": CORPORA[name].citation,
            }
            for name in dict.fromkeys([*paper.corpora, *results.corpora])
        ]
    )


def ledger(paper: Paper) -> pd.DataFrame:
    """What the paper leaves open, and what was chosen."""
    return pd.DataFrame(
        [
            {
                "Id": s.id,
                "Section": s.section,
                "Open question": s.question,
                "Choice": s.choice,
                "Because": s.because,
                "Alternatives": s.alternatives,
            }
            for s in paper.silences
        ]
    )


def contradictions(paper: Paper) -> pd.DataFrame:
    """Where the paper contradicts itself."""
    return pd.DataFrame(
        [
            {"Section": c.section, "It says": c.claim, "But": c.against, "Arithmetic": c.arithmetic}
            for c in paper.contradictions
        ]
    )


def all_tables(paper: Paper, numbers: Numbers) -> Mapping[str, pd.DataFrame]:
    """Every table by its file name."""
    return {
        "comparison": comparison(paper, numbers),
        "claims": claims(paper, numbers),
        "contrasts": contrasts(paper, numbers),
        "protocols": protocols(numbers),
        "waiting": waiting(numbers),
        "speakers": speakers(numbers),
        "classes": classes(numbers),
        "audit": audit(numbers.results),
        "corpora": corpora(paper, numbers.results),
        "ledger": ledger(paper),
        "contradictions": contradictions(paper),
    }


def mean_sd(s: Spread | None) -> str:
    """62.0 ± 2.0 %; without a spread for one seed; empty where nothing was run."""
    if s is None or not np.isfinite(s.mean):
        return ""
    return f"{s.mean:.1f} %" if math.isnan(s.sd) else f"{s.mean:.1f} ± {s.sd:.1f} %"


def interval(s: Spread | None) -> str:
    """51.8 to 71.7 %; empty for one seed."""
    if s is None or math.isnan(s.low):
        return ""
    return f"{s.low:.1f} to {s.high:.1f} %"


def markdown(table: pd.DataFrame) -> str:
    """A GitHub-flavoured Markdown table."""
    if table.empty:
        return "(none)\n"
    cells = [list(table.columns), ["---"] * len(table.columns), *table.astype(str).to_numpy().tolist()]
    return "".join("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |\n" for row in cells)


def latex(table: pd.DataFrame) -> str:
    """A LaTeX tabular (booktabs), every special character escaped."""
    if table.empty:
        return "% no rows\n"
    style = table.astype(str).style.hide(axis="index").format(escape="latex").format_index(escape="latex", axis=1)
    return style.to_latex(hrules=True)
