"""From what is asked for to runs that are known to be possible: everything is checked before anything trains."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.features import windows
from ser_keras.features.extraction import ORIGINAL, Elsewhere, extract_corpus
from ser_keras.protocols import Protocol, Split, audit, check_columns, examples_of
from ser_keras.runs.experiment import Experiment
from ser_keras.runs.identity import Describer, What, asserted, audio_name
from ser_keras.runs.options import Options
from ser_keras.runs.precision import chosen_precision
from ser_keras.runs.run import Run
from ser_keras.support.errors import ImpossibleError, SerError
from ser_keras.support.folders import cache_folder
from ser_keras.support.variant import Variant
from ser_keras.training import backend
from ser_keras.training.recipe import Recipe
from ser_keras.training.scaling import BY_ROW, Inputs
from ser_keras.training.standardised import StandardisedArray

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("utterance", "speaker", "emotion", "text", "sha256")  # what protocols and the audit read


@dataclass(frozen=True)
class Data:
    """Examples and features of a corpus under one variant, in the same order.

    Attributes:
        examples: One row an example.
        x: Their features, shape (examples, ...).
        classes: Emotions in the order of the tables.
        audio: A name of the corpus's audio.
        left_out: Recordings that could not be used.
        unused: Emotion -> recordings of it that the paper has no use for.
        padded: Recordings that are shorter than one window.
        lengths: Examples of each (recording, copy).
    """

    examples: pd.DataFrame
    x: Inputs
    classes: tuple[str, ...]
    audio: str
    left_out: int
    unused: dict[str, int]
    padded: int
    lengths: np.ndarray


@dataclass(frozen=True)
class Plan:
    """A run that is to be made, with what it needs."""

    paper: str
    run: Run
    split: Split
    data: Data
    recipe: Recipe
    epochs: int
    precision: str
    moments: tuple[str, ...]
    what: What

    @property
    def steps(self) -> int:
        """Batches in an epoch; a scikit-learn model counts as one."""
        examples = len(self.split.train)
        if self.recipe.oversample:
            counts = self.data.examples.emotion.iloc[self.split.train].value_counts()
            examples = counts.max() * len(counts)
        return math.ceil(examples / self.recipe.batch_size)


@dataclass
class Planned:
    """What one corpus allows.

    Attributes:
        plans: The runs that are to be there, finished or not.
        impossible: Reason by protocol that this corpus cannot have.
        remarks: What a protocol does otherwise on this corpus, by its name.
    """

    plans: list[Plan] = field(default_factory=list)
    impossible: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)


def chosen_recordings(experiment: Experiment, corpus: str, table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The recordings that a paper uses of a corpus, and their classes in the order of the tables.

    Args:
        experiment: The paper as code.
        corpus: Its name.
        table: Its utterance table.

    Returns:
        Rows of the table with the labels of the paper, numbered anew; and the classes.

    Raises:
        SerError: There are none.
    """
    from ser_keras.corpora import named

    if lacking := [name for name in COLUMNS if name not in table]:
        raise SerError(f"{corpus}: the utterance table lacks the columns {', '.join(lacking)}.")
    with asserted():
        chosen = experiment.labels(table).reset_index(drop=True)
    if chosen.empty:
        raise SerError(f"No recording of {corpus} bears a label that this paper uses.")
    known = {emotion: i for i, emotion in enumerate(named(corpus).emotions)}
    classes = tuple(sorted(chosen.emotion.unique(), key=lambda e: (known.get(e, len(known)), e)))
    return chosen, classes


