"""From a paper's recipes and protocols to finished cells and tables: what every `run.py` ends with."""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_keras.commands import flags as cli
from ser_keras.training import fit as training
from ser_keras.features import windows
from ser_keras.support import interruption
from ser_keras.support.errors import MissingCorpusError, SerError
from ser_keras.features.extraction import ORIGINAL, extract_corpus
from ser_keras.support.files import atomic, digest, exclusive
from ser_keras.features.fingerprint import fingerprint
from ser_keras.support.progress import Progress, duration
from ser_keras.protocols.splits import Logged, Protocol, ScoredOn, Split, audit, samples_of
from ser_keras.training.standardised import Samples
from ser_keras.training.fit import Cell, Recipe

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Labels = Callable[["pd.DataFrame"], "pd.DataFrame"]
# Name ("figure-1"), the figure or None for a table, and the numbers.
Picture = tuple[str, "Figure | None", "pd.DataFrame"]
Illustrate = Callable[["pd.DataFrame", Mapping[str, "Data"], Path], Iterator[Picture]]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A paper as code.

    Attributes:
        folder: The paper's folder under `reproductions/`.
        corpora: Corpora that the paper uses.
        variants: Recipes by name, the main one first.
        protocols: Protocols by name; "paper", the paper's own, first.
        labels: Utterance table -> the recordings and emotion labels that the paper uses.
        demo_variants: Those that --demo runs unless others are asked for; empty means all.
        illustrate: The paper's own figures and tables of the data: (utterance table, data by variant, a folder for
            other files) -> name, figure or None, numbers. They are written to `OUT/data/<corpus>/`.
    """

    folder: Path
    corpora: tuple[str, ...]
    variants: Mapping[str, Recipe]
    protocols: Mapping[str, Protocol]
    labels: Labels = lambda table: table
    demo_variants: tuple[str, ...] = ()
    illustrate: Illustrate | None = None

    def definition(self, protocol: str, variant: str, *, epochs: int, precision: str) -> str:
        """A name of all that decides a cell's numbers but the audio, the seed and the fold."""
        recipe, division = self.variants[variant], self.protocols[protocol]
        features = recipe.extraction.fingerprint((ORIGINAL, *division.copies))
        rules = fingerprint(replace(division, note=""))
        decided = [
            features,
            fingerprint(recipe.build),
            rules,
            fingerprint(self.labels),
            fingerprint(recipe.callbacks),
            recipe.scaler,
            recipe.batch_size,
            epochs,
            precision,
        ]
        # What a recipe leaves out takes no part, so that a new field of `Recipe` renames no finished run.
        decided += [
            [name, fingerprint(value)]
            for name in ("window", "oversample", "change")
            if (value := getattr(recipe, name))
        ]
        return digest(decided)


@dataclass(frozen=True)
class Plan:
    """A cell that is to be run, with what it needs."""

    cell: Cell
    split: Split
    data: Data
    recipe: Recipe
    epochs: int
    digest: str
    definition: str

    @property
    def steps(self) -> int:
        """Batches in an epoch; a scikit-learn model counts as one."""
        samples = len(self.split.train)
        if self.recipe.oversample:
            counts = self.data.samples.emotion.iloc[self.split.train].value_counts()
            samples = counts.max() * len(counts)
        return math.ceil(samples / self.recipe.batch_size)


@dataclass(frozen=True)
class Data:
    """Samples and features of a corpus under one variant, in the same order.

    Attributes:
        samples: One row a sample.
        x: Their features, shape (samples, ...).
        classes: Emotions in the order of the tables.
        corpus_checksum: A name of the audio.
        left_out: Recordings that could not be used.
        padded: Recordings that are shorter than one window.
    """

    samples: pd.DataFrame
    x: training.Inputs
    classes: tuple[str, ...]
    corpus_checksum: str
    left_out: int
    padded: int


