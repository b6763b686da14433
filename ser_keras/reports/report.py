"""A paper and its results as files: CSV, Markdown, LaTeX, figures, one HTML page, and the paper's README."""

from __future__ import annotations

import argparse
import base64
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_keras.evaluation import differences
from ser_keras.evaluation.judging import judged
from ser_keras.evaluation.metrics import confusion, tidy
from ser_keras.evaluation.numbers import Numbers
from ser_keras.papers.paper import Paper, read
from ser_keras.reports import figures, judgements, summary, tables
from ser_keras.reports.wording import interval as interval_of
from ser_keras.reports.wording import mean_sd, shown
from ser_keras.runs import results as store
from ser_keras.runs.results import Results
from ser_keras.support.errors import SerError
from ser_keras.support.files import atomic, write_text

if TYPE_CHECKING:
    import jinja2

    from ser_keras.runs.experiment import Experiment


DATA = "data"
TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


def report(experiment: Experiment, out: Path, *, publish: bool) -> None:
    """Write everything below `out` from its finished cells, print the main table, and publish if asked.

    Raises:
        SerError: There is no finished cell, or `paper.toml` is not valid.
    """
    paper = read(experiment.folder / "paper.toml")
    results = store.from_cells(experiment, out)
    if publish:
        if (experiment.folder / "results").exists():
            earlier = store.from_published(experiment.folder / "results")
            results = store.combined(results, store.current(experiment, earlier))
        publish_paper(results, experiment.folder, data=out / DATA)
    show(paper, write(paper, results, out), out)


def write(paper: Paper, results: Results, out: Path) -> Numbers:
    """`results.csv`, `confusion.csv`, `finding.md`, `tables/`, `figures/`, `report.html` below `out`; their numbers."""
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


def publish_paper(results: Results, folder: Path, *, data: Path | None = None) -> None:
    """Write `results/` and `README.md` in the paper's folder.

    Everything is made from the files just published, rounded as they are, so that whoever has only those gets
    the same tables to the last digit.

    Args:
        results: The finished cells; those on synthetic sounds are left out.
        folder: The paper's folder.
        data: Where figures and tables of the data lie; None, or one without them, keeps those published before.
    """
    results = results.real()
    if not results.whole().cells:
        raise SerError("There is no finished run on a real corpus to publish.")
    results = store.thinned(results, read(folder / "paper.toml"))
    for path in (folder / "results").glob("*"):
        if path.name != DATA:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in results.corpora:
        for path in sorted((data or folder).glob(f"{name}/*-*.*")):  # "figure-1.png"; not the features
            with atomic(folder / "results" / DATA / name / path.name) as partial:
                shutil.copyfile(path, partial)
    store.publish(results, folder / "results")
    refresh(folder)


def refresh(folder: Path) -> None:
    """Make a paper's tables, figures and README anew from its committed predictions.

    Raises:
        SerError: `paper.toml` or a committed file is not what it should be.
    """
    paper = read(folder / "paper.toml")
    published = store.from_published(folder / "results")
    numbers = write(paper, published, folder / "results")
    write_text(folder / "README.md", readme(paper, numbers, folder / "results"))


