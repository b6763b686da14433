"""Finished cells as tables, from a run's folder or from the committed files of a full run."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ser_keras.training import fit as training
from ser_keras.support.errors import SerError
from ser_keras.evaluation.metrics import RUN, whole_utterances
from ser_keras.support.files import atomic, read_json, write_text
from ser_keras.protocols import PARTS, Protocol

if TYPE_CHECKING:
    from ser_keras.runs.experiment import Experiment
    from ser_keras.papers.paper import Paper


SEED = [name for name in RUN if name != "fold"]
PREDICTIONS, HISTORY, MANIFEST = "predictions.csv.gz", "history.csv", "environment.json"


@dataclass(frozen=True)
class Results:
    """All finished cells of a paper.

    Attributes:
        predictions: All cells' predictions, led by `corpus,protocol,variant,seed,fold`, with `p_label`, the
            probability given to the true class, in place of those of all classes.
        history: All cells' histories, led by the same columns.
        cells: The cells' records (`cell.json`).
        protocols: The protocols by name, in the paper's order: class and attributes.
        not_run: Reason by corpus of the paper that has no cell.
    """

    predictions: pd.DataFrame
    history: pd.DataFrame
    cells: list[dict[str, Any]]
    protocols: dict[str, dict[str, Any]]
    not_run: dict[str, str]

    @property
    def classes(self) -> dict[str, list[str]]:
        """The classes of each corpus, in the order of the tables."""
        return {cell["cell"]["corpus"]: cell["parameters"]["classes"] for cell in self.cells}

    def only(self, wanted: Callable[[dict[str, Any]], bool]) -> Results:
        """The cells whose records are wanted, with their rows."""
        cells = [cell for cell in self.cells if wanted(cell)]
        runs = [tuple(cell["cell"][name] for name in RUN) for cell in cells]

        def kept(table: pd.DataFrame) -> pd.DataFrame:
            return table[pd.MultiIndex.from_frame(table[RUN]).isin(runs)]

        return replace(self, predictions=kept(self.predictions), history=kept(self.history), cells=cells)

    def real(self) -> Results:
        """Without the runs on synthetic sounds, which nobody should cite."""
        from ser_keras.corpora import CORPORA

        return self.only(lambda cell: not CORPORA[cell["cell"]["corpus"]].synthetic)

    def whole(self) -> Results:
        """Without the seeds whose cross-validation lacks a fold: a mean over the others is no number of it."""
        lacking = set(unfinished(self)[SEED].itertuples(index=False, name=None))
        return self.only(lambda cell: tuple(cell["cell"][name] for name in SEED) not in lacking)

    @property
    def corpora(self) -> list[str]:
        """Corpora with at least one finished cell."""
        return list(self.classes)


def from_cells(experiment: Experiment, out: Path) -> Results:
    """Read the finished cells below `out`; cells of an older version of the code are left out.

    Raises:
        SerError: There is no finished cell.
    """
    records, predictions, history = [], [], []
    for path in sorted(out.glob("*/*/*/seed*/fold*/cell.json")):
        record = training.read_cell(path.parent)
        if record is None or not _current(experiment, record):
            continue
        run = record["cell"]
        table = pd.read_csv(path.parent / "predictions.csv", dtype={"utterance": str})
        classes = record["parameters"]["classes"]
        if "window" in table:
            table = pd.concat([table, whole_utterances(table, classes)], ignore_index=True)
        probabilities = table[[f"p_{name}" for name in classes]].to_numpy()
        position = {name: i for i, name in enumerate(classes)}
        table["p_label"] = probabilities[range(len(table)), table.label.map(position)]
        kept = [c for c in table.columns if not c.startswith("p_") or c == "p_label"]
        predictions.append(_led_by(run, table[kept]))
        history.append(_led_by(run, pd.read_csv(path.parent / "history.csv")))
        records.append(record)
    if not records:
        raise SerError(f"There is no finished run in {out}; run without --tables-only first.")
    missing = {name: _why_not_run(name) for name in experiment.corpora}
    there = {record["cell"]["corpus"] for record in records}
    return Results(
        predictions=pd.concat(predictions, ignore_index=True),
        history=pd.concat(history, ignore_index=True),
        cells=records,
        protocols={name: describe(protocol) for name, protocol in experiment.protocols.items()},
        not_run={name: reason for name, reason in missing.items() if name not in there},
    )


def describe(protocol: Protocol) -> dict[str, Any]:
    """A protocol's class and attributes, as JSON."""
    return {"kind": type(protocol).__name__, "covers": protocol.covers} | {
        k: list(v) if isinstance(v, tuple) else v for k, v in vars(protocol).items()
    }