def reproduce(experiment: Experiment, description: str) -> None:
    """Read the flags, run the cells that are not finished, write tables and figures, and exit.

    Args:
        experiment: The paper as code.
        description: What --help says of it: the script's docstring.

    Raises:
        SystemExit: Always: 0 when all that was asked for is done, 1 for an error that was explained, 2 when no
            corpus is there, 130 after Ctrl-C, 143 after SIGTERM.
    """
    with interruption.command():
        args = cli.parser(
            description=description,
            paper=experiment.folder.name,
            corpora=experiment.corpora,
            protocols=list(experiment.protocols),
            variants=list(experiment.variants),
        ).parse_args()
        args.out = args.out or Path("runs") / experiment.folder.name
        with exclusive(args.out):
            run(experiment, args)
    raise SystemExit(0)


def run(experiment: Experiment, args: argparse.Namespace) -> None:
    """Run what the flags ask for, then write the tables.

    Raises:
        SerError: Something is missing or wrong; the message says what to do.
    """
    from ser_keras.reports import report
    from ser_keras.runs import results as store

    not_run: dict[str, str] = {}
    if not args.tables_only:
        names = ("demo",) if args.demo else tuple(args.corpus or experiment.corpora)
        tables = {}
        for name in names:
            try:
                tables[name] = load_corpus(name, args)
            except MissingCorpusError as error:
                not_run[name] = str(error)
        if not tables:
            raise MissingCorpusError(no_corpus_message(not_run))
        for name, reason in not_run.items():
            print(f"{name} is not run: {reason}\n", file=sys.stderr)
        training.prepare_backend()
        if args.fresh:
            discard(experiment, args, tables)
        published = store.digests(experiment.folder / "results") if args.publish else set()
        for name, table in tables.items():
            plans = list(plan(experiment, args, name, table))
            if experiment.illustrate:
                draw_data(experiment, experiment.labels(table), plans, args.out / "data" / name)
            run_cells(plans, args, published)
    report.report(experiment, args.out, publish=args.publish)


def load_corpus(name: str, args: argparse.Namespace) -> pd.DataFrame:
    """The utterance table of one corpus; the synthetic one is made, an open one fetched where that is allowed.

    Raises:
        MissingCorpusError: It is not there and cannot be fetched.
        SerError: It is unknown, incomplete or damaged.
    """
    from ser_keras.corpora import CORPORA, download

    if name not in CORPORA:
        raise SerError(f"There is no corpus {name!r}; known are {', '.join(CORPORA)}.")
    corpus = CORPORA[name]
    folder = cli.data_folder(args.data) / corpus.folder
    # Only into the suite's own folder: one that a person named is theirs.
    if corpus.remote and cli.data_folder(args.data) == cli.user_data_folder() and not corpus.is_there(folder):
        download.download(corpus, folder)
    if corpus.make:
        folder = cli.cache_folder(args.cache).parent / "corpora" / corpus.folder
        corpus.make(folder)
    table = corpus.load(folder, skip_bad=args.skip_bad)
    table.attrs["corpus"] = name
    return table


def no_corpus_message(not_run: Mapping[str, str]) -> str:
    """What to do when none of the corpora is there."""
    reasons = "\n".join(f"  {name}: {reason}" for name, reason in not_run.items())
    return (
        f"None of the corpora asked for is there.\n{reasons}\n"
        "Point --data (or $SER_KERAS_DATA) at the folder that holds them, "
        "or pass --demo to run on the built-in synthetic corpus."
    )


def label(variant: str, recipe: Recipe, epochs: int, precision: str, *, demo: bool) -> str:
    """The variant's name in folders and tables; it tells when precision or epochs are not the paper's."""
    marks = [precision] if precision != "float32" else []
    if epochs != recipe.epochs and not demo:
        marks.append(f"{epochs}-epochs")
    return "@".join([variant, *marks])


