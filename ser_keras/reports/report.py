"""A paper and its results as files: CSV, Markdown, LaTeX, figures, one HTML page, and the paper's README."""

from __future__ import annotations

import base64
import math
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_keras.evaluation import differences
from ser_keras.evaluation.judging import judged
from ser_keras.evaluation.metrics import confusion, tidy
from ser_keras.evaluation.numbers import Numbers
from ser_keras.papers import Paper, read
from ser_keras.papers import finding as findings
from ser_keras.reports import figures, judgements, tables
from ser_keras.reports.wording import few, mean_sd, shown
from ser_keras.reports.wording import interval as interval_of
from ser_keras.runs import results as store
from ser_keras.runs.results import Results
from ser_keras.support.errors import SerError
from ser_keras.support.files import atomic, write_text
from ser_keras.support.messages import did_you_mean
from ser_keras.support.metric import Metric
from ser_keras.support.variant import SEPARATOR

if TYPE_CHECKING:
    import jinja2

    from ser_keras.runs.checking import Checker
    from ser_keras.runs.experiment import Experiment


DATA = "data"
NOT_RUN = "(not run)"
TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


def report(
    experiment: Experiment,
    out: Path,
    checker: Checker,
    *,
    publish: bool = False,
    impossible: Mapping[str, Mapping[str, str]] | None = None,
) -> list[str]:
    """Write everything below `out` from its finished runs, print the main table, and publish if asked.

    Args:
        experiment: The paper as code.
        out: The output folder.
        checker: Tells which runs count.
        publish: Add the runs to the paper's committed results.
        impossible: Reason by corpus and protocol that it cannot have.

    Returns:
        What is wrong with runs that are there, a sentence each: damaged ones, not those of an older recipe.

    Raises:
        SerError: There is no finished run, or `paper.toml` is not valid.
    """
    paper = read(experiment.folder / "paper.toml")
    results = store.from_runs(
        out,
        protocols=experiment.protocols,
        corpora=experiment.corpora,
        why_not=checker.why_not,
        impossible=impossible,
    )
    if publish:
        publish_paper(results, experiment.folder, checker=checker, data=out / DATA)
    show(paper, write(paper, results, out), out)
    damaged = [f"{place} is {reason}" for place, reason in results.aside.items() if reason.startswith("damaged")]
    remedy = "Remove it, or run again without --tables-only to make it anew."
    return [f"Not counted: {sentence}. {remedy}" for sentence in damaged]


def write(paper: Paper, results: Results, out: Path) -> Numbers:
    """`results.csv`, `confusion.csv`, `finding.md`, `tables/`, `figures/`, `report.html` below `out`; their numbers.

    Args:
        paper: What the paper reports.
        results: Finished runs.
        out: The output folder.

    Returns:
        What the tables are made of.

    Raises:
        SerError: A file cannot be written, or the finding is no template.
    """
    numbers = Numbers(results)
    with atomic(out / "results.csv") as partial:
        tidy(numbers.predictions, numbers.results.classes).to_csv(partial, index=False, float_format="%.6g")
    with atomic(out / "confusion.csv") as partial:
        confusion(numbers.judged).to_csv(partial, index=False)
    write_text(out / "finding.md", finding(paper, numbers) + "\n")
    for name, table in tables.all_tables(paper, numbers).items():
        if table.empty:
            continue
        with atomic(out / "tables" / f"{name}.csv") as partial:
            table.to_csv(partial, index=False)
        write_text(out / "tables" / f"{name}.md", tables.markdown(table))
        write_text(out / "tables" / f"{name}.tex", tables.latex(table))
    drawn = figures.write(paper, numbers, out / "figures")
    write_text(out / "report.html", html(paper, numbers, drawn, out / DATA))
    return numbers


def publish_paper(results: Results, folder: Path, *, checker: Checker | None = None, data: Path | None = None) -> None:
    """Add runs to `results/` in the paper's folder, and renew its tables and `README.md`.

    What is committed stays: a run of both is replaced by the new one, and one that no longer counts is kept with the
    reason. Everything is made from the files just published, rounded as they are, so that whoever has only those gets
    the same tables to the last digit.

    Args:
        results: The finished runs; those on synthetic sounds are left out.
        folder: The paper's folder.
        checker: Tells which committed runs still count; None marks none anew.
        data: Where figures and tables of the data lie; None, or one without them, keeps those published before.

    Raises:
        SerError: There is nothing to publish, or a committed file is not what it should be.
    """
    results = results.real()
    if not results.whole().cells:
        raise SerError("There is no finished run on a real corpus to publish.")
    for name in results.corpora:
        for path in sorted((data or folder).glob(f"{name}/*-*.*")):  # "figure-1.png"; not the features
            with atomic(folder / "results" / DATA / name / path.name) as partial:
                shutil.copyfile(path, partial)
    add(results, folder, checker=checker)
    refresh(folder)


