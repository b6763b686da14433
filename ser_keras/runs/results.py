"""Finished runs as tables, from an output folder or from the committed files of a full run."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ser_keras.protocols import PARTS, Protocol
from ser_keras.runs import folder, manifest
from ser_keras.runs.identity import differences
from ser_keras.runs.rows import RUN, moments_of, whole_utterances
from ser_keras.runs.run import FOLDERS, RECORD
from ser_keras.support.errors import SerError
from ser_keras.support.files import atomic, digest, read_json, sha256, write_text
from ser_keras.support.names import printable
from ser_keras.support.variant import Variant
from ser_keras.training.moments import END

if TYPE_CHECKING:
    from ser_keras.papers import Paper


SEED = [name for name in RUN if name != "fold"]
PREDICTIONS, HISTORY, MANIFEST, SUMS = "predictions.csv.gz", "history.csv", "runs.json", "SHA256SUMS"
SUMMED = (PREDICTIONS, HISTORY, MANIFEST)
ENTRIES = {"audit": dict, "seconds": (int, float), "environment": dict}  # of a record, on which tables rest


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
        aside: Reason by place of each run that is there and does not count: damaged, or of an older recipe.
        impossible: Reason by corpus and protocol that the corpus cannot have.
    """

    predictions: pd.DataFrame
    history: pd.DataFrame
    cells: list[dict[str, Any]]
    protocols: dict[str, dict[str, Any]]
    not_run: dict[str, str]
    aside: dict[str, str] = field(default_factory=dict)
    impossible: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def classes(self) -> dict[str, list[str]]:
        """The classes of each corpus, in the order of the tables."""
        return {cell["cell"]["corpus"]: cell["parameters"]["classes"] for cell in self.cells}

    def only(self, wanted: Callable[[dict[str, Any]], bool]) -> Results:
        """The cells whose records are wanted, with their rows.

        Args:
            wanted: Asked of each record.

        Returns:
            New results; these stay as they are.
        """
        cells = [cell for cell in self.cells if wanted(cell)]
        runs = [tuple(cell["cell"][name] for name in RUN) for cell in cells]

        def kept(table: pd.DataFrame) -> pd.DataFrame:
            return table[pd.MultiIndex.from_frame(table[RUN]).isin(runs)]

        return replace(self, predictions=kept(self.predictions), history=kept(self.history), cells=cells)

    def counting(self) -> Results:
        """Without the runs that are kept but are not what would be run now."""
        return self.only(lambda cell: not cell.get("differs"))

    def why_aside(self) -> dict[str, str]:
        """Reason by place of every run that is there and does not count: damaged, or of another recipe."""
        told = {
            "/".join(map(str, cell["cell"].values())): cell["differs"] for cell in self.cells if cell.get("differs")
        }
        return dict(self.aside) | told

    def real(self) -> Results:
        """Without the runs on synthetic sounds, which nobody should cite."""
        from ser_keras.corpora import named

        return self.only(lambda cell: not named(cell["cell"]["corpus"]).synthetic)

    def whole(self) -> Results:
        """Without the seeds whose cross-validation lacks a fold: a mean over the others is no number of it."""
        lacking = set(unfinished(self)[SEED].itertuples(index=False, name=None))
        return self.only(lambda cell: tuple(cell["cell"][name] for name in SEED) not in lacking)

    @property
    def corpora(self) -> list[str]:
        """Corpora with at least one finished cell."""
        return list(self.classes)


