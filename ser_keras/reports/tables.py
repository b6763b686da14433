"""The tables that people read: everything is computed from predictions; nothing is typed in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import pandas as pd

from ser_keras.corpora import named
from ser_keras.evaluation.intervals import spread
from ser_keras.evaluation.metrics import BY_UTTERANCE
from ser_keras.evaluation.numbers import Numbers
from ser_keras.papers import Paper
from ser_keras.reports import judgements
from ser_keras.reports.wording import interval, mean_sd, shown
from ser_keras.runs.results import Results


def waiting(numbers: Numbers) -> pd.DataFrame:
    """Seeds that do not count yet, as folds are missing.

    Args:
        numbers: What was run.

    Returns:
        One row a seed.
    """
    names = {"corpus": "Corpus", "protocol": "Protocol", "variant": "Variant", "seed": "Seed"}
    names |= {"folds": "Folds finished", "tested": "Recordings tested", "recordings": "Of"}
    return numbers.unfinished.rename(columns=names)


def aside(numbers: Numbers) -> pd.DataFrame:
    """Runs that are there and do not count, those of equal reason together.

    Args:
        numbers: What was run.

    Returns:
        One row a reason and recipe.
    """
    runs: dict[tuple[str, str], list[str]] = {}
    for place, reason in numbers.aside.items():
        runs.setdefault((place.rsplit("/", 2)[0].replace("/", " "), reason), []).append(place)
    rows = [{"Runs of": what, "Runs": len(of), "Why they do not count": why} for (what, why), of in runs.items()]
    return pd.DataFrame(rows, columns=["Runs of", "Runs", "Why they do not count"])


def impossible(numbers: Numbers) -> pd.DataFrame:
    """Protocols that a corpus cannot have.

    Args:
        numbers: What was run.

    Returns:
        One row a protocol.
    """
    rows = [
        {"Corpus": corpus, "Protocol": protocol, "Not possible": reason}
        for corpus, reasons in numbers.results.impossible.items()
        for protocol, reason in reasons.items()
    ]
    return pd.DataFrame(rows, columns=["Corpus", "Protocol", "Not possible"])


def protocols(numbers: Numbers) -> pd.DataFrame:
    """The protocols side by side: mean and standard deviation over seeds, where one further run falls, and seeds.

    Args:
        numbers: What was run.

    Returns:
        One row a corpus, variant and protocol.
    """
    rows = []
    metrics = ["accuracy", "uar"] + [BY_UTTERANCE + "accuracy", BY_UTTERANCE + "uar"] * numbers.windows
    for corpus in numbers.results.corpora:
        for variant in numbers.variants(corpus):
            for protocol, given in numbers.results.protocols.items():
                row = {"Corpus": shown(corpus), "Variant": variant, "Protocol": protocol}
                found = {m: numbers.spread(corpus, protocol, variant, m) for m in metrics}
                if any(found.values()):
                    for metric, s in found.items():
                        runs = numbers.predictive(corpus, protocol, variant, metric)
                        row |= {metric: mean_sd(s), f"{metric}, 95 % interval": interval(runs)}
                    rows.append(row | {"Seeds": found[metrics[0]].n, "What it tells": given["note"]})
    return pd.DataFrame(rows)


def speakers(numbers: Numbers) -> pd.DataFrame:
    """What depends on who is tested: one row a variant and protocol that tests several new speakers.

    Args:
        numbers: What was run.

    Returns:
        In per cent.
    """
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
    """Recall of each class by protocol.

    Args:
        numbers: What was run.

    Returns:
        In per cent.
    """
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
    """What train and test share, an average run of each protocol; training time beside it.

    Args:
        results: Finished runs.

    Returns:
        One row a protocol and recipe.
    """
    rows = [
        {
            **cell["cell"],
            **cell["audit"],
            "seconds": cell["seconds"],
            "left_out": cell["left_out"],
            "padded": cell.get("padded", 0),
            "unused": ", ".join(f"{emotion} {count}" for emotion, count in cell.get("unused", {}).items()),
        }
        for cell in results.cells
    ]
    table = pd.DataFrame(rows)
    shared = ["shared_speakers", "shared_texts", "identical_audio"]  # None where the corpus does not tell
    table = table.astype({name: float for name in shared if name in table})
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
    means = grouped[list(names)].mean().map(lambda v: "unknown" if pd.isna(v) else f"{v:,.1f}".removesuffix(".0"))
    if table.unused.any():
        means["Emotions not used"] = grouped.unused.first()
    means.insert(0, "runs", grouped.size())
    means = means.reset_index().rename(
        columns=names | {"corpus": "Corpus", "protocol": "Protocol", "variant": "Variant", "runs": "Runs"}
    )
    means["Corpus"] = means.Corpus.map(shown)
    return means


def corpora(paper: Paper, results: Results) -> pd.DataFrame:
    """The paper's corpora: which were run, under what terms, and how to get each.

    Args:
        paper: What the paper reports.
        results: Finished runs.

    Returns:
        One row a corpus.
    """
    return pd.DataFrame(
        [
            {
                "Corpus": name,
                "Title": named(name).title,
                "Run": "yes" if name in results.corpora else results.not_run.get(name, "no"),
                "Licence": named(name).licence,
                "How to get it": named(name).how_to_get,
                "Citation": named(name).citation,
            }
            for name in dict.fromkeys([*paper.corpora, *results.corpora])
        ]
    )


def ledger(paper: Paper) -> pd.DataFrame:
    """What the paper leaves open, and what was chosen.

    Args:
        paper: What the paper reports.

    Returns:
        One row an entry.
    """
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
    """Where the paper contradicts itself.

    Args:
        paper: What the paper reports.

    Returns:
        One row a contradiction.
    """
    return pd.DataFrame(
        [
            {"Section": c.section, "It says": c.claim, "But": c.against, "Arithmetic": c.arithmetic}
            for c in paper.contradictions
        ]
    )


@lru_cache(maxsize=2)
def all_tables(paper: Paper, numbers: Numbers) -> Mapping[str, pd.DataFrame]:
    """Every table by its file name.

    Args:
        paper: What the paper reports.
        numbers: What was run.

    Returns:
        Those without rows are there, too.
    """
    return {
        "comparison": judgements.comparison(paper, numbers),
        "joint": judgements.joint(paper, numbers),
        "tables": judgements.tables(paper, numbers),
        "readings": judgements.readings(paper, numbers),
        "settling": judgements.settling(paper, numbers),
        "plan": judgements.plan(paper, numbers),
        "claims": judgements.claims(paper, numbers),
        "contrasts": judgements.contrasts(paper, numbers),
        "precision": judgements.precision(numbers),
        "protocols": protocols(numbers),
        "waiting": waiting(numbers),
        "aside": aside(numbers),
        "impossible": impossible(numbers),
        "speakers": speakers(numbers),
        "sampling": judgements.sampling(numbers),
        "classes": classes(numbers),
        "audit": audit(numbers.results),
        "corpora": corpora(paper, numbers.results),
        "ledger": ledger(paper),
        "contradictions": contradictions(paper),
    }


def markdown(table: pd.DataFrame) -> str:
    """A GitHub-flavoured Markdown table.

    Args:
        table: Its values are shown as text.

    Returns:
        Text; "(none)" for a table without rows.

    Example:
        >>> import pandas as pd
        >>> print(markdown(pd.DataFrame()), end="")
        (none)
    """
    if table.empty:
        return "(none)\n"
    cells = [list(table.columns), ["---"] * len(table.columns), *table.astype(str).to_numpy().tolist()]
    return "".join("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |\n" for row in cells)


def latex(table: pd.DataFrame) -> str:
    """A LaTeX tabular (booktabs), every special character escaped.

    Args:
        table: Its values are shown as text.

    Returns:
        Text; a comment for a table without rows.

    Example:
        >>> import pandas as pd
        >>> print(latex(pd.DataFrame()), end="")
        % no rows
    """
    if table.empty:
        return "% no rows\n"
    style = table.astype(str).style.hide(axis="index").format(escape="latex").format_index(escape="latex", axis=1)
    return style.to_latex(hrules=True)