def plan(experiment: Experiment, args: argparse.Namespace, corpus: str, table: pd.DataFrame) -> Iterator[Plan]:
    """All cells of one corpus that the flags ask for, finished or not."""
    from ser_keras.corpora import CORPORA, corpus_checksum

    demo = CORPORA[corpus].synthetic
    checksum = corpus_checksum(table)
    chosen = experiment.labels(table).reset_index(drop=True)
    if chosen.empty:
        raise SerError(f"No recording of {corpus} bears a label that this paper uses.")
    unused = table.emotion[~table.utterance.isin(chosen.utterance)].value_counts()
    if len(unused):
        listed = ", ".join(f"{emotion} {count}" for emotion, count in unused.items())
        print(f"{corpus}: {unused.sum():,} of {len(table):,} recordings are not used ({listed})", file=sys.stderr)
    known = {emotion: i for i, emotion in enumerate(CORPORA[corpus].emotions)}
    classes = tuple(sorted(chosen.emotion.unique(), key=lambda e: (known.get(e, len(known)), e)))
    data: dict[tuple, Data] = {}
    for variant in args.variant or (demo and experiment.demo_variants) or experiment.variants:
        recipe = experiment.variants[variant]
        epochs = args.epochs or (demo and recipe.demo_epochs) or recipe.epochs
        for name in args.protocol or experiment.protocols:
            protocol = experiment.protocols[name]
            if isinstance(protocol, (ScoredOn, Logged)):
                continue  # a view of other cells
            copies = (ORIGINAL, *protocol.copies)
            key = (recipe.extraction.fingerprint(copies), copies, recipe.window, recipe.scaler == "row")
            if key not in data:
                features = extract_corpus(
                    chosen,
                    recipe.extraction,
                    cache=cli.cache_folder(args.cache),
                    copies=copies,
                    jobs=args.jobs,
                    skip_bad=args.skip_bad,
                )
                x, lengths, padded = features.values, features.lengths, 0
                if recipe.window:
                    x, lengths = windows.cut(features.values, features.lengths, recipe.window)
                    padded = int(((features.lengths > 0) & (features.lengths < recipe.window.length)).sum())
                    if padded:
                        print(short_message(corpus, padded, recipe.window.length), file=sys.stderr)
                if recipe.scaler == "row":
                    x = Samples(x, np.arange(len(x)))
                left_out = table.attrs.get("left_out", 0) + len(features.bad)
                samples = samples_of(chosen, lengths, copies)
                data[key] = Data(samples, x, classes, checksum, left_out, padded)
            definition = experiment.definition(name, variant, epochs=epochs, precision=args.precision)
            shown = label(variant, recipe, epochs, args.precision, demo=demo)
            for seed in range(args.seeds):
                for fold, split in enumerate(protocol.splits(data[key].samples, seed)):
                    cell = Cell(corpus, name, shown, seed, fold)
                    wanted = digest([definition, checksum, seed, fold, _members(split)])
                    yield Plan(cell, split, data[key], recipe, epochs, wanted, definition)
                    if demo:
                        break  # a demonstration: one fold of each protocol


def short_message(corpus: str, count: int, length: int) -> str:
    """What happens to recordings that are shorter than a window."""
    return (
        f"{corpus}: {count} recordings are shorter than a window of {length} frames; each of them gives one window, "
        "its last frame repeated. The tables count them."
    )


def _members(split: Split) -> list[str]:
    """The split's parts by name: a protocol whose code deals other samples asks for new runs."""
    parts = [split.train, split.validation, split.test, *split.others.values()]
    return [hashlib.sha256(part.astype(np.int64)).hexdigest() for part in parts]


def draw_data(experiment: Experiment, table: pd.DataFrame, plans: Sequence[Plan], folder: Path) -> None:
    """Write the paper's own figures and tables of the data."""
    from ser_keras.reports.figures import save

    data = {p.cell.variant.split("@")[0]: p.data for p in plans}
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure, numbers in experiment.illustrate(table, data, folder):
        if figure is not None:
            save(figure, folder / f"{name}.png")
        with atomic(folder / f"{name}.csv") as partial:
            numbers.to_csv(partial, index=False)