def from_runs(
    out: Path,
    *,
    protocols: Mapping[str, Protocol],
    corpora: Sequence[str],
    why_not: Callable[[dict[str, Any]], str] = lambda record: "",
    impossible: Mapping[str, Mapping[str, str]] | None = None,
) -> Results:
    """Read the finished runs below `out`.

    Args:
        out: An output folder.
        protocols: The paper's protocols.
        corpora: The paper's corpora.
        why_not: Record -> why the run does not count; empty where it does.
        impossible: Reason by corpus and protocol that it cannot have.

    Returns:
        Those that count; what is damaged or differs is named in `aside`.

    Raises:
        SerError: There is no finished run.
    """
    records, predictions, history, aside = [], [], [], {}
    regular = sorted(place / RECORD for place in out.glob(FOLDERS))
    misplaced = sorted(path for path in set(out.rglob(RECORD)) - set(regular) if folder.damage(path.parent))
    for path in [*regular, *misplaced]:
        place = printable("/".join(path.parent.relative_to(out).parts))
        if not path.exists() and not (path.parent / folder.PREDICTIONS).exists():
            continue  # a run that never got so far
        if damaged := folder.damage(path.parent):
            aside[place] = f"damaged: {damaged}"
            continue
        record = read_json(path)
        if reason := why_not(record):
            aside[place] = reason
            continue
        try:
            table, log = _rows(path.parent, record)
        except (KeyError, TypeError, ValueError) as error:
            aside[place] = f"damaged: its files do not fit together ({type(error).__name__})"
            continue
        predictions.append(_led_by(record["cell"], table))
        history.append(_led_by(record["cell"], log))
        records.append(record)
    if not records:
        listed = "".join(f"\n  {place}: {reason}" for place, reason in list(aside.items())[:5])
        raise SerError(f"There is no finished run in {out} that counts; run without --tables-only first.{listed}")
    missing = {name: _why_not_run(name) for name in corpora}
    there = {record["cell"]["corpus"] for record in records}
    table = pd.concat(predictions, ignore_index=True)
    if "moment" in table:
        table["moment"] = moments_of(table)
    return Results(
        predictions=table,
        history=pd.concat(history, ignore_index=True),
        cells=records,
        protocols={name: describe(protocol) for name, protocol in protocols.items()},
        not_run={name: reason for name, reason in missing.items() if name not in there},
        aside=aside,
        impossible={corpus: dict(reasons) for corpus, reasons in (impossible or {}).items() if reasons},
    )


