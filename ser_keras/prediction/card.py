"""The model card: what a model was trained on, how often it is right, and what it must not be used for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_keras.prediction.store import COMPACT, KEPT_BITS
from ser_keras.runs import folder as runs
from ser_keras.runs.experiment import MAIN, NEW_SPEAKERS
from ser_keras.runs.rows import whole_utterances
from ser_keras.support.variant import recipe_of

if TYPE_CHECKING:
    import pandas as pd

    from ser_keras.evaluation.numbers import Numbers

METRICS = ("accuracy", "uar")
WINDOW, UTTERANCE = "window", "utterance"
SPDX = {"CC BY-NC-SA 4.0": "cc-by-nc-sa-4.0"}  # what a corpus's licence begins with -> its name in the head
NOT_COMMERCIAL = "NC"
VERSIONS = ("ser-keras", "keras", "tensorflow", "jax", "torch", "numpy", "librosa")


def accuracies(numbers: Numbers | None, description: dict[str, Any], place: Path) -> dict[str, Any]:
    """How often the model, and others of its recipe, are right: from the run's predictions and the committed ones.

    Args:
        numbers: As `committed` gives them.
        description: What `model.json` says.
        place: The run's folder.

    Returns:
        `this_model` (accuracy and UAR on its own test part, as fractions, and the number of recordings), `paper`
        (under the protocol "paper") and `new_speakers` (under "speaker_independent"): means of committed runs with
        the variant that was run and its number of seeds; None where nothing is committed. `unit` says what is
        counted.
    """
    unit = UTTERANCE if description["window"] else "recording"
    lead = f"{UTTERANCE}/" if description["window"] else ""
    found: dict[str, Any] = {"unit": unit, "this_model": _own(description, place)}
    for key, protocol in (("paper", MAIN), ("new_speakers", NEW_SPEAKERS)):
        variant = _variant(numbers, description, protocol)
        found[key] = variant and _told(numbers, description["run"]["corpus"], protocol, variant, lead)
    return found


def committed(paper: Path) -> Numbers | None:
    """The paper's committed numbers.

    Args:
        paper: The paper's folder.

    Returns:
        None where nothing is committed, or it is damaged.
    """
    from ser_keras.evaluation.numbers import Numbers
    from ser_keras.runs import results
    from ser_keras.support.errors import SerError

    try:
        return Numbers(results.from_published(paper / "results"))
    except (SerError, FileNotFoundError):
        return None


def _variant(numbers: Numbers | None, description: dict[str, Any], protocol: str) -> str | None:
    """The run's own variant where committed runs have it, else the same recipe's with the most seeds."""
    run = description["run"]
    if numbers is None:
        return None
    counts = {
        variant: len(numbers.values(run["corpus"], protocol, variant, "accuracy"))
        for variant in numbers.results.predictions.variant.unique()
        if recipe_of(variant) == description["variant"]
    }
    counts = {variant: count for variant, count in counts.items() if count}
    if run["variant"] in counts:
        return run["variant"]
    return max(counts, key=lambda variant: counts[variant]) if counts else None


def _told(numbers: Numbers, corpus: str, protocol: str, variant: str, lead: str) -> dict[str, Any]:
    told: dict[str, Any] = {"protocol": protocol, "variant": variant}
    for metric in METRICS:
        values = numbers.values(corpus, protocol, variant, lead + metric) / 100
        told |= {metric: round(float(values.mean()), 4), "runs": len(values)}
        if metric == "accuracy" and len(values) > 1:
            told["deviation"] = round(float(values.std(ddof=1)), 4)
    return told


def _own(description: dict[str, Any], place: Path) -> dict[str, Any] | None:
    """Of the very network: its run's predictions of the test part."""
    import pandas as pd

    from ser_keras.evaluation.metrics import metrics

    table = pd.read_csv(place / runs.PREDICTIONS, dtype={"utterance": str})
    table = table[table.split == "test"]
    if table.empty:
        return None
    if description["window"] and "window" in table:
        table = whole_utterances(table, description["classes"])
    found = metrics(table.label, table.prediction, description["classes"])
    return {metric: round(found[metric], 4) for metric in METRICS} | {"n": len(table)}


