"""`ser-keras reproduce`: all papers, or some, on the corpora that are here, with one table at the end."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ser_keras.commands import flags
from ser_keras.runs.options import Options
from ser_keras.support.errors import LostClusterError, MissingCorpusError, SerError

if TYPE_CHECKING:
    import pandas as pd

    from ser_keras.runs.experiment import Experiment

PAPERS = Path("reproductions")


@dataclass(frozen=True)
class Expected:
    """Runs of one paper, corpus, protocol and variant that are asked for.

    Attributes:
        paper: The paper's folder's name.
        corpus: The corpus.
        protocol: The protocol.
        variant: The variant.
        runs: Runs that are asked for.
        finished: Those of them that are finished, here or among the committed ones.
        seconds: Expected of the others, from the seconds of earlier runs.
        memory: Megabytes that one run is expected to take.
        measured: Whether earlier runs tell so; else it is their features alone.
        disk: Megabytes that the others leave.
        unscaled: Earlier runs of the paper that do not say how fast their machine was.
    """

    paper: str
    corpus: str
    protocol: str
    variant: str
    runs: int
    finished: int
    seconds: float
    memory: float = 0.0
    measured: bool = False
    disk: float = 0.0
    unscaled: int = 0


def experiments(names: Sequence[str] = (), papers: Path = PAPERS) -> list[Experiment]:
    """The papers' experiments, all or some.

    Args:
        names: Folders of papers; none for all.
        papers: The folder of all papers.

    Returns:
        In the order of the names.

    Raises:
        SerError: A paper is not there.
    """
    from ser_keras.runs.script import load
    from ser_keras.support.messages import did_you_mean

    there = sorted(path.parent.name for path in papers.glob("*/run.py"))
    if not there:
        raise SerError(f"No paper lies in {papers}: run this beside the folder {PAPERS}.")
    for name in names:
        if name not in there:
            raise SerError(f"There is no paper {name!r}{did_you_mean(name, there)}; there are {', '.join(there)}.")
    return [load(papers / name).EXPERIMENT for name in names or there]


def plan(chosen: Sequence[Experiment], options: Options) -> list[Expected]:
    """What would be run, without running or training anything; no backend is loaded.

    Args:
        chosen: The papers' experiments.
        options: As for `reproduce`; `out` is the folder that has one folder a paper.

    Returns:
        One entry a paper, corpus, protocol and variant, the cheapest first.
    """
    from ser_keras.commands.counting import counted

    entries = [entry for experiment in chosen for entry in counted(experiment, options)]
    return sorted(entries, key=lambda entry: (entry.seconds, entry.paper))


def reproduce_all(chosen: Sequence[Experiment], options: Options, *, hours: float | None = None) -> list[str]:
    """Run papers one after the other, those with the cheapest open runs first.

    Args:
        chosen: The papers' experiments.
        options: `out` is the folder that has one folder a paper; finished runs are reused.
        hours: Start no run that is not expected to end within so many hours.

    Returns:
        What was asked for and not done, a sentence each.

    Raises:
        MissingCorpusError: No paper found a corpus.
    """
    from ser_keras.commands.paper import run
    from ser_keras.runs.cluster import connected

    until = None if hours is None else time.monotonic() + 3600 * hours
    cost = {e.folder.name: sum(x.seconds for x in plan([e], options)) for e in chosen}
    undone: list[str] = []
    missing: list[str] = []
    with connected(options.cluster) as cluster:  # one for all papers
        for experiment in sorted(chosen, key=lambda e: cost[e.folder.name]):
            name = experiment.folder.name
            print(f"\n{name}", file=sys.stderr)
            try:
                own = replace(options, out=options.out / name, until=until, cluster=cluster)
                undone += [f"{name}: {sentence}" for sentence in run(experiment, own)]
            except MissingCorpusError as error:
                missing.append(name)
                undone.append(f"{name}: {error}")
            except LostClusterError:
                raise
            except SerError as error:
                undone.append(f"{name}: {error}")
    if len(missing) == len(chosen):
        raise MissingCorpusError("\n".join(undone))
    return undone


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's flags.

    Args:
        parser: To which they are added.
    """
    parser.add_argument("papers", nargs="*", metavar="PAPER", help="jin2022, tripathi2019 ... (default: all)")
    flags.data_flags(parser)
    flags.slice_flags(parser)
    parser.add_argument("--out", type=Path, default=Path("runs"), metavar="DIR", help="default: %(default)s")
    flags.cluster_flag(parser)
    parser.add_argument("--plan", action="store_true", help="show runs and hours, and run nothing")
    parser.add_argument("--hours", type=_hours, metavar="H", help="start no run that would not end within H hours")