def add(results: Results, folder: Path, *, checker: Checker | None = None) -> None:
    """Add runs to the committed ones in the paper's folder; tables are left as they are.

    Args:
        results: Finished runs.
        folder: The paper's.
        checker: Tells which committed runs still count; None marks none anew.

    Raises:
        SerError: A committed file is not what it should be.
    """
    target = folder / "results"
    results = store.thinned(results, read(folder / "paper.toml"))
    if (target / store.MANIFEST).exists():
        results = store.combined(results, store.made_way(store.from_published(target), results))
    if checker is not None:
        results = store.marked(results, checker.why_not)
    store.publish(results, target)


def refresh(folder: Path) -> None:
    """Make a paper's tables, figures and README anew from its committed predictions.

    Args:
        folder: The paper's.

    Raises:
        SerError: `paper.toml` or a committed file is not what it should be.
    """
    paper = read(folder / "paper.toml")
    target = folder / "results"
    published = store.from_published(target)
    for stale in ("tables", "figures"):  # of variants that are no longer there
        shutil.rmtree(target / stale, ignore_errors=True)
    numbers = write(paper, published, target)
    write_text(folder / "README.md", readme(paper, numbers, folder / "results"))


def drop(folder: Path, variants: Sequence[str]) -> None:
    """Remove committed runs of the variants named, whether they count or not.

    Args:
        folder: The paper's.
        variants: As they were run, marks included.

    Raises:
        SerError: There is no committed run of one of them.
    """
    results = store.from_published(folder / "results")
    there = {cell["cell"]["variant"] for cell in results.cells}
    if absent := [name for name in variants if name not in there]:
        near = did_you_mean(absent[0], there)
        raise SerError(f"{folder}: no committed run of {', '.join(absent)}{near}; there are {', '.join(sorted(there))}")
    store.publish(results.only(lambda cell: cell["cell"]["variant"] not in variants), folder / "results")