def _rows(place: Path, record: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A run's predictions, those at further moments among them, and its history."""
    for entry, kind in ENTRIES.items():
        if not isinstance(record[entry], kind):
            raise TypeError(entry)
    classes = record["parameters"]["classes"]
    table = _thin(pd.read_csv(place / folder.PREDICTIONS, dtype={"utterance": str}), classes)
    if folder.MOMENTS in record["files"]:
        others = pd.read_csv(place / folder.MOMENTS, dtype={"utterance": str})
        each = [_thin(rows.drop(columns="moment"), classes).assign(moment=m) for m, rows in others.groupby("moment")]
        table = pd.concat([table.assign(moment=END), *each], ignore_index=True)
    return table, pd.read_csv(place / folder.HISTORY)


def _thin(table: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Predictions without all probabilities but that of the true class; whole utterances added where windows are."""
    if "window" in table:
        table = pd.concat([table, whole_utterances(table, classes)], ignore_index=True)
    probabilities = table[[f"p_{name}" for name in classes]].to_numpy()
    position = {name: i for i, name in enumerate(classes)}
    table["p_label"] = probabilities[range(len(table)), table.label.map(position)]
    return table[[c for c in table.columns if not c.startswith("p_") or c == "p_label"]]


def describe(protocol: Protocol) -> dict[str, Any]:
    """A protocol's class and attributes, as JSON.

    Args:
        protocol: The protocol.

    Returns:
        `kind`, `covers` and the attributes.

    Example:
        >>> from ser_keras.protocols import GroupKFold
        >>> describe(GroupKFold(note="", folds=5))["kind"]
        'GroupKFold'
    """
    return {"kind": type(protocol).__name__, "covers": protocol.covers} | {
        k: list(v) if isinstance(v, tuple) else v for k, v in vars(protocol).items()
    }


def utterances(cell: Mapping[str, Any]) -> dict[str, int]:
    """Recordings in each part of a run's data; none where the record is older than that count.

    Args:
        cell: The run's record.

    Returns:
        By part: "train", "validation", "test".

    Example:
        >>> utterances({"audit": {"utterances/train": 8, "utterances/test": 2}})
        {'train': 8, 'validation': 0, 'test': 2}
    """
    return {part: cell["audit"].get(f"utterances/{part}", 0) for part in PARTS}


def unfinished(results: Results) -> pd.DataFrame:
    """The seeds whose cross-validation lacks a fold.

    Every recording is tested in one fold, so that all are there when the tested ones are as many as a fold divides. A
    demonstration runs one fold by intent.

    Args:
        results: Finished runs.

    Returns:
        Columns `corpus`, `protocol`, `variant`, `seed`, `folds` (finished), `tested` and `recordings`.
    """
    from ser_keras.corpora import named

    rows = []
    for cell in results.cells:
        run = cell["cell"]
        protocol = results.protocols[run["protocol"]]
        # Results of before protocols told so have the number of folds.
        if protocol.get("covers", "folds" in protocol) and not named(run["corpus"]).synthetic:
            counts = utterances(cell)
            rows.append([run[name] for name in SEED] + [1, counts["test"], sum(counts.values())])
    table = pd.DataFrame(rows, columns=[*SEED, "folds", "tested", "recordings"])
    added = {"folds": "sum", "tested": "sum", "recordings": "first"}
    table = table.groupby(SEED, sort=False).agg(added).reset_index()
    return table[table.tested < table.recordings]


def combined(results: Results, earlier: Results) -> Results:
    """The cells of both; of a cell that both have, the first one's.

    Args:
        results: Finished runs.
        earlier: Others, of the same paper.

    Returns:
        In the order of corpus, protocol, variant, seed and fold.
    """
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


def made_way(earlier: Results, results: Results) -> Results:
    """The earlier runs, those of an older recipe that stand where a new one comes renamed to `variant@was-<digest>`.

    Args:
        earlier: Finished runs.
        results: New ones, whose places are freed.

    Returns:
        The earlier runs, all of them.
    """
    new = {tuple(cell["cell"].values()): cell for cell in results.cells}
    taken = {tuple(cell["cell"].values()) for cell in earlier.cells}
    names: dict[tuple, str] = {}
    cells = []
    for cell in earlier.cells:
        key = tuple(cell["cell"].values())
        if key in new and differences(cell.get("what", {}), new[key].get("what", {})):
            variants = (was(cell, number) for number in itertools.count(1))
            # Under the first name may stand another older run: of the same recipe, divided otherwise.
            names[key] = next(name for name in variants if (*key[:2], name, *key[3:]) not in taken)
            cell = cell | {"cell": cell["cell"] | {"variant": names[key]}}
            taken.add(tuple(cell["cell"].values()))
        cells.append(cell)

    def renamed(table: pd.DataFrame) -> pd.DataFrame:
        runs = list(table[RUN].itertuples(index=False, name=None))
        return table.assign(variant=[names.get(run, run[2]) for run in runs])

    if not names:
        return earlier
    return replace(earlier, cells=cells, predictions=renamed(earlier.predictions), history=renamed(earlier.history))


def was(record: Mapping[str, Any], number: int = 1) -> str:
    """The variant's name of a run whose recipe has changed since: `mfcc@was-1f0a93c2`.

    Args:
        record: The run's.
        number: Of those that differ in seed, fold and examples alone, which; the second is `mfcc@was-1f0a93c2-2`.

    Returns:
        Recipe and mark.
    """
    # Seed, fold and examples differ from run to run; the rest is what the recipe was.
    recipe = {k: v for k, v in record.get("what", {}).items() if k not in ("seed", "fold", "examples")}
    again = f"-{number}" if number > 1 else ""
    return str(replace(Variant.parse(record["cell"]["variant"]), was=digest(recipe)[:8] + again))


def marked(results: Results, why_not: Callable[[dict[str, Any]], str]) -> Results:
    """The same runs, each that no longer counts with the reason in its record, under `differs`.

    Args:
        results: Finished runs.
        why_not: Record -> why the run does not count, or "".

    Returns:
        Of a run that counts again the reason is removed.
    """
    cells = []
    for cell in results.cells:
        rest = {key: value for key, value in cell.items() if key != "differs"}
        reason = why_not(rest if "what" in rest else cell)
        cells.append(rest | {"differs": reason} if reason else rest)
    return replace(results, cells=cells)


def thinned(results: Results, paper: Paper) -> Results:
    """Without the predictions that no table of the paper reads, so that committed files stay small.

    Kept are test rows; training rows where a training accuracy is reported and the protocol divides once; rows of
    the part that a protocol scores; the probability of the true class where a loss is reported.

    Args:
        results: Finished runs.
        paper: What it reports.

    Returns:
        The same runs, with fewer rows.
    """
    table = results.predictions
    # Of one recipe reported, of all kept: a reading is judged by the same pair of numbers.
    with_train = any(number.metric == "train/accuracy" for number in paper.reported)
    keep = table.split == "test"
    folds = table.groupby(["protocol", "variant", "seed"]).fold.transform("max")
    keep |= (table.split == "train") & (folds == 0) & with_train
    moments = moments_of(table)
    main = moments == END
    keep &= main
    for name, protocol in results.protocols.items():
        there = main if protocol.get("moment", END) == END else moments == protocol["moment"]
        keep |= there & (table.split == protocol["scored"]) & (table.protocol == protocol.get("of", name))
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


def publish(results: Results, target: Path) -> None:
    """Write what the tables are made of: `predictions.csv.gz`, `history.csv`, `runs.json`, and their checksums.

    Args:
        results: Finished runs.
        target: The folder `results` of a paper.

    Raises:
        SerError: A file cannot be written.
    """
    rows = results.predictions.to_csv(index=False, float_format="%.4g")
    with atomic(target / PREDICTIONS) as partial:
        partial.write_bytes(gzip.compress(rows.encode(), mtime=0))  # without a time: equal results, equal bytes
    with atomic(target / HISTORY) as partial:
        results.history.to_csv(partial, index=False, float_format="%.5g")
    write_text(target / MANIFEST, manifest.written(results))
    write_sums(target)


def write_sums(target: Path) -> None:
    """Write the checksums of all files that a committed number rests on.

    Args:
        target: The folder `results` of a paper.

    Raises:
        SerError: The file cannot be written.
    """
    write_text(target / SUMS, _sums(target))


def records(source: Path) -> list[dict[str, Any]]:
    """The records of committed runs alone, without their predictions.

    Args:
        source: The folder `results` of a paper.

    Returns:
        One a run.

    Raises:
        SerError: They are absent or not what was written.
    """
    try:
        if not (source / SUMS).is_file():  # from a pipe, nothing might ever come
            raise SerError(f"{source}: {SUMS} is missing. Restore it from git.")
        if f"{sha256(source / MANIFEST)}  {MANIFEST}" not in (source / SUMS).read_text(encoding="utf-8").splitlines():
            raise SerError(f"{source}: {MANIFEST} is not what was written. Restore it from git.")
        return manifest.read(source / MANIFEST)["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SerError(f"{source} is damaged ({type(error).__name__}: {error}). Restore it from git.") from error


def from_published(source: Path) -> Results:
    """Read what `publish` wrote, each file checked against its checksum.

    Args:
        source: The folder `results` of a paper.

    Returns:
        The committed runs, those that no longer count included.

    Raises:
        SerError: A file is absent or not what was written.
    """
    if wrong := damaged(source):
        raise SerError(f"{source}: {'; '.join(wrong)}. Restore it from git.")
    try:
        predictions = pd.read_csv(source / PREDICTIONS, dtype={"utterance": str})
        history = pd.read_csv(source / HISTORY)
        return Results(predictions=predictions, history=history, **manifest.read(source / MANIFEST))
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise SerError(f"{source} is damaged ({type(error).__name__}: {error}). Restore it from git.") from error


def damaged(source: Path) -> list[str]:
    """What is wrong with committed results: a file that is missing, or not the one that was written.

    Args:
        source: The folder `results` of a paper.

    Returns:
        Sentences without their full stop; [] where all is as written.
    """
    try:
        if not (source / SUMS).is_file():  # from a pipe, nothing might ever come
            raise FileNotFoundError
        lines = (source / SUMS).read_text(encoding="utf-8").split("\n")[:-1]
    except (OSError, UnicodeDecodeError):
        return [f"{SUMS} is missing or unreadable"]
    sums = dict(reversed(line.split("  ", 1)) for line in lines if "  " in line)
    found = [f"{SUMS} does not name {name}" for name in SUMMED if name not in sums]
    for name in SUMMED:
        if not (source / name).is_file():
            found.append(f"{name} is missing")
        elif name in sums and sha256(source / name) != sums[name]:
            found.append(f"{name} is not what was written")
    if not found and "".join(f"{line}\n" for line in lines) != _sums(source):
        found.append(f"{SUMS} is not what was written")
    return found


def _sums(folder: Path) -> str:
    return "".join(f"{sha256(folder / name)}  {name}\n" for name in SUMMED)


def inconsistent(results: Results) -> list[str]:
    """What of committed results does not fit together: a run twice, without predictions, or without a record.

    Args:
        results: Finished runs.

    Returns:
        Sentences without their full stop; [] where all fits.
    """
    runs = [tuple(cell["cell"][name] for name in RUN) for cell in results.cells]
    predicted = set(results.predictions[RUN].itertuples(index=False, name=None))
    logged = set(results.history[RUN].itertuples(index=False, name=None))
    found = [f"{' '.join(map(str, run))} is there {count} times" for run, count in Counter(runs).items() if count > 1]
    for name, there in ((PREDICTIONS, predicted), (HISTORY, logged)):
        found += [f"{name} lacks {' '.join(map(str, run))}" for run in sorted(set(runs) - there)]
        found += [
            f"{name} has {' '.join(map(str, run))}, of which there is no record" for run in sorted(there - set(runs))
        ]
    return found


def provenance(cells: Sequence[Mapping[str, Any]]) -> str:
    """How runs were made, in a line: how many, how long, on what.

    Args:
        cells: Records of runs, one or more.

    Returns:
        Words divided by commas.

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
    from ser_keras.corpora import OPEN, named

    return named(corpus).access if named(corpus).access != OPEN else "not asked for"


def _led_by(run: Mapping[str, Any], table: pd.DataFrame) -> pd.DataFrame:
    for position, name in enumerate(RUN):
        table.insert(position, name, run[name])
    return table