def command(args: argparse.Namespace) -> int:
    """Run, or show the plan; the exit code.

    Args:
        args: The parsed flags.
    """
    if args.demo and args.data:
        flags.refuse("ser-keras reproduce: --demo and --data exclude each other")
    options = Options(
        out=args.out,
        data=args.data,
        cache=args.cache,
        demo=args.demo,
        skip_bad=args.skip_bad,
        seeds=flags.seeds(args),
        folds=tuple(args.fold) if args.fold is not None else None,
        shard=args.shard,
        cluster=args.cluster,
    )
    chosen = experiments(args.papers)
    if args.plan:
        show_plan(plan(chosen, options))
        show_open_verdicts(chosen)
        return 0
    undone = reproduce_all(chosen, options, hours=args.hours)
    show(headlines(chosen, options.out))
    for sentence in undone:
        print(sentence, file=sys.stderr)
    return 1 if undone else 0


def headlines(chosen: Sequence[Experiment], out: Path) -> pd.DataFrame:
    """The headline numbers of the papers that have results below `out`.

    Args:
        chosen: The papers as code.
        out: The folder with one output folder a paper.

    Returns:
        One row a headline number.
    """
    import pandas as pd

    from ser_keras import papers

    rows = []
    for experiment in chosen:
        paper = papers.read(experiment.folder / "paper.toml")
        path = out / experiment.folder.name / "tables" / "comparison.csv"
        if not path.exists():
            continue
        table = pd.read_csv(path, dtype=str).fillna("")
        wanted = {number.where for number in paper.reported if number.headline}
        rows.append(table[table.Where.isin(wanted)].assign(Paper=paper.short))
    joined = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    shown = ("Paper", "Where", "Corpus", "Reported", "Reproduced", "Verdict", "verdict")
    return joined[[name for name in shown if name in joined]]


def show(table: pd.DataFrame) -> None:
    """Print a table.

    Args:
        table: Its values are shown as text.
    """
    show_rows([str(column) for column in table.columns], table.astype(str).to_numpy().tolist())


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their columns' names.

    Args:
        columns: Their names.
        rows: Texts, as many as columns in each row.
    """
    from rich.console import Console
    from rich.table import Table

    printed = Table()
    for column in columns:
        printed.add_column(column)
    for row in rows:
        printed.add_row(*row)
    Console().print(printed)


def show_plan(entries: Sequence[Expected]) -> None:
    """Print the plan: runs, those that are finished, hours, memory and disk.

    Args:
        entries: As `plan` gives them.
    """
    rows = [
        (
            *(e.paper, e.corpus, e.protocol, e.variant, str(e.runs), str(e.finished)),
            f"{e.seconds / 3600:.2f}",
            _memory(e),
        )
        for e in entries
    ]
    show_rows(("Paper", "Corpus", "Protocol", "Variant", "Runs", "Finished", "Hours", "GB a run"), rows)
    left = [e for e in entries if e.runs > e.finished]
    print(
        f"{sum(e.runs - e.finished for e in left)} runs, {sum(e.seconds for e in left) / 3600:.1f} hours one after the "
        f"other, {sum(e.disk for e in left) / 1024:.1f} GB on disk"
    )
    if unscaled := sum({e.paper: e.unscaled for e in entries}.values()):
        print(f"{unscaled} earlier runs do not say how fast their machine was: their hours are taken as they were.")
    if any(e.memory and not e.measured for e in left):
        print("≥: at least that, what its features take; no earlier run measured its memory.")


def show_open_verdicts(chosen: Sequence[Experiment]) -> None:
    """Print what the verdicts that are still open cost: the runs of each reading that settle most of them an hour.

    Args:
        chosen: The papers as code.
    """
    import csv

    rows = []
    for experiment in chosen:
        path = experiment.folder / "results" / "tables" / "plan.csv"
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                rows += [(experiment.folder.name, *row.values()) for row in csv.DictReader(file)]
    if rows:
        rows.sort(key=lambda row: -float(row[5]) / max(float(row[4]), 0.01))
        print("\nOpen verdicts among the committed results, and what runs would settle them (most an hour first):")
        show_rows(("Paper", "Corpus", "Reading", "More runs", "Hours", "Verdicts settled", "Of open ones"), rows)


def _memory(e: Expected) -> str:
    if not e.memory:
        return "?"
    return f"{e.memory / 1024:.1f}" if e.measured else f"≥ {e.memory / 1024:.1f}"


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = -1.0
    if not 0 < hours < 1e5:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of hours")
    return hours