def plan(
    experiment: Experiment,
    options: Options,
    corpus: str,
    table: pd.DataFrame,
    describer: Describer | None = None,
    elsewhere: Elsewhere | None = None,
) -> Planned:
    """All runs of one corpus that are asked for, finished or not, and what is impossible.

    Args:
        experiment: The paper as code.
        options: What is asked for.
        corpus: The corpus's name.
        table: Its utterance table.
        describer: Describes the runs.
        elsewhere: Where features are computed that the cache lacks; None for here.

    Returns:
        The runs with their data, and the reason by protocol that is impossible.

    Raises:
        SerError: No recording can be used, or an assertion of the script fails.
    """
    from ser_keras.corpora import named

    describer = describer or Describer()
    demo = named(corpus).synthetic
    audio = audio_name(table)
    chosen, classes = chosen_recordings(experiment, corpus, table)
    unused = {e: int(n) for e, n in table.emotion[~table.utterance.isin(chosen.utterance)].value_counts().items()}
    if unused:
        listed = ", ".join(f"{emotion} {count}" for emotion, count in unused.items())
        print(
            f"{corpus}: {sum(unused.values()):,} of {len(table):,} recordings are not used ({listed})", file=sys.stderr
        )
    planned = Planned()
    data: dict[tuple, Data] = {}
    for variant, names in asked(experiment, options, demo=demo):
        recipe = experiment.variants[variant]
        epochs = options.epochs or (demo and recipe.demo_epochs) or recipe.epochs
        policy, reason = chosen_precision(options.precision, experiment.folder, variant)
        if reason:
            print(f"{variant}: {policy} ({reason})", file=sys.stderr)
        for name in names:
            if name in planned.impossible:
                continue
            protocol = experiment.protocols[name]
            copies = (ORIGINAL, *protocol.copies)
            key = (id(recipe.extraction), copies, recipe.window, recipe.scaler in BY_ROW)
            if key not in data:
                left_out = table.attrs.get("left_out", 0)
                made = _data(options, recipe, chosen, copies, corpus, classes, audio, left_out, elsewhere)
                data[key] = replace(made, unused=unused)
            made = data[key]
            network = describer.is_network(recipe, copies, len(classes), policy)
            shown = str(
                Variant(
                    variant,
                    backend=backend.name() if network and backend.name() != "tensorflow" else "",
                    precision=policy if network and policy != "float32" else "",
                    epochs=epochs if epochs != recipe.epochs and not demo else None,
                )
            )
            if remark := protocol.remark(made.examples):
                planned.remarks[name] = remark
            for seed in options.seeds:
                try:
                    check_columns(made.examples, protocol)
                    with asserted():
                        splits = divided(recipe, protocol).splits(made.examples, seed)
                except ImpossibleError as error:
                    planned.impossible[name] = str(error)
                    break
                for fold, split in enumerate(splits[:1] if demo else splits):  # a demonstration: one fold of each
                    if options.folds is not None and fold not in options.folds:
                        continue
                    audit(made.examples, split)  # what it needs is there, before anything trains
                    what = describer.what(
                        recipe,
                        corpus=corpus,
                        audio=audio,
                        examples=made.examples,
                        split=split,
                        copies=copies,
                        classes=classes,
                        epochs=epochs,
                        precision=policy if network else "float32",
                        seed=seed,
                        fold=fold,
                    )
                    planned.plans.append(
                        Plan(
                            paper=experiment.folder.name,
                            run=Run(corpus, name, shown, seed, fold),
                            split=split,
                            data=made,
                            recipe=recipe,
                            epochs=epochs,
                            precision=policy,
                            moments=experiment.moments(name) if network else (),
                            what=what,
                        )
                    )
    return planned


def divided(recipe: Recipe, protocol: Protocol) -> Protocol:
    """A protocol as it divides the examples of a recipe: without a validation part where that chooses nothing.

    What would have been set aside is then trained on, the copies of its recordings included; the test part stays what
    it is. A protocol that scores the validation part keeps it.

    Args:
        recipe: The recipe.
        protocol: The protocol.

    Returns:
        The protocol, or a copy of it.
    """
    if recipe.validates or protocol.scored == "validation" or not getattr(protocol, "validation", 0):
        return protocol
    return replace(protocol, validation=0)


def asked(experiment: Experiment, options: Options, *, demo: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Variants, each with the protocols that it is to run under; for a view, the one whose runs it looks at.

    Args:
        experiment: The paper as code.
        options: What is asked for.
        demo: Whether the corpus is synthetic, of which fewer variants are run.
    """
    for variant in options.variants or (demo and experiment.demo_variants) or experiment.main or experiment.variants:
        names = options.protocols or experiment.run_under(variant)
        yield variant, tuple(dict.fromkeys(experiment.source(name) for name in names))


def _data(
    options: Options,
    recipe: Recipe,
    chosen: pd.DataFrame,
    copies: tuple[str, ...],
    corpus: str,
    classes: tuple[str, ...],
    audio: str,
    left_out: int,
    elsewhere: Elsewhere | None,
) -> Data:
    features = extract_corpus(
        chosen,
        recipe.extraction,
        cache=cache_folder(options.cache),
        copies=copies,
        jobs=options.jobs,
        skip_bad=options.skip_bad,
        elsewhere=elsewhere,
    )
    x, lengths, padded = features.values, features.lengths, 0
    if recipe.window:
        x, lengths = windows.cut(features.values, features.lengths, recipe.window)
        padded = int(((features.lengths > 0) & (features.lengths < recipe.window.length)).sum())
        if padded:
            print(short_message(corpus, padded, recipe.window.length), file=sys.stderr)
    if recipe.scaler in BY_ROW:
        x = StandardisedArray(x, np.arange(len(x)))
    examples = examples_of(chosen, lengths, copies)
    return Data(examples, x, classes, audio, left_out + len(features.bad), {}, padded, lengths)


def short_message(corpus: str, count: int, length: int) -> str:
    """What happens to recordings that are shorter than a window.

    Args:
        corpus: Its name.
        count: How many recordings.
        length: Frames of a window.
    """
    return (
        f"{corpus}: {count} recordings are shorter than a window of {length} frames; each of them gives one window, "
        "its last frame repeated. The tables count them."
    )


def shard(plans: list[Plan], part: tuple[int, int] | None) -> list[Plan]:
    """Every N-th of the plans, from the I-th: what one of N machines does.

    Args:
        plans: All of them.
        part: (I, N), I from 1; None for all.

    Returns:
        The share, in order.

    Example:
        >>> shard(["a", "b", "c", "d", "e"], (2, 2))
        ['b', 'd']
    """
    return plans if part is None else plans[part[0] - 1 :: part[1]]


def by_recipe(plans: list[Plan]) -> Mapping[str, Data]:
    """The data of each recipe among the plans.

    Args:
        plans: Planned runs.

    Returns:
        By the recipe's name.

    Example:
        >>> by_recipe([])
        {}
    """
    from ser_keras.support.variant import recipe_of

    return {recipe_of(p.run.variant): p.data for p in plans}
