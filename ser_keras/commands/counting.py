"""How many runs are asked for and what they cost, counted without a backend and without features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.features.extraction import ORIGINAL
from ser_keras.runs.options import Options
from ser_keras.support.errors import ImpossibleError, MissingCorpusError

if TYPE_CHECKING:
    from ser_keras.commands.reproduce import Expected
    from ser_keras.runs.experiment import Experiment


def counted(experiment: Experiment, options: Options) -> Iterator[Expected]:
    """The runs of one paper by corpus, protocol and variant; corpora that are not here have none."""
    from ser_keras.commands.paper import load_corpora
    from ser_keras.commands.reproduce import Expected
    from ser_keras.protocols import examples_of
    from ser_keras.runs import folder as files
    from ser_keras.runs import results as store
    from ser_keras.runs.costs import Costs
    from ser_keras.runs.planning import asked, chosen_recordings, divided
    from ser_keras.runs.run import ANY, Run

    committed = experiment.folder / "results"
    cells = store.from_published(committed).cells if committed.exists() else []
    local = [files.read(path.parent) for path in (options.out / experiment.folder.name).glob(ANY)]
    records = [*cells, *(record for record in local if record)]  # what is damaged is made anew
    done = {Run(**record["cell"]) for record in records if not record.get("differs")}
    costs = Costs(records)
    try:
        tables, _ = load_corpora(experiment, options)
    except MissingCorpusError:
        return
    for corpus, table in tables.items():
        recordings, _ = chosen_recordings(experiment, corpus, table)
        for variant, protocols in asked(experiment, options, demo=options.demo):
            recipe = experiment.variants[variant]
            for name in protocols:
                protocol = experiment.protocols[name]
                copies = (ORIGINAL, *protocol.copies)
                examples = examples_of(recordings, np.ones(len(recordings) * len(copies), int), copies)
                try:
                    folds = 1 if options.demo else len(divided(recipe, protocol).splits(examples, options.seeds[0]))
                except ImpossibleError:
                    continue
                chosen = [fold for fold in range(folds) if options.folds is None or fold in options.folds]
                runs = [Run(corpus, name, variant, seed, fold) for seed in options.seeds for fold in chosen]
                left = [run for run in runs if run not in done]
                yield Expected(
                    paper=experiment.folder.name,
                    corpus=corpus,
                    protocol=name,
                    variant=variant,
                    runs=len(runs),
                    finished=len(runs) - len(left),
                    seconds=sum(costs.seconds(run) for run in left),
                )
