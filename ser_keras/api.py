"""What a notebook needs, in few words: a corpus, features, a paper, its runs and their tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_keras.support.errors import SerError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ser_keras.evaluation.numbers import Numbers
    from ser_keras.papers import Paper
    from ser_keras.runs.experiment import Experiment


def load(corpus: str = "ravdess", *, data: Path | str | None = None, or_demo: bool = False) -> pd.DataFrame:
    """The utterance table of a corpus.

    Args:
        corpus: Its name; "demo" is the synthetic one.
        data: Where corpora lie; None for $SER_KERAS_DATA or the per-user data folder.
        or_demo: Take the synthetic corpus where neither `data` nor $SER_KERAS_DATA is given.

    Returns:
        One row a recording, columns `utterance`, `path`, `speaker`, `gender`, `emotion`, `text`, `sha256` and what
        else the corpus tells; `attrs["corpus"]` says which corpus it is.

    Raises:
        MissingCorpusError: It is not there and cannot be fetched.
        SerError: It is unknown, incomplete or damaged.

    Example:
        >>> load("demo").emotion.nunique()
        9
    """
    from ser_keras.commands.paper import load_corpus

    if or_demo and data is None and not os.environ.get("SER_KERAS_DATA"):
        corpus = "demo"
    return load_corpus(corpus, None if data is None else Path(data))


@dataclass(frozen=True)
class Extracted:
    """Features of a corpus.

    Attributes:
        x: float32, shape (examples, ...).
        examples: One row an example, in the same order: the utterance table's columns, `copy` and `window`.
    """

    x: np.ndarray
    examples: pd.DataFrame

    @property
    def labels(self) -> np.ndarray:
        """The emotion of each example, shape (examples,)."""
        return self.examples.emotion.to_numpy()


def extract(
    table: pd.DataFrame,
    function: Callable[[np.ndarray], np.ndarray],
    *,
    sample_rate: int,
    augment: Mapping[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] | None = None,
    **how: Any,
) -> Extracted:
    """Features of every recording, in parallel, from the cache where it has them.

    Args:
        table: An utterance table.
        function: Waveform, shape (samples,) -> features, float32, of one shape for all recordings.
        sample_rate: Rate of the waveforms in Hz.
        augment: Name of a copy -> (waveform, generator) -> waveform; each copy is an example beside its original.
        how: `offset` and `duration` in seconds, `seed`; see `Extraction`.

    Returns:
        The features, and one row for each of them in the same order.

    Raises:
        SerError: Recordings cannot be used; all of them are named.

    Example:
        >>> made = extract(load("demo"), lambda y: y[:100], sample_rate=16_000)
        >>> made.x.shape, len(made.examples)
        ((180, 100), 180)
    """
    from ser_keras.features.extraction import ORIGINAL, Extraction, extract_corpus
    from ser_keras.protocols import examples_of
    from ser_keras.support.folders import cache_folder

    extraction = Extraction(extract=function, sample_rate=sample_rate, augment=augment, **how)
    copies = (ORIGINAL, *(augment or {}))
    made = extract_corpus(table.reset_index(drop=True), extraction, cache=cache_folder(None), copies=copies)
    return Extracted(made.values, examples_of(table.reset_index(drop=True), made.lengths, copies))


@dataclass(frozen=True)
class Code:
    """A paper as code, with the constants and functions of its `run.py` as attributes.

    Attributes:
        script: The script as a module.
        experiment: Its recipes, protocols and recordings, as changed by `replace`.
    """

    script: ModuleType
    experiment: Experiment

    def __getattr__(self, name: str) -> Any:
        """A constant or function of the script."""
        return getattr(self.script, name)

    @property
    def reported(self) -> Paper:
        """What the paper reports and leaves open: its `paper.toml`."""
        from ser_keras.papers import read

        return read(self.experiment.folder / "paper.toml")

    def replace(self, variants: Sequence[str] = (), **settings: Any) -> Code:
        """The same paper with some settings of its recipes changed.

        Args:
            variants: The recipes to change; none for all.
            settings: Attributes of `Recipe`: `batch_size`, `epochs`, `build`, `scaler` ...

        Returns:
            The changed paper; this one stays as it is.

        Raises:
            SerError: There is no such variant or setting.

        Example:
            >>> paper("jin2022").replace(batch_size=16).experiment.variants["mfcc"].batch_size
            16
        """
        from ser_keras.support.messages import did_you_mean

        there = self.experiment.variants
        for name in variants:
            if name not in there:
                raise SerError(f"There is no variant {name!r}{did_you_mean(name, there) or '.'}")
        fields = next(iter(there.values())).__dataclass_fields__
        for name in settings:
            if name not in fields:
                raise SerError(f"A recipe has no {name!r}{did_you_mean(name, fields) or '.'}")
        changed = {n: replace(r, **settings) if not variants or n in variants else r for n, r in there.items()}
        return replace(self, experiment=replace(self.experiment, variants=changed))


def paper(name: str, *, papers: Path | str | None = None) -> Code:
    """A paper's code by its folder's name.

    Args:
        name: "jin2022", or a path of a folder with a `run.py`.
        papers: The folder of all papers; None looks beside the working folder, above it, and beside the package.

    Returns:
        The script, loaded, with its experiment; nothing is run.

    Raises:
        SerError: It is not there.

    Example:
        >>> paper("jin2022").LEARNING_RATE
        0.0001
    """
    from ser_keras.runs import script

    loaded = script.load(script.find(name, papers))
    return Code(loaded, loaded.EXPERIMENT)


@dataclass(frozen=True)
class Outcome:
    """Finished runs and what follows from them.

    Attributes:
        code: The paper.
        numbers: Every value over seeds.
        undone: What was asked for and could not be done, a sentence each.
        out: Where the files are.
    """

    code: Code
    numbers: Numbers
    undone: Sequence[str]
    out: Path

    def table(self, name: str = "comparison") -> pd.DataFrame:
        """One of the tables: "comparison", "protocols", "audit", "classes" ...

        Args:
            name: The table's name, as of its file in `tables/`.

        Returns:
            The table as it is written, one row a line.

        Raises:
            SerError: There is none of that name.
        """
        from ser_keras.reports import tables
        from ser_keras.support.messages import did_you_mean

        made = tables.all_tables(self.code.reported, self.numbers)
        if name not in made:
            raise SerError(f"There is no table {name!r}{did_you_mean(name, made) or '.'}")
        return made[name]

    def curves(self) -> Figure:
        """Training and held-out accuracy by epoch, of the first corpus and variant."""
        from ser_keras.reports import figures

        results = self.numbers.results
        corpus = results.corpora[0]
        return figures.curves(results, corpus, self.numbers.variants(corpus)[0])[0]

    @property
    def predictions(self) -> pd.DataFrame:
        """Every prediction, led by `corpus, protocol, variant, seed, fold`."""
        return self.numbers.results.predictions

    @property
    def history(self) -> pd.DataFrame:
        """Loss and accuracy by epoch, led by the same columns."""
        return self.numbers.results.history

    def why_stale(self) -> dict[str, str]:
        """Runs that lie in the folder and do not count, each with the reason."""
        return dict(self.numbers.results.aside)


def run(
    code: Code,
    *,
    corpus: str | Sequence[str] = (),
    protocol: str | Sequence[str] = (),
    variant: str | Sequence[str] = (),
    seeds: int | Sequence[int] = 1,
    out: Path | str | None = None,
    **options: Any,
) -> Outcome:
    """Make a paper's runs as its `run.py` does; finished ones are reused.

    Args:
        code: The paper, as `paper` gives it.
        corpus: Names of corpora; "demo" is the synthetic one; none for the paper's.
        protocol: Protocols; none for all.
        variant: Variants; none for all.
        seeds: How many seeds, or which.
        out: Where results go; default `runs/<paper>`.
        options: Further attributes of `Options`: `epochs`, `precision`, `data`, `jobs`, `cluster` ...

    Returns:
        What finished, what did not and why, and where the files are.

    Raises:
        SerError: Something is missing or wrong.

    Example:
        >>> outcome = run(paper("boucheta2025"), corpus="demo", variant="knn_mean")  # doctest: +SKIP
        >>> outcome.table("protocols")  # doctest: +SKIP
    """
    from ser_keras.commands import paper as command
    from ser_keras.evaluation.numbers import Numbers
    from ser_keras.runs import results as store
    from ser_keras.runs.options import Options
    from ser_keras.support.messages import did_you_mean

    def names(given: str | Sequence[str]) -> tuple[str, ...]:
        return (given,) if isinstance(given, str) else tuple(given)

    for what, wanted, there in (
        ("protocol", names(protocol), code.experiment.protocols),
        ("variant", names(variant), code.experiment.variants),
        ("option", options, [field.name for field in fields(Options)]),
    ):
        for name in wanted:
            if name not in there:
                raise SerError(f"There is no {what} {name!r}{did_you_mean(name, there) or '.'}")
    chosen = names(corpus)
    given = Options(
        out=Path(out) if out is not None else Path("runs") / code.experiment.folder.name,
        corpora=() if chosen == ("demo",) else chosen,
        demo=chosen == ("demo",),
        protocols=names(protocol),
        variants=names(variant),
        seeds=tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds),
        **options,
    )
    checker, undone, impossible = command.make(code.experiment, given)
    results = store.from_runs(
        given.out,
        protocols=code.experiment.protocols,
        corpora=code.experiment.corpora,
        why_not=checker.why_not,
        impossible=impossible,
    )
    return Outcome(code, Numbers(results), undone, given.out)