def confusion(numbers: Numbers | None, description: dict[str, Any]) -> pd.DataFrame | None:
    """What new speakers' recordings were taken for, in per cent of each emotion, over all committed runs.

    Args:
        numbers: As `committed` gives them.
        description: What `model.json` says.

    Returns:
        One row an emotion and one column a prediction, in per cent; None where no committed run tests new speakers.
    """
    import pandas as pd

    corpus = description["run"]["corpus"]
    variant = _variant(numbers, description, NEW_SPEAKERS)
    if variant is None:
        return None
    rows = numbers.scored(corpus, NEW_SPEAKERS, variant, f"{UTTERANCE}/" if description["window"] else "")
    classes = description["classes"]
    table = pd.crosstab(rows.label, rows.prediction).reindex(index=classes, columns=classes, fill_value=0)
    return 100 * table.div(table.sum(axis=1), axis=0).fillna(0)


def card(paper: Path, numbers: Numbers | None, description: dict[str, Any], *, weights: int) -> str:
    """The model card as Markdown with a YAML head.

    Args:
        paper: The paper's folder.
        numbers: As `committed` gives them.
        description: What `model.json` says, `accuracy` and `command` included.
        weights: How many weights the network has.

    Returns:
        The text of `README.md`.
    """
    from ser_keras import papers
    from ser_keras.corpora import named

    reported, corpus = papers.read(paper / "paper.toml"), named(description["run"]["corpus"])
    title = f"{reported.short}, {description['variant']}, trained on {corpus.title}"
    sections = [
        _head(title, corpus.licence, description),
        f"# {title}\n\nThe network of *{reported.title}* ({reported.venue} {reported.year}), rebuilt and trained anew: "
        f"{weights:,} weights, {len(description['classes'])} emotions, in the order of its outputs: "
        f"{', '.join(description['classes'])}.",
        _use(description),
        _trained_on(corpus, description),
        _right(description),
        _confusion(confusion(numbers, description), description),
        _not_for(corpus),
        _files(description),
    ]
    return "\n\n".join(section.strip("\n") for section in sections if section) + "\n"


def _head(title: str, licence: str, description: dict[str, Any]) -> str:
    """YAML; every value is written as JSON, which YAML includes."""
    known = next((name for begins, name in SPDX.items() if licence.startswith(begins)), None)
    lines = {
        "library_name": "keras",
        "pipeline_tag": "audio-classification",
        "tags": ["speech-emotion-recognition", description["paper"]],
        "license": known or "other",
        **({} if known else {"license_name": licence}),
        "datasets": [description["run"]["corpus"]],
        "metrics": list(METRICS),
    }
    entries = [
        {
            "task": {"type": "audio-classification"},
            "dataset": {"name": f"{description['run']['corpus']}, {words}", "type": description["run"]["corpus"]},
            "metrics": [{"type": metric, "value": found[metric]} for metric in METRICS],
        }
        for key, words in (("new_speakers", "new speakers"), ("paper", "the paper's split"))
        if (found := description["accuracy"][key])
    ]
    if entries:
        lines["model-index"] = [{"name": title, "results": entries}]
    return "---\n" + "".join(f"{k}: {json.dumps(v, ensure_ascii=False)}\n" for k, v in lines.items()) + "---"


def _use(description: dict[str, Any]) -> str:
    name = description["paper"]
    hears = description["hears"]
    offset = description["features"]["offset"]
    start = f" from second {offset:g} on" if offset else ""
    listens = f"It listens to {hears:g} s of a recording{start}" if hears else "It listens to recordings of any length"
    return (
        "## Use\n\n"
        f"```\nser-keras predict FOLDER my.wav        # this folder, or the name of a paper: {name}\n```\n\n"
        f"{listens}; of one longer than six seconds, to piece after piece. How a recording becomes features stands in "
        f"`reproductions/{name}/run.py`, constants and arguments also in `model.json`; the suite refuses to predict "
        "where the script's features are no longer those of the training."
    )