def utterances(cell: Mapping[str, Any]) -> dict[str, int]:
    """Recordings in each part of a run's data; none where the record is older than that count."""
    return {part: cell["audit"].get(f"utterances/{part}", 0) for part in PARTS}


def unfinished(results: Results) -> pd.DataFrame:
    """The seeds whose cross-validation lacks a fold.

    Every recording is tested in one fold, so that all are there when the tested ones are as many as a fold divides. A
    demonstration runs one fold by intent.

    Returns:
        Columns `corpus`, `protocol`, `variant`, `seed`, `folds` (finished), `tested` and `recordings`.
    """
    from ser_keras.corpora import CORPORA

    rows = []
    for cell in results.cells:
        run = cell["cell"]
        protocol = results.protocols[run["protocol"]]
        # Results of before protocols told so have the number of folds.
        if protocol.get("covers", "folds" in protocol) and not CORPORA[run["corpus"]].synthetic:
            counts = utterances(cell)
            rows.append([run[name] for name in SEED] + [1, counts["test"], sum(counts.values())])
    table = pd.DataFrame(rows, columns=[*SEED, "folds", "tested", "recordings"])
    added = {"folds": "sum", "tested": "sum", "recordings": "first"}
    table = table.groupby(SEED, sort=False).agg(added).reset_index()
    return table[table.tested < table.recordings]


def combined(results: Results, earlier: Results) -> Results:
    """The cells of both; of a cell that both have, the first one's."""
    keys = [cell["cell"] for cell in results.cells]
    old = earlier.only(lambda cell: cell["cell"] not in keys)
    cells = sorted([*results.cells, *old.cells], key=lambda cell: tuple(cell["cell"].values()))
    corpora = {cell["cell"]["corpus"] for cell in cells}
    return replace(
        results,
        predictions=pd.concat([results.predictions, old.predictions], ignore_index=True),
        history=pd.concat([results.history, old.history], ignore_index=True),
        cells=cells,
        not_run={name: reason for name, reason in results.not_run.items() if name not in corpora},
    )


def current(experiment: Experiment, results: Results) -> Results:
    """Without the cells that an older version of the code made."""
    return results.only(lambda cell: _current(experiment, cell))


def thinned(results: Results, paper: Paper) -> Results:
    """Without the predictions that no table of the paper reads, so that committed files stay small.

    Kept are test rows; training rows where a training accuracy is reported and the protocol divides once; rows of
    the part that a protocol scores; the probability of the true class where a loss is reported.
    """
    table = results.predictions
    with_train = {number.variant for number in paper.reported if number.metric == "train/accuracy"}
    keep = table.split == "test"
    folds = table.groupby(["protocol", "variant", "seed"]).fold.transform("max")
    keep |= (table.split == "train") & (folds == 0) & _base(table.variant).isin(with_train)
    for name, protocol in results.protocols.items():
        keep |= (table.split == protocol["scored"]) & (table.protocol == protocol.get("of", name))
    table = table[keep].copy()
    # Of training rows only the counts are read: without names and sorted they take hardly any room.
    names = [c for c in ("utterance", "copy", "window") if c in table]
    train = table.split == "train"
    table[names] = table[names].mask(train)
    nameless = table[train].sort_values([*RUN, "label", "prediction"])
    table = pd.concat([table[~train], nameless])
    if not any(number.metric == "loss" for number in paper.reported):
        table = table.drop(columns="p_label", errors="ignore")
    return replace(results, predictions=table.sort_values(RUN, kind="stable").reset_index(drop=True))


def _base(variant: pd.Series) -> pd.Series:
    """The recipe's name without marks of precision and epochs."""
    return variant.str.split("@").str[0]


