"""From a finished run to a model folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_keras.prediction import card, store
from ser_keras.prediction.constants import parameters
from ser_keras.prediction.hearing import reach
from ser_keras.prediction.model import of_run, recipe_for
from ser_keras.runs import folder as runs
from ser_keras.runs import script
from ser_keras.runs.run import ANY
from ser_keras.support.errors import SerError
from ser_keras.support.names import printable, some


@dataclass(frozen=True)
class Exported:
    """A model folder that was written.

    Attributes:
        folder: Where it lies.
        run: The run's folder.
        description: What its `model.json` says.
        bytes: Size of all its files.
    """

    folder: Path
    run: Path
    description: dict[str, Any]
    bytes: int


def export(
    run: Path | str,
    out: Path | str,
    *,
    precision: str = "float32",
    command: str = "",
    papers: Path | str | None = None,
) -> Exported:
    """Write a finished run's model as one folder: network, scaler, features, classes, sums, model card.

    Args:
        run: A run's folder, or an output folder in which one run has kept its model.
        out: Where to; an earlier model there is replaced.
        precision: How matrices of weights are stored: "float32"; or "compact", rounded to 12 bits behind the point and
            compressed, in 60 % of the space. Prediction is in float32 either way.
        command: How the run was made, for the card; empty for a command made of what its record says.
        papers: The folder of all papers; None looks where `runs.script.find` does.

    Returns:
        The folder, what it was made of, and its bytes.

    Raises:
        SerError: The run is damaged, has kept no model, or is one of scikit-learn; or `out` is no place for it.

    Example:
        >>> export("runs/jin2022", "my-model").description["classes"][0]  # doctest: +SKIP
        'neutral'
    """
    out = Path(out)
    if precision not in (store.FULL, store.COMPACT):
        raise SerError(f"Weights are stored as {store.FULL} or {store.COMPACT}, not {precision!r}.")
    if (out / runs.RECORD).exists() or (out / "run.py").exists():
        raise SerError(f"{printable(out)} is a run's or a paper's folder: choose another with --out.")
    place = _one(Path(run))
    description, scaler = of_run(place)
    recipe = recipe_for(description, papers)
    paper = script.find(description["paper"], papers)
    numbers = card.committed(paper)
    network = store.read_network(place / runs.MODEL)
    description |= {
        "features": {**parameters(recipe.extraction.extract), **description["features"]},
        "hears": reach(recipe.extraction),
        "stored": precision,
        "command": command or _command(description),
        "accuracy": card.accuracies(numbers, description, place),
    }
    text = card.card(paper, numbers, description, weights=network.count_params())
    store.write(out, network=network, scaler=scaler, description=description, card=text, precision=precision)
    return Exported(out, place, description, sum((out / name).stat().st_size for name in (*store.FILES, store.SUMS)))


def _one(folder: Path) -> Path:
    """The run that is meant: the folder itself, or the only one below it that has kept a model."""
    if (folder / runs.RECORD).is_file():
        return folder
    found = sorted(path.parent for path in folder.glob(ANY))
    if not found:
        raise SerError(f"{printable(folder)} is neither a run's folder nor one with finished runs.")
    kept = [place for place in found if (place / runs.MODEL).is_file()]
    if len(kept) == 1:
        return kept[0]
    if not kept:
        raise SerError(f"No run below {printable(folder)} has kept a model: run again with --fresh --keep-models.")
    shown = some([place.relative_to(folder).as_posix() for place in kept])
    raise SerError(f"{len(kept)} runs below {printable(folder)} have kept a model; name the folder of one: {shown}.")


def _command(description: dict[str, Any]) -> str:
    """The command that makes the run."""
    run = description["run"]
    flags = [f"--corpus {run['corpus']}", f"--protocol {run['protocol']}", f"--variant {description['variant']}"]
    flags += [f"--seed {run['seed']}"] + ([f"--fold {run['fold']}"] if run["fold"] else [])
    flags += [f"--precision {description['precision']}"] if description["precision"] != "float32" else []
    return " ".join([f"python reproductions/{description['paper']}/run.py", *flags, "--keep-models"])
