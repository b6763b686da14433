"""The static site: every paper's claims beside what came out, made from the committed results alone.

python -m ser_keras reports.site OUT

Open OUT/index.html. It needs no server and no network, and loads no deep-learning backend.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from ser_keras.papers import Reported
from ser_keras.reports import report, simulation, summary
from ser_keras.reports.summary import Published
from ser_keras.runs import manifest
from ser_keras.runs import results as store
from ser_keras.support.errors import SerError
from ser_keras.support.files import atomic, write_text
from ser_keras.support.metric import Metric
from ser_keras.support.variant import recipe_of

TEMPLATES = Path(__file__).parent / "templates"
PAPERS = Path("reproductions")


def build(papers: Path, out: Path) -> list[Path]:
    """Write the site.

    Args:
        papers: The folder that holds a folder for each paper.
        out: Where the site goes; files of an earlier one are overwritten.

    Returns:
        The pages.

    Raises:
        SerError: There is no paper in `papers`, or one is not valid.
    """
    published = summary.read(papers)
    if not published:
        raise SerError(f"There is no paper in {papers}; run this in the repository's root, or pass --papers.")
    write_text(out / "style.css", "".join((TEMPLATES / name).read_text() for name in ("style.css", "site/site.css")))
    write_text(out / "site.js", (TEMPLATES / "site" / "site.js").read_text())
    shared = {"papers": published, "headlines": summary.headlines(published)}
    pages = [_page(out / "index.html", "index", root=".", **shared)]
    pages.append(_page(out / "method.html", "method", root=".", simulation=simulation.table(), **shared))
    summary.draw(published, out)
    for p in published:
        files = copied(p, out / p.paper.key)
        context = {"p": p, "matrices": matrices(p), "files": files, **shown(p, files)}
        pages.append(_page(out / p.paper.key / "index.html", "paper", root="..", **context, **shared))
    return pages


def copied(p: Published, folder: Path) -> list[str]:
    """Copy a paper's figures and numbers beside its page; their paths, as links from the page.

    Args:
        p: The paper with its committed tables.
        folder: Of the paper's page.

    Returns:
        Relative paths, with "/".
    """
    results = p.folder / "results"
    chosen = [path for path in sorted(results.rglob("*")) if path.suffix in (".csv", ".png", ".svg")]
    for path in chosen:
        with atomic(folder / path.relative_to(results)) as partial:
            shutil.copyfile(path, partial)
    return [path.relative_to(results).as_posix() for path in chosen]


def shown(p: Published, files: list[str]) -> dict[str, Any]:
    """What a paper's page says beside its tables: the finding, how the runs were made, its pictures.

    Args:
        p: The paper with its committed tables.
        files: As `copied` gives them.

    Returns:
        `finding`, `provenance`, `readings`, `curves`, `confusions`, `data`.
    """
    made = p.folder / "results" / store.MANIFEST
    cells = [cell for cell in manifest.read(made)["cells"] if not cell.get("differs")] if made.exists() else []
    finding = p.folder / "results" / "finding.md"
    return {
        "finding": finding.read_text(encoding="utf-8") if finding.exists() else "",
        "provenance": store.provenance(cells) if cells else "",
        "readings": [f for f in files if f.startswith("figures/readings") and f.endswith(".svg")],
        "curves": [f for f in files if f.startswith("figures/curves") and f.endswith(".png")],
        "confusions": [f for f in files if f.startswith("figures/confusion") and f.endswith(".png")],
        "data": [f for f in files if f.startswith("data/") and f.endswith(".png")],
    }


def matrices(p: Published) -> list[dict[str, Any]]:
    """Confusion matrices that the paper reports, whole or in part: reported | reproduced | difference.

    Args:
        p: The paper with its committed tables.

    Returns:
        One entry a corpus, variant and protocol.
    """
    rows = []
    for n in p.paper.reported:
        metric = Metric.parse(n.metric)
        if metric.cell:
            rows.append((metric.kind, n.corpus, n.variant, _protocol(p, n), *metric.cell, n.value))
    place = ["corpus", "variant", "protocol", "label", "prediction"]
    reported = pd.DataFrame(rows, columns=["kind", *place, "value"])
    # A diagonal that the paper gives twice is rounded more in its table of recalls.
    reported = reported.sort_values("kind", kind="stable").drop_duplicates(place)
    made = []
    for (corpus, variant, protocol), cells in reported.groupby(place[:3], sort=False):
        known = cells.set_index(["label", "prediction"]).value
        own = _reproduced(p, corpus, variant, protocol)
        classes = list(dict.fromkeys([*cells.label, *cells.prediction])) if own is None else _classes(own)
        grid = pd.MultiIndex.from_product([classes, classes])
        parts = {"reported": known.reindex(grid)}
        if own is not None:
            parts["reproduced"] = own.reindex(grid)
            parts["difference"] = parts["reproduced"] - parts["reported"]
        tables = {name: values.to_numpy().reshape(len(classes), -1) for name, values in parts.items()}
        made.append({"corpus": corpus, "variant": variant, "classes": classes, "parts": tables})
    return made


def _protocol(p: Published, number: Reported) -> str:
    """The protocol that a number belongs to, as the committed table has it."""
    table = p.tables.get("comparison")
    if table is None or "Belongs to" not in table:
        return "paper"
    rows = table[(table.Where == number.where) & (table.Metric == number.metric)]
    return rows["Belongs to"].iloc[0].split(" (")[0] if len(rows) else "paper"


def _reproduced(p: Published, corpus: str, variant: str, protocol: str) -> pd.Series | None:
    """Per cent by label and prediction under a protocol; None where nothing was run."""
    files = sorted((p.folder / "results" / "figures").glob(f"confusion-{corpus}-{variant}*.csv"))
    files = [f for f in files if recipe_of(f.stem) == f"confusion-{corpus}-{variant}"]
    if not files:
        return None
    table = pd.read_csv(files[0])
    return table[table.protocol == protocol].set_index(["label", "prediction"]).percent


def _classes(values: pd.Series) -> list[str]:
    return list(values.index.get_level_values(0).unique())


def _page(path: Path, template: str, *, root: str, **context: Any) -> Path:
    text = report.templates().get_template(f"site/{template}.html.j2").render(root=root, **context)
    write_text(path, text)
    return path
