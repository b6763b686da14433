"""How many runs are asked for and what they cost, counted without a backend and without features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.features.extraction import ORIGINAL
from ser_keras.runs.options import Options
from ser_keras.support.errors import ImpossibleError, MissingCorpusError

if TYPE_CHECKING:
    import pandas as pd

    from ser_keras.commands.reproduce import Expected
    from ser_keras.runs.experiment import Experiment


def counted(experiment: Experiment, options: Options) -> Iterator[Expected]:
    """The runs of one paper by corpus, protocol and variant; corpora that are not here have none.

    Args:
        experiment: The paper as code.
        options: What is asked for.
    """
    from ser_keras.commands.reproduce import Expected
    from ser_keras.protocols import examples_of, number_of_splits
    from ser_keras.runs import folder as files
    from ser_keras.runs import results as store
    from ser_keras.runs.costs import Costs
    from ser_keras.runs.planning import asked, chosen_recordings, divided
    from ser_keras.runs.run import ANY, Run
    from ser_keras.support import machine
    from ser_keras.training import backend

    committed = experiment.folder / "results"
    local = [files.read(path.parent) for path in (options.out / experiment.folder.name).glob(ANY)]
    records = store.records(committed) if committed.exists() else []
    records += [record for record in local if record]  # what is damaged is made anew
    done = {Run(**record["cell"]) for record in records if not record.get("differs")}
    costs = Costs(records, gflops=machine.gflops(backend.threads()))
    for corpus, table in tables_of(experiment, options).items():
        recordings, _ = chosen_recordings(experiment, corpus, table)
        made: dict[tuple[str, ...], pd.DataFrame] = {}
        for variant, protocols in asked(experiment, options, demo=options.demo):
            recipe = experiment.variants[variant]
            for name in protocols:
                protocol = experiment.protocols[name]
                copies = (ORIGINAL, *protocol.copies)
                if copies not in made:
                    made[copies] = examples_of(recordings, np.ones(len(recordings) * len(copies), int), copies)
                try:
                    folds = number_of_splits(divided(recipe, protocol), made[copies], options.seeds[0])
                except ImpossibleError:
                    continue
                folds = 1 if options.demo else folds
                chosen = [fold for fold in range(folds) if options.folds is None or fold in options.folds]
                runs = [Run(corpus, name, variant, seed, fold) for seed in options.seeds for fold in chosen]
                left = [run for run in runs if run not in done]
                memory, measured = costs.memory(Run(corpus, name, variant, 0, 0))
                yield Expected(
                    paper=experiment.folder.name,
                    corpus=corpus,
                    protocol=name,
                    variant=variant,
                    runs=len(runs),
                    finished=len(runs) - len(left),
                    seconds=sum(costs.seconds(run) for run in left),
                    memory=memory,
                    measured=measured,
                    disk=costs.disk(left),
                    unscaled=costs.unscaled,
                )


def tables_of(experiment: Experiment, options: Options) -> dict[str, pd.DataFrame]:
    """Utterance tables to count with: of a corpus that is here, or would be fetched, its published names do.

    Whether a copy is whole is looked at when it is used. A corpus without published names is loaded.

    Args:
        experiment: The paper as code.
        options: What is asked for.

    Returns:
        By corpus; those that cannot be had are left out.
    """
    from ser_keras.commands.paper import load_corpus
    from ser_keras.corpora import find, locate
    from ser_keras.corpora.folders import data_folder
    from ser_keras.runs.checking import published
    from ser_keras.runs.planning import COLUMNS
    from ser_keras.support.folders import user_data_folder

    tables = {}
    where = data_folder(options.data)
    for name in ("demo",) if options.demo else options.corpora or experiment.corpora:
        corpus = find(name)
        folder = locate(corpus, where)
        here = folder.is_dir() and any(folder.iterdir())
        if here or (corpus.remote and where == user_data_folder()):
            table = None if corpus.synthetic else published(corpus.name)
            if table is not None and set(COLUMNS) <= set(table):
                tables[corpus.name] = table
                continue
        try:
            table = load_corpus(name, options.data, options.cache, skip_bad=options.skip_bad)
            tables[table.attrs["corpus"]] = table
        except MissingCorpusError:
            continue
    return tables