def finding(paper: Paper, numbers: Numbers) -> str:
    """The plain words of `paper.toml`, every number in them looked up in the results.

    A lookup takes corpus, protocol, variant and, unless it is the accuracy, the metric: `mean` over seeds, `each` seed
    with the epochs that it was trained for, the `highest` seed, the lowest and highest of the `speakers`; `difference`
    takes the variant to subtract before the metric, and so does `gains`, which tells those of several metrics whose
    difference has an interval above zero. `interval` is where one further run falls, `verdict` what is said of the
    number that the paper reports there. A mean or difference that rests on three seeds or fewer says so by itself.

    Args:
        paper: What the paper reports.
        numbers: What was run.

    Raises:
        SerError: The words are no template of lookups alone; see `papers.finding`.
    """
    if numbers.synthetic:
        return "These runs used the SYNTHETIC demo corpus: they show that the code works, and nothing of the paper."

    def mean(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> str:
        found = numbers.spread(corpus, protocol, variant, metric)
        if found is None:
            return NOT_RUN
        return f"{mean_sd(found)} ({few(found.n)})" if few(found.n) else mean_sd(found)

    def each(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> str:
        seeds = [values for values in numbers.seeds(corpus, protocol, variant).values() if metric in values]
        told = [f"{100 * values[metric]:.1f} % ({values['log/epoch']:.0f} epochs)" for values in seeds]
        return ", ".join(told) or NOT_RUN

    def highest(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> str:
        value = numbers.highest(corpus, protocol, variant, metric)
        return NOT_RUN if math.isnan(value) else f"{value:.1f} %"

    def speakers(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> str:
        values = numbers.by_speaker(corpus, protocol, variant, metric)
        if values.empty:
            return NOT_RUN
        low, high = values.idxmin(), values.idxmax()
        return f"{values[low]:.1f} % (speaker {low}) to {values[high]:.1f} % (speaker {high})"

    def difference(corpus: str, protocol: str, variant: str, against: str, metric: str = "accuracy") -> str:
        found = differences.difference(numbers, corpus, protocol, variant, against, metric)
        if found is None:
            return NOT_RUN
        sure = [few(found.seeds), found.interval or "too few runs for an interval"]
        return f"{found.points:+.1f} points ({': '.join(filter(None, sure))})"

    def gains(corpus: str, protocol: str, variant: str, against: str, *metrics: str) -> list[str]:
        found = {m: differences.difference(numbers, corpus, protocol, variant, against, m) for m in metrics}
        return [Metric.parse(metric).short for metric, change in found.items() if change and change.low > 0]

    def interval(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> str:
        return interval_of(numbers.predictive(corpus, protocol, variant, metric)) or "(too few runs)"

    def verdict(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> str:
        wanted = (corpus, protocol, variant, metric)
        found = (
            j.verdict
            for j in judged(paper, numbers)
            if j.reading and (j.corpus, j.reading.protocol, j.variant, j.number.metric) == wanted
        )
        return next(found, NOT_RUN)

    known = (mean, each, highest, speakers, difference, gains, interval, verdict)
    lookups = {look_up.__name__: look_up for look_up in known}
    return without_rows_not_run(findings.render(paper.finding, lookups))


def without_rows_not_run(text: str) -> str:
    r"""A finding without the rows of its tables in which nothing is run; of such rows alone a sentence is left.

    Args:
        text: Markdown.

    Example:
        >>> print(without_rows_not_run("| a | b |\n| --- | --- |\n| x | 1 |\n| y | (not run) |"))
        | a | b |
        | --- | --- |
        | x | 1 |
        >>> print(without_rows_not_run("So:\n\n| a | b |\n| --- | --- |\n| y | (not run) |"))
        So:
        <BLANKLINE>
        (none of these is run yet)
    """
    blocks = []
    for block in text.split("\n\n"):
        lines = block.split("\n")
        if len(lines) > 2 and lines[0].startswith("|") and lines[1].startswith("| ---"):
            rows = [line for line in lines[2:] if not _nothing_run(line)]
            block = "\n".join([*lines[:2], *rows]) if rows else "(none of these is run yet)"
        blocks.append(block)
    return "\n\n".join(blocks)


def _nothing_run(row: str) -> bool:
    cells = [cell.strip() for cell in row.strip("|").split("|")][1:]
    return NOT_RUN in cells and all(cell in (NOT_RUN, "", "has none") for cell in cells)


def readme(paper: Paper, numbers: Numbers, results: Path) -> str:
    """The paper's README, in Markdown, with the figures that lie in its folder `results`.

    Args:
        paper: What the paper reports.
        numbers: What was run.
        results: The folder in which figures and tables of the data lie.

    Returns:
        Markdown; pictures are links.
    """
    context = _context(paper, numbers)
    drawn = sorted((results / "figures").glob("*.[ps][nv]g"), key=lambda path: (path.suffix, path.stem), reverse=True)
    pictures = [f"results/figures/{path.name}" for path in drawn]  # readings, then curves, then confusion matrices
    data = data_shown(numbers, results / DATA)
    return templates().get_template("paper.md.j2").render(context, pictures=pictures, data=data)


def html(paper: Paper, numbers: Numbers, drawn: Sequence[Path], data: Path) -> str:
    """One self-contained page: pictures are inside it, nothing is fetched.

    Args:
        paper: What the paper reports.
        numbers: What was run.
        drawn: Files of the figures.
        data: The folder with figures and tables of the data.
    """
    template = templates().get_template("paper.html.j2")
    pictures = [(path.stem, TYPES[path.suffix], _inline(path)) for path in drawn]
    return template.render(_context(paper, numbers), pictures=pictures, data=data_shown(numbers, data), inline=_inline)


def data_shown(numbers: Numbers, folder: Path) -> list[dict[str, Any]]:
    """The figures and tables of the data that lie in `folder`, in order: `title`, `picture`, `table`, `name`.

    Args:
        numbers: What was run.
        folder: It may be absent.

    Returns:
        One entry a table; `picture` is None where there is none.
    """
    import pandas as pd

    found = []
    for corpus in numbers.results.corpora:
        for path in sorted((folder / corpus).glob("*-*.csv"), key=lambda path: path.stem.split("-")[::-1]):
            picture = path.with_suffix(".png")
            title = path.stem.replace("-", " ").capitalize()
            found.append(
                {
                    "title": f"{title} ({shown(corpus)})",
                    "name": f"{DATA}/{corpus}/{path.stem}",
                    "picture": picture if picture.exists() else None,
                    "table": pd.read_csv(path, dtype=str).fillna(""),
                }
            )
    return found


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def show(paper: Paper, numbers: Numbers, out: Path) -> None:
    """Print the main table and where the rest is.

    Args:
        paper: What the paper reports.
        numbers: What was run.
        out: The output folder.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    table = judgements.comparison(paper, numbers).drop(columns=["Metric", "Belongs to", "95 % interval", "mean"])
    if not table.Variant.str.contains(
        SEPARATOR, regex=False
    ).any():  # marks of precision and epochs must be seen; names can wait
        table = table.drop(columns="Variant")
    printed = Table(title=f"{paper.short}: reported | reproduced")
    for column in table.columns:
        printed.add_column(column)
    for row in table.astype(str).to_numpy().tolist():
        printed.add_row(*row)
    console.print(printed)
    for sentence in numbers.lacking:
        console.print(sentence, soft_wrap=True)
    console.print("More tables, figures and the ledger:", str(out / "report.html"), soft_wrap=True)


def _context(paper: Paper, numbers: Numbers) -> dict[str, Any]:
    cells = numbers.results.cells
    return {
        "paper": paper,
        "finding": finding(paper, numbers),
        "tables": tables.all_tables(paper, numbers),
        "markdown": tables.markdown,
        "synthetic": numbers.synthetic,
        "provenance": store.provenance(cells),
        "commits": sorted({cell["environment"]["git_commit"] for cell in cells}),
    }


def templates() -> jinja2.Environment:
    """The package's templates, in Jinja's sandbox: no value leads to the program, and no `range` is endless.

    What goes into HTML is escaped; for Markdown, the filter `plain` keeps a text from being HTML.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.PackageLoader("ser_keras.reports"),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"zip": zip, "plain": _plain}
    return environment


def _plain(text: str) -> str:
    """Text for Markdown in which nothing begins a tag of HTML."""
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