def finding(paper: Paper, numbers: Numbers) -> str:
    """The plain words of `paper.toml`, every number in them looked up in the results.

    A lookup takes corpus, protocol, variant and, unless it is the accuracy, the metric: `mean` over seeds, `each` seed
    with its epochs, the `highest` seed, the lowest and highest of the `speakers`; `difference` takes the variant to
    subtract before the metric, and so does `gains`, which tells those of several metrics whose difference has an
    interval above zero. `interval` is where one further run falls, `verdict` what is said of the number that the paper
    reports there.
    """
    if numbers.synthetic:
        return "These runs used the SYNTHETIC demo corpus: they show that the code works, and nothing of the paper."

    def mean(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> str:
        return mean_sd(numbers.spread(corpus, protocol, variant, metric)) or "(not run)"

    def each(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> str:
        seeds = numbers.seeds(corpus, protocol, variant).values()
        told = [f"{100 * values[metric]:.1f} % after {values['log/epoch']:.0f} epochs" for values in seeds]
        return ", ".join(told) or "(not run)"

    def highest(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> str:
        return f"{numbers.highest(corpus, protocol, variant, metric):.1f} %"

    def speakers(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> str:
        values = numbers.by_speaker(corpus, protocol, variant, metric)
        if values.empty:
            return "(not run)"
        low, high = values.idxmin(), values.idxmax()
        return f"{values[low]:.1f} % (speaker {low}) to {values[high]:.1f} % (speaker {high})"

    def difference(corpus: str, protocol: str, variant: str, against: str, metric: str = "accuracy") -> str:
        found = differences.difference(numbers, corpus, protocol, variant, against, metric)
        if found is None:
            return "(not run)"
        return f"{found.points:+.1f} points ({found.interval or 'too few runs for an interval'})"

    def gains(corpus: str, protocol: str, variant: str, against: str, *metrics: str) -> list[str]:
        found = {m: differences.difference(numbers, corpus, protocol, variant, against, m) for m in metrics}
        return [metric.rsplit("/", 1)[-1] for metric, change in found.items() if change and change.low > 0]

    def interval(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> str:
        return interval_of(numbers.predictive(corpus, protocol, variant, metric)) or "(too few runs)"

    def verdict(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> str:
        wanted = (corpus, protocol, variant, metric)
        found = (
            j.verdict
            for j in judged(paper, numbers)
            if j.reading and (j.corpus, j.reading.protocol, j.variant, j.number.metric) == wanted
        )
        return next(found, "(not run)")

    known = (mean, each, highest, speakers, difference, gains, interval, verdict)
    lookups = {look_up.__name__: look_up for look_up in known}
    return templates().from_string(paper.finding).render(lookups).strip()


def readme(paper: Paper, numbers: Numbers, results: Path) -> str:
    """The paper's README, in Markdown, with the figures that lie in its folder `results`."""
    context = _context(paper, numbers)
    drawn = sorted((results / "figures").glob("*.[ps][nv]g"), key=lambda path: (path.suffix, path.stem), reverse=True)
    pictures = [f"results/figures/{path.name}" for path in drawn]  # readings, then curves, then confusion matrices
    data = data_shown(numbers, results / DATA)
    return templates().get_template("paper.md.j2").render(context, pictures=pictures, data=data)


def html(paper: Paper, numbers: Numbers, drawn: Sequence[Path], data: Path) -> str:
    """One self-contained page: pictures are inside it, nothing is fetched."""
    template = templates().get_template("paper.html.j2")
    pictures = [(path.stem, TYPES[path.suffix], _inline(path)) for path in drawn]
    return template.render(_context(paper, numbers), pictures=pictures, data=data_shown(numbers, data), inline=_inline)


def data_shown(numbers: Numbers, folder: Path) -> list[dict[str, Any]]:
    """The figures and tables of the data that lie in `folder`, in order: `title`, `picture`, `table`, `name`."""
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
    """Print the main table and where the rest is."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    table = judgements.comparison(paper, numbers).drop(columns=["Metric", "Belongs to", "95 % interval", "mean"])
    if not table.Variant.str.contains("@").any():  # marks of precision and epochs must be seen; names can wait
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
    """The package's templates; what goes into HTML is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ser_keras.reports"),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["zip"] = zip
    return environment


def main() -> None:
    """`python -m ser_keras.reports.report reproductions/*`: renew what is generated, without running anything.

    Where the folders lie in a repository whose README has a table of the papers, that and its picture are renewed, too.
    """
    parser = argparse.ArgumentParser("python -m ser_keras.reports.report", description=refresh.__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a paper's folder")
    try:
        folders = parser.parse_args().folders
        for folder in folders:
            if (folder / "results").exists():
                refresh(folder)
        root = folders[0].resolve().parents[1] / "README.md"
        if root.exists() and summary.BEGIN in root.read_text(encoding="utf-8"):
            papers = folders[0].resolve().parent
            summary.renew(root, summary.markdown(summary.read(papers)))
            summary.renew(root, summary.simulation_as_markdown(), summary.SIMULATION)
            summary.draw(summary.read(papers), papers)
    except SerError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
