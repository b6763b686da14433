"""What a paper's `run.py` ends with: the flags, the runs, the tables."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ser_keras.commands import flags
from ser_keras.commands.ending import explained
from ser_keras.runs.experiment import Experiment
from ser_keras.runs.options import Options
from ser_keras.support.errors import MissingCorpusError, SerError

TABLES = 120.0  # seconds to wait for another process that shares the folder and writes its tables

if TYPE_CHECKING:
    import pandas as pd

    from ser_keras.runs.checking import Checker
    from ser_keras.runs.cluster import Cluster
    from ser_keras.runs.costs import Costs
    from ser_keras.runs.planning import Plan
    from ser_keras.runs.run import Run


def reproduce(experiment: Experiment, description: str) -> None:
    """Read the flags, make the runs that are not finished, write tables and figures, and exit.

    Args:
        experiment: The paper as code.
        description: What --help says of it: the script's docstring.

    Raises:
        SystemExit: Always: 0 when all that was asked for is done, 1 for an error that was explained or something
            that could not be done, 2 for wrong use or no corpus, 130 after Ctrl-C, 143 after SIGTERM.
    """
    with explained():
        parser = flags.parser(
            description=description,
            paper=experiment.folder.name,
            corpora=experiment.corpora,
            protocols=list(experiment.protocols),
            variants=list(experiment.variants),
        )
        args = parser.parse_args()
        try:
            options = flags.options(args, experiment.folder.name)
        except ValueError as error:
            parser.error(str(error))
        undone = run(experiment, options)
        for sentence in undone:
            print(sentence, file=sys.stderr)
        raise SystemExit(1 if undone else 0)


def run(experiment: Experiment, options: Options) -> list[str]:
    """Make what is asked for, then write the tables.

    Args:
        experiment: The paper as code.
        options: What is asked for.

    Returns:
        What was asked for and not done, a sentence each.

    Raises:
        SerError: Something is missing or wrong; the message says what to do.
    """
    from ser_keras.reports import report
    from ser_keras.support.files import exclusive

    check_paper(experiment)  # what is wrong with paper.toml is told now, not after hours of training
    checker, undone, impossible = make(experiment, options)
    with exclusive(options.out, wait=TABLES):
        wrong = report.report(experiment, options.out, checker, publish=options.publish, impossible=impossible)
    return undone + wrong


def check_paper(experiment: Experiment) -> None:
    """Read `paper.toml` and hold its names against the experiment's.

    Args:
        experiment: The paper as code.

    Raises:
        SerError: It is not valid, or names a corpus, variant or protocol that is not there.
    """
    from ser_keras import papers

    path = experiment.folder / "paper.toml"
    names = {"corpora": experiment.corpora, "variants": experiment.variants, "protocols": experiment.protocols}
    if wrong := papers.check(papers.read(path), **names):
        raise SerError("\n".join(wrong))


def make(experiment: Experiment, options: Options) -> tuple[Checker, list[str], dict[str, dict[str, str]]]:
    """Make the runs that are asked for and not finished.

    Args:
        experiment: The paper as code.
        options: What is asked for.

    Returns:
        What tells whether a run counts; what was asked for and not done, a sentence each; and the reason by corpus
        and protocol that is impossible.

    Raises:
        SerError: Something is missing or wrong; the message says what to do.
    """
    from ser_keras.runs.checking import Checker
    from ser_keras.runs.identity import Describer
    from ser_keras.training import backend

    if options.tables_only:
        # What is published stays marked for good, so that networks are compared then, too.
        if options.publish:
            backend.prepare_backend()
        return Checker(experiment, Describer(networks=options.publish)), [], {}
    from ser_keras.runs.cluster import connected

    with connected(options.cluster) as cluster:  # first: an address that does not answer is told at once
        return _make(experiment, options, cluster)


def _make(
    experiment: Experiment, options: Options, cluster: Cluster | None
) -> tuple[Checker, list[str], dict[str, dict[str, str]]]:
    from ser_keras.runs import planning, runner
    from ser_keras.runs.checking import Checker
    from ser_keras.runs.identity import Describer
    from ser_keras.training import backend

    undone: list[str] = []
    impossible: dict[str, dict[str, str]] = {}
    tables, not_run = load_corpora(experiment, options)
    for name, reason in not_run.items():
        print(f"{name} is not run: {reason}\n", file=sys.stderr)
    if options.corpora:
        undone += [f"{name} was asked for and is not there." for name in not_run]
    backend.prepare_backend()
    device = backend.device() if cluster is None else cluster.ready()
    print(f"Computing on {backend.name()} ({device}); results go to {options.out}", file=sys.stderr)
    checker = Checker(experiment, Describer(), tables)
    committed = committed_runs(experiment, checker) if options.publish else set()
    costs = known_costs(experiment) if options.until is not None else None
    for name, table in tables.items():
        planned = planning.plan(
            experiment, options, name, table, checker.describer, cluster.extracted if cluster else None
        )
        for protocol, remark in planned.remarks.items():
            print(f"{name}: {protocol}: {remark}", file=sys.stderr)
        for protocol, reason in planned.impossible.items():
            print(f"{name}: {protocol} is not possible: {reason}", file=sys.stderr)
            if options.protocols:
                undone.append(f"{name}: {protocol} was asked for and is not possible.")
        impossible[name] = planned.impossible
        if experiment.illustrate and planned.plans:
            draw_data(experiment, experiment.labels(table), planned.plans, options.out / "data" / name)
        todo = planning.shard(planned.plans, options.shard)
        undone += runner.make(todo, options, committed, costs, cluster)
    return checker, undone, impossible


def load_corpora(experiment: Experiment, options: Options) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """The utterance tables of the corpora asked for, and the reason for each that is not there.

    Args:
        experiment: The paper as code.
        options: What is asked for.

    Returns:
        Tables by corpus, and reasons by corpus.

    Raises:
        MissingCorpusError: None is there.
        SerError: One is unknown, incomplete or damaged.
    """
    tables, not_run = {}, {}
    for name in ("demo",) if options.demo else options.corpora or experiment.corpora:
        try:
            table = load_corpus(name, options.data, options.cache, skip_bad=options.skip_bad)
            tables[table.attrs["corpus"]] = table
        except MissingCorpusError as error:
            not_run[name] = str(error)
    if not tables:
        raise MissingCorpusError(no_corpus_message(not_run))
    return tables, not_run


def load_corpus(
    name: str, data: Path | None = None, cache: Path | None = None, *, skip_bad: bool = False
) -> pd.DataFrame:
    """The utterance table of one corpus; the synthetic one is made, an open one fetched where that is allowed.

    Args:
        name: The corpus's.
        data: Where corpora lie; None for $SER_KERAS_DATA or the per-user data folder.
        cache: Where features are kept: the synthetic corpus is made beside it; None for the per-user cache.
        skip_bad: Leave recordings out that cannot be used, in place of raising.

    Returns:
        The table; `attrs["corpus"]` is the name.

    Raises:
        MissingCorpusError: It is not there and cannot be fetched.
        SerError: It is unknown, incomplete or damaged.
    """
    from ser_keras.corpora import download, find, locate
    from ser_keras.corpora.folders import data_folder
    from ser_keras.support.folders import user_cache_folder, user_data_folder

    corpus = find(name)
    where = data_folder(data)
    folder = locate(corpus, where)
    # Only into the suite's own folder: one that a person named is theirs.
    if corpus.remote and where == user_data_folder() and not corpus.is_there(folder):
        download.download(corpus, folder)
    if corpus.make:
        folder = (cache.parent if cache else user_cache_folder()) / "corpora" / corpus.folder
        corpus.make(folder)
    table = corpus.load(folder, skip_bad=skip_bad)
    table.attrs["corpus"] = corpus.name
    return table


def no_corpus_message(not_run: Mapping[str, str]) -> str:
    """What to do when none of the corpora is there.

    Args:
        not_run: By corpus, why it is not there.

    Returns:
        Lines for standard error.
    """
    reasons = "\n".join(f"  {name}: {reason}" for name, reason in not_run.items())
    return (
        f"None of the corpora asked for is there.\n{reasons}\n"
        "Point --data (or $SER_KERAS_DATA) at the folder that holds them, "
        "or pass --demo to run on the built-in synthetic corpus."
    )


def committed_runs(experiment: Experiment, checker: Checker) -> set[Run]:
    """The committed runs that count: with those, a full run can be completed on another machine.

    Args:
        experiment: The paper as code.
        checker: Tells whether a run counts.

    Returns:
        None of them where nothing is committed.
    """
    from ser_keras.runs import results as store
    from ser_keras.runs.run import Run

    folder = experiment.folder / "results"
    if not folder.exists():
        return set()
    cells = store.from_published(folder).cells
    return {Run(**cell["cell"]) for cell in cells if not checker.why_not(cell)}


def known_costs(experiment: Experiment) -> Costs:
    """What runs are expected to take here, from the committed ones.

    Args:
        experiment: The paper as code.

    Returns:
        Costs on this machine.
    """
    from ser_keras.runs import results as store
    from ser_keras.runs.costs import Costs
    from ser_keras.support import machine
    from ser_keras.training import backend

    folder = experiment.folder / "results"
    records = store.records(folder) if folder.exists() else []
    return Costs(records, gflops=machine.gflops(backend.threads()))


def draw_data(experiment: Experiment, table: pd.DataFrame, plans: list[Plan], folder: Path) -> None:
    """Write the paper's own figures and tables of the data.

    Args:
        experiment: The paper as code.
        table: The utterance table.
        plans: The planned runs of one corpus.
        folder: Where to; made where it is absent.

    Raises:
        SerError: A file cannot be written.
    """
    from ser_keras.reports.figures import save
    from ser_keras.runs.planning import by_recipe
    from ser_keras.support.files import atomic

    folder.mkdir(parents=True, exist_ok=True)
    for name, figure, numbers in experiment.illustrate(table, by_recipe(plans), folder):
        if figure is not None:
            save(figure, folder / f"{name}.png")
        with atomic(folder / f"{name}.csv") as partial:
            numbers.to_csv(partial, index=False)
