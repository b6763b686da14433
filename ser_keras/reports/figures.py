"""Figures from results: readings, training curves, confusion matrices. Their numbers stand beside them as CSV."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ser_keras.evaluation.judging import judged
from ser_keras.evaluation.numbers import Numbers
from ser_keras.papers import Paper
from ser_keras.reports import side_by_side
from ser_keras.reports.wording import shown
from ser_keras.runs.results import Results
from ser_keras.support.files import atomic

# Okabe & Ito's colours: told apart by colour-blind readers.
TRAIN_COLOUR, HELD_OUT_COLOUR = "#0072B2", "#D55E00"
DPI = 90
COLOURS = 128


def curves(results: Results, corpus: str, variant: str) -> tuple[Figure, pd.DataFrame] | None:
    """Accuracy by epoch, a panel a protocol: mean of the runs still training, and a band from lowest to highest.

    Args:
        results: Finished runs.
        corpus: Its name.
        variant: As it was run, marks included.

    Returns:
        The figure and its numbers (`protocol`, `part`, `epoch`, `mean`, `low`, `high`, and `runs`, the count of those
        that reached the epoch); None without runs.
    """
    history = results.history
    history = history[(history.corpus == corpus) & (history.variant == variant)]
    panels = [p for p in results.protocols if (history.protocol == p).any()]
    if not panels or history.loss.isna().all():  # a scikit-learn model has no curve
        return None
    figure, axes = _panels(len(panels), width=4.2, height=3.2)
    numbers = []
    for axis, protocol in zip(axes, panels, strict=True):
        here = history[history.protocol == protocol]
        for column, part, colour in (
            ("accuracy", "while training", TRAIN_COLOUR),
            ("validation_accuracy", "validation", HELD_OUT_COLOUR),
            ("test_accuracy", "held out", HELD_OUT_COLOUR),
        ):
            if column not in here or here[column].isna().all():
                continue
            by_epoch = 100 * here.pivot_table(index="epoch", columns=["seed", "fold"], values=column)
            mean, low, high = by_epoch.mean(axis=1), by_epoch.min(axis=1), by_epoch.max(axis=1)
            axis.plot(mean.index, mean, color=colour, label=part, marker="." if len(mean) == 1 else None)
            axis.fill_between(mean.index, low, high, color=colour, alpha=0.2, linewidth=0)
            table = pd.DataFrame({"mean": mean, "low": low, "high": high, "runs": by_epoch.count(axis=1)})
            numbers.append(table.reset_index().assign(protocol=protocol, part=part))
        axis.set(title=protocol, xlabel="epoch", ylim=(0, 102))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("accuracy in %")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(f"{shown(corpus)}, {variant}: accuracy by epoch (mean and range of the runs still training)")
    columns = ["protocol", "part", "epoch", "mean", "low", "high", "runs"]
    return figure, pd.concat(numbers)[columns].round(2)


def confusions(numbers: Numbers, corpus: str, variant: str) -> tuple[Figure, pd.DataFrame] | None:
    """Confusion matrices in per cent of the label, a panel a protocol, mean over seeds.

    Args:
        numbers: What was run.
        corpus: Its name.
        variant: As it was run, marks included.

    Returns:
        The figure and its numbers (`protocol`, `label`, `prediction`, `percent`); None without runs.
    """
    classes = numbers.results.classes[corpus]
    panels = list(numbers.by_protocol(corpus, variant, "uar"))
    if not panels:
        return None
    figure, axes = _panels(len(panels), width=3.6, height=3.7)
    rows = []
    for axis, protocol in zip(axes, panels, strict=True):
        matrix = np.array(
            [
                [numbers.spread(corpus, protocol, variant, f"confusion/{label}/{given}").mean for given in classes]
                for label in classes
            ]
        )
        draw_matrix(axis, matrix, classes)
        axis.set_title(protocol)
        rows += [
            (protocol, label, given, round(matrix[i, j], 2))
            for i, label in enumerate(classes)
            for j, given in enumerate(classes)
        ]
    axes[0].set_ylabel("label")
    figure.suptitle(f"{shown(corpus)}, {variant}: predictions in % of each label, mean over seeds")
    return figure, pd.DataFrame(rows, columns=["protocol", "label", "prediction", "percent"])


def headlines(table: pd.DataFrame) -> Figure:
    """What papers report in their headlines, what came out, and what is left on new speakers.

    Args:
        table: As `summary.headlines` makes it; what was not run is left open.

    Returns:
        One row a headline.
    """

    def first(text: str) -> float:
        return float(text.split()[0].rstrip("%")) if text[:1].isdigit() else np.nan

    figure = Figure(figsize=(9, 0.55 * len(table) + 1.3), layout="constrained")
    axis = figure.subplots()
    places = np.arange(len(table))
    labels = [
        f"{row.Paper}\n{row.Number} ({row.Corpus})\n{side_by_side.first_words(row.verdict, 70)}"
        for row in table.itertuples()
    ]
    for place, interval in zip(places, table["95 % interval"], strict=True):
        if interval:
            low, high = (first(end) for end in interval.split(" to "))
            axis.plot([low, high], [place, place], color=TRAIN_COLOUR, linewidth=5, alpha=0.3, solid_capstyle="butt")
    for column, label, marker, colour in (
        ("Reported", "reported", "D", "black"),
        ("Reproduced", "reproduced, with the interval for one further run", "o", TRAIN_COLOUR),
        ("New speakers", "on new speakers", "v", HELD_OUT_COLOUR),
    ):
        fill = "none" if column == "Reported" else colour
        values = [first(text) for text in table[column]]
        axis.plot(values, places, marker, color=colour, markerfacecolor=fill, label=label, markersize=8)
    axis.set_yticks(places, labels)
    axis.tick_params(axis="y", labelsize=8)
    axis.set(xlim=(0, 102), xlabel="%", ylim=(len(table) - 0.5, -0.5))
    axis.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def draw_matrix(axis: Axes, matrix: np.ndarray, classes: Sequence[str]) -> None:
    """One confusion matrix with its numbers in the cells.

    Args:
        axis: Where to draw.
        matrix: Per cent, shape (classes, classes): labels by predictions.
        classes: In the order of the matrix.
    """
    axis.imshow(matrix, cmap="Blues", vmin=0, vmax=100)
    places = range(len(classes))
    axis.set_xticks(places, classes, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    axis.set_yticks(places, classes, fontsize=8)
    axis.set_xlabel("prediction")
    for i in places:
        for j in places:
            colour = "white" if matrix[i, j] > 55 else "black"
            axis.text(j, i, f"{matrix[i, j]:.0f}", ha="center", va="center", color=colour, fontsize=7)


def _panels(count: int, *, width: float, height: float) -> tuple[Figure, list]:
    figure = Figure(figsize=(width * max(count, 2), height), layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(1, count)))


def write(paper: Paper, numbers: Numbers, folder: Path) -> list[Path]:
    """Draw every figure, with a CSV of its numbers beside it: readings as SVG, the others as PNG.

    Args:
        paper: What the paper reports.
        numbers: What was run.
        folder: Where to; made where it is absent.

    Returns:
        The figures' files, in the order in which readers meet them.

    Raises:
        SerError: A file cannot be written.
    """
    paths = []
    for name, (figure, table) in _readings(paper, numbers).items():
        path = folder / f"{name}.svg"
        save_svg(figure, path)
        with atomic(path.with_suffix(".csv")) as partial:
            table.to_csv(partial, index=False)
        paths.append(path)
    for corpus in numbers.results.corpora:
        for variant in numbers.variants(corpus):
            for name, drawn in (
                ("curves", curves(numbers.results, corpus, variant)),
                ("confusion", confusions(numbers, corpus, variant)),
            ):
                if drawn is None:
                    continue
                figure, table = drawn
                path = folder / f"{name}-{corpus}-{variant}.png"
                save(figure, path)
                with atomic(path.with_suffix(".csv")) as partial:
                    table.to_csv(partial, index=False)
                paths.append(path)
    return paths


def _readings(paper: Paper, numbers: Numbers) -> dict[str, tuple[Figure, pd.DataFrame]]:
    """Readings side by side by name, of every headline number with a verdict; of two of one recipe the first."""
    drawn: dict[str, tuple[Figure, pd.DataFrame]] = {}
    for j in judged(paper, numbers):
        name = "-".join(["readings", j.corpus, j.variant, j.number.metric.replace("/", "-")])
        if j.number.headline and j.readings and name not in drawn:
            drawn[name] = side_by_side.readings(j, numbers)
    return drawn


def save_svg(figure: Figure, path: Path) -> None:
    """Write a figure as SVG, its text as text, so that it can be searched and read out; equal figures, equal bytes.

    Args:
        figure: The figure.
        path: Where to; its folder is made where it is absent.

    Raises:
        SerError: It cannot be written.
    """
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": path.stem}), atomic(path) as partial:
        figure.savefig(partial, format="svg", metadata={"Date": None, "Creator": None})


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG with a palette, a third of the size; equal figures are equal bytes.

    Args:
        figure: The figure.
        path: Where to; its folder is made where it is absent.

    Raises:
        SerError: It cannot be written.
    """
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=DPI, format="png")
    with Image.open(drawn) as image, atomic(path) as partial:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(partial, format="png", optimize=True)