def publish(results: Results, folder: Path) -> None:
    """Write what the tables are made of: `predictions.csv.gz`, `history.csv`, `environment.json`."""
    rows = results.predictions.to_csv(index=False, float_format="%.4g")
    with atomic(folder / PREDICTIONS) as partial:
        partial.write_bytes(gzip.compress(rows.encode(), mtime=0))  # without a time: equal results, equal bytes
    with atomic(folder / HISTORY) as partial:
        results.history.to_csv(partial, index=False, float_format="%.5g")
    # One line a cell: half the size of indented JSON, and a difference shows which cell it is.
    cells = ",\n".join(json.dumps(cell, ensure_ascii=False) for cell in results.cells)
    rest = json.dumps({"protocols": results.protocols, "not_run": results.not_run}, indent=1, ensure_ascii=False)
    write_text(folder / MANIFEST, f'{{"cells": [\n{cells}\n],{rest[1:]}\n')


def from_published(folder: Path) -> Results:
    """Read what `publish` wrote.

    Raises:
        SerError: A file is absent or not what was written.
    """
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict):
        raise SerError(f"{folder / MANIFEST} is absent or damaged; restore it from git")
    try:
        predictions = pd.read_csv(folder / PREDICTIONS, dtype={"utterance": str})
        history = pd.read_csv(folder / HISTORY)
    except (OSError, EOFError, ValueError) as error:
        raise SerError(f"{folder} is damaged ({error}); restore it from git") from error
    return Results(predictions=predictions, history=history, **manifest)


def digests(folder: Path) -> set[str]:
    """The digests of all committed cells: with those, a full run can be completed on another machine."""
    manifest = read_json(folder / MANIFEST)
    return {cell["digest"] for cell in manifest["cells"]} if isinstance(manifest, dict) else set()


def provenance(cells: Sequence[Mapping[str, Any]]) -> str:
    """How runs were made, in a line: how many, how long, on what.

    Example:
        >>> versions = {"keras": "3.15.1", "jax": "0.10.2"}
        >>> made = {"system": "Linux x86_64", "cores": 2, "python": "3.11.7", "backend": "jax", "versions": versions}
        >>> provenance([{"seconds": 5400, "parameters": {"precision": "float32"}, "environment": made}])
        '1 training run, 1.5 hours on 2 cores (Linux x86_64), Python 3.11.7, Keras 3.15.1 on jax 0.10.2, float32'
    """
    made = [cell["environment"] for cell in cells]
    backends = Counter(f"{e['backend']} {e['versions'][e['backend']]}" for e in made)
    shown = [
        f"{name} ({_counted(count, 'run')})" if len(backends) > 1 else name for name, count in sorted(backends.items())
    ]
    hours = sum(cell["seconds"] for cell in cells) / 3600
    return ", ".join(
        [
            _counted(len(cells), "training run"),
            f"{hours:.1f} hours on {made[-1]['cores']} cores ({made[-1]['system']})",
            f"Python {made[-1]['python']}",
            f"Keras {made[-1]['versions']['keras']} on {' and '.join(shown)}",
            *sorted({cell["parameters"]["precision"] for cell in cells}),
        ]
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _why_not_run(corpus: str) -> str:
    """The reason for a corpus that was left aside: one that cannot be downloaded is not everybody's to run."""
    from ser_keras.corpora import CORPORA, OPEN

    return CORPORA[corpus].access if CORPORA[corpus].access != OPEN else "not asked for"


def _current(experiment: Experiment, record: dict[str, Any]) -> bool:
    """Whether the cell was made by the code as it stands."""
    cell, parameters = record["cell"], record["parameters"]
    variant = cell["variant"].split("@")[0]
    if cell["protocol"] not in experiment.protocols or variant not in experiment.variants:
        return False
    return record["definition"] == experiment.definition(
        cell["protocol"], variant, epochs=parameters["epochs"], precision=parameters["precision"]
    )


def _led_by(run: Mapping[str, Any], table: pd.DataFrame) -> pd.DataFrame:
    for position, name in enumerate(RUN):
        table.insert(position, name, run[name])
    return table