def _trained_on(corpus: Any, description: dict[str, Any]) -> str:
    run, environment = description["run"], description["environment"]
    commercial = " **It must not be used commercially, and neither must this model.**"
    licence = f"Licence of the data: {corpus.licence}." + (commercial if NOT_COMMERCIAL in corpus.licence else "")
    versions = [f"{name} {environment['versions'][name]}" for name in VERSIONS if name in environment["versions"]]
    half = (
        f" Its matrices of weights are rounded to {KEPT_BITS} bits behind the point (float16 has 10) and compressed, "
        "which moves a probability by less than 0.001; they are computed with in float32."
        if description["stored"] == COMPACT
        else ""
    )
    return (
        f"## Trained on\n\n{corpus.title}: the training part of protocol `{run['protocol']}`, seed {run['seed']}, fold "
        f"{run['fold']}, {description['epochs']} epochs. {licence} Cite: {corpus.citation}\n\n"
        f"```\n{description['command']}\n```\n\n"
        f"With {', '.join(versions)}; Python {environment['python']}, {environment['device']}, {environment['date']}, "
        f"commit {environment['git_commit']}.{half}"
    )


def _right(description: dict[str, Any]) -> str:
    accuracy, unit = description["accuracy"], description["accuracy"]["unit"]
    lines = ["## How often it is right", "", "| | accuracy | UAR | from |", "| --- | --- | --- | --- |"]
    for key, words in (("new_speakers", "**speakers it has never heard**"), ("paper", "the paper's own split")):
        if found := accuracy[key]:
            spread = f" ± {100 * found['deviation']:.1f}" if "deviation" in found else ""
            seeds = f"{found['runs']} runs" if found["runs"] > 1 else "1 run"
            lines.append(
                f"| {words} | {100 * found['accuracy']:.1f}{spread} % | {100 * found['uar']:.1f} % | {seeds} of "
                f"`{found['variant']}`, protocol `{found['protocol']}` |"
            )
    if own := accuracy["this_model"]:
        lines.append(
            f"| this very network, on its test part | {100 * own['accuracy']:.1f} % | {100 * own['uar']:.1f} % | "
            f"{own['n']:,} samples, protocol `{description['run']['protocol']}` |"
        )
    chance = 100 / len(description["classes"])
    lines += [
        "",
        f"Counted per {unit}; guessing among {len(description['classes'])} emotions gives {chance:.1f} % UAR. A voice "
        "of your own is a new speaker, and your microphone and room are new as well: expect the first row at best. "
        "These are actors who play an emotion in a few fixed sentences.",
    ]
    if not accuracy["new_speakers"]:
        lines[-1] = "How often it is right on speakers that it has never heard was not measured. " + lines[-1]
    return "\n".join(lines)


def _confusion(table: pd.DataFrame | None, description: dict[str, Any]) -> str:
    if table is None:
        return ""
    found = description["accuracy"]["new_speakers"]
    lines = [
        "## What it takes for what",
        "",
        f"New speakers, in per cent of each emotion ({found['runs']} runs of `{found['variant']}`):",
        "",
        "| said to be → | " + " | ".join(table.columns) + " |",
        "| --- |" + " --- |" * len(table.columns),
    ]
    lines += [_row(label, row, list(table.columns)) for label, row in table.iterrows()]
    return "\n".join(lines)


def _row(label: str, row: pd.Series, columns: Sequence[str]) -> str:
    cells = [f"**{row[name]:.0f}**" if name == label else f"{row[name]:.0f}" for name in columns]
    return f"| {label} | " + " | ".join(cells) + " |"


def _not_for(corpus: Any) -> str:
    lines = [
        "## What it must not be used for",
        "",
        "- No decision about a person: not in hiring, at school or work, in policing, at borders, in care. In the "
        "European Union, inferring emotions at work and in education is prohibited (AI Act, Article 5).",
        "- No diagnosis, and no statement on what somebody feels: it was taught how actors sound when they play.",
        "- No voices of people who have not agreed to it.",
        "- No claim of accuracy from the paper's split for speakers that the model has not heard.",
    ]
    if NOT_COMMERCIAL in corpus.licence:
        lines.append(f"- Nothing commercial: the recordings are under {corpus.licence}.")
    return "\n".join(lines)


def _files(description: dict[str, Any]) -> str:
    return (
        "## Files\n\n`model.keras` (Keras 3; no optimiser, no code), `scaler.json` (means and deviations of the "
        "training part), `model.json` (classes in order, features, windows, versions, accuracies), `SHA256SUMS`."
    )