def discard(experiment: Experiment, args: argparse.Namespace, corpora: Mapping[str, Any]) -> None:
    """Remove the finished marks of the cells that the flags ask for; they are then run again."""
    for record in args.out.glob("*/*/*/seed*/fold*/cell.json"):
        corpus, protocol, variant = record.relative_to(args.out).parts[:3]
        asked = corpus in corpora and protocol in (args.protocol or experiment.protocols)
        if asked and variant.split("@")[0] in (args.variant or experiment.variants):
            record.unlink()


def run_cells(plans: Sequence[Plan], args: argparse.Namespace, finished: Container[str] = ()) -> None:
    """Run the cells that are neither finished in `args.out` nor, by their digests, elsewhere."""
    todo = [
        p
        for p in plans
        if p.digest not in finished and (training.read_cell(p.cell.folder(args.out)) or {}).get("digest") != p.digest
    ]
    if not plans:
        return
    corpus = plans[0].cell.corpus
    print(
        f"{corpus}: {len(plans)} training runs, {len(plans) - len(todo)} of them finished before",
        file=sys.stderr,
    )
    if not todo:
        return
    with Progress("training (steps)", sum(p.epochs * p.steps for p in todo)) as progress:
        for number, p in enumerate(todo, 1):
            run_cell(p, args, progress, f"run {number} of {len(todo)}: {p.cell}")


def run_cell(p: Plan, args: argparse.Namespace, progress: Progress, title: str) -> None:
    """Train, predict and write one cell."""
    parts = {"train": p.split.train, "validation": p.split.validation, "test": p.split.test, **p.split.others}
    positions = np.concatenate(list(parts.values()))
    # Each part's place among the rows that this cell uses, so that only those are held and predicted.
    ends = np.cumsum([len(part) for part in parts.values()])
    used = dict(zip(parts, np.split(np.arange(len(positions)), ends[:-1]), strict=True))
    number = {name: i for i, name in enumerate(p.data.classes)}
    labels = p.data.samples.emotion.map(number).to_numpy()[positions]
    start = last = time.monotonic()

    def told(epoch: int, logs: dict[str, float]) -> None:
        nonlocal last
        now = time.monotonic()
        seconds, last = now - last, now
        speed = f"{duration(seconds)} an epoch, {1000 * seconds / p.steps:.0f} ms a step"
        note = f"{title}, epoch {epoch + 1}/{p.epochs}, accuracy {logs.get('accuracy', 0):.3f}, {speed}"
        progress.step(note, by=p.steps)

    try:
        fitted = training.fit(
            p.recipe,
            p.data.x[positions],
            labels,
            used,
            n_classes=len(p.data.classes),
            seed=p.cell.seed + 1000 * p.cell.fold,
            epochs=p.epochs,
            precision=args.precision,
            on_epoch=told,
        )
    except SerError as error:
        raise SerError(f"{p.cell}: {error}") from error
    progress.spare((p.epochs - len(fitted.history)) * p.steps)  # where the callbacks ended it before
    shown = p.data.samples.iloc[positions].reset_index(drop=True)
    record = {
        "cell": asdict(p.cell),
        "digest": p.digest,
        "definition": p.definition,
        "parameters": {
            "epochs": p.epochs,
            "batch_size": p.recipe.batch_size,
            "precision": args.precision,
            "sample_rate": p.recipe.extraction.sample_rate,
            "input_shape": list(p.data.x.shape[1:]),
            "classes": list(p.data.classes),
            "scaler": p.recipe.scaler,
            "weights": getattr(fitted.model, "count_params", lambda: None)(),
        },
        "corpus_checksum": p.data.corpus_checksum,
        "left_out": p.data.left_out,
        "padded": p.data.padded,
        "audit": audit(p.data.samples, p.split, scaler="train" if p.recipe.scaler else None),
        "seconds": round(time.monotonic() - start, 1),
        "environment": training.environment(),
    }
    table = training.predictions_table(shown, used, fitted.probabilities, p.data.classes)
    training.write_cell(p.cell.folder(args.out), fitted, table, record)
