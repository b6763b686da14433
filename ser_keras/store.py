"""Finished cells as tables, from a run's folder or from the committed files of a full run."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ser_keras import training
from ser_keras.errors import SerError
from ser_keras.evaluation import RUN
from ser_keras.files import atomic, read_json, write_json
from ser_keras.protocols import Protocol

if TYPE_CHECKING:
    from ser_keras.experiment import Experiment


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

    def real(self) -> Results:
        """Without the runs on synthetic sounds, which nobody should cite."""
        from ser_keras.corpora import CORPORA

        return replace(
            self,
            predictions=self.predictions[~self.predictions.corpus.map(lambda name: CORPORA[name].synthetic)],
            history=self.history[~self.history.corpus.map(lambda name: CORPORA[name].synthetic)],
            cells=[cell for cell in self.cells if not CORPORA[cell["cell"]["corpus"]].synthetic],
        )

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
        probabilities = table[[f"p_{name}" for name in record["parameters"]["classes"]]].to_numpy()
        position = {name: i for i, name in enumerate(record["parameters"]["classes"])}
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
    return {"kind": type(protocol).__name__} | {
        k: list(v) if isinstance(v, tuple) else v for k, v in vars(protocol).items()
    }


def publish(results: Results, folder: Path) -> None:
    """Write what the tables are made of: `predictions.csv.gz`, `history.csv`, `environment.json`."""
    rows = results.predictions.to_csv(index=False, float_format="%.4g")
    with atomic(folder / PREDICTIONS) as partial:
        partial.write_bytes(gzip.compress(rows.encode(), mtime=0))  # without a time: equal results, equal bytes
    with atomic(folder / HISTORY) as partial:
        results.history.to_csv(partial, index=False, float_format="%.5g")
    write_json(
        folder / MANIFEST,
        {"cells": results.cells, "protocols": results.protocols, "not_run": results.not_run},
    )


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
