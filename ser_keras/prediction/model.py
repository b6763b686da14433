"""A trained model, whole: extraction, windows, scaler, network, classes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_keras.features import probes, windows
from ser_keras.features.extraction import ORIGINAL
from ser_keras.prediction import store
from ser_keras.prediction.hearing import reach
from ser_keras.runs import folder as runs
from ser_keras.runs import script
from ser_keras.support.errors import SerError
from ser_keras.support.files import read_json
from ser_keras.support.messages import did_you_mean
from ser_keras.support.names import printable
from ser_keras.support.variant import recipe_of
from ser_keras.training.recipe import Recipe
from ser_keras.training.scaling import Scaler

if TYPE_CHECKING:
    import keras

COMMITTED = "model"  # the folder of a paper's model for a first try, beside its run.py


@dataclass(frozen=True)
class Model:
    """A trained model.

    Attributes:
        description: What its `model.json` says.
        recipe: The paper's recipe: extraction and windows.
        scaler: What the features are standardised by.
        network: The network.
    """

    description: dict[str, Any]
    recipe: Recipe
    scaler: Scaler
    network: keras.Model

    @property
    def classes(self) -> tuple[str, ...]:
        """Emotions in the order of the network's outputs."""
        return tuple(self.description["classes"])

    @property
    def name(self) -> str:
        """Paper and variant."""
        return f"{self.description['paper']} {self.description['variant']}"

    def probabilities(self, features: list[np.ndarray]) -> np.ndarray:
        """What the network says: scaled, cut and predicted as in training.

        Args:
            features: Of each recording or piece, as the extraction gives them.

        Returns:
            float32, shape (features, classes); the mean over windows where the recipe cuts them.
        """
        from ser_keras.training.fit import predict

        if self.recipe.window is None:
            return predict(self.network, self.scaler.apply(np.stack(features)))
        lengths = np.array([len(frames) for frames in features])
        cut, counts = windows.cut(np.concatenate(features), lengths, self.recipe.window)
        given = predict(self.network, self.scaler.apply(cut))
        first = np.cumsum(counts) - counts
        return np.add.reduceat(given, first, axis=0) / counts[:, None].astype(np.float32)


def load(model: Path | str, *, papers: Path | str | None = None) -> Model:
    """A trained model from its folder, from the folder of a finished run, or a paper's own by the paper's name.

    No code is taken from the folder: how recordings become features stands in the paper's `run.py`, which is found by
    name, and its answers to the probes must be those that the model was trained with.

    Args:
        model: A folder that `export` wrote, a run's folder with its model, or a name such as "jin2022".
        papers: The folder of all papers; None looks where `runs.script.find` does.

    Returns:
        The model, ready to predict.

    Raises:
        SerError: There is no such model, a file is damaged, or the paper's features are no longer the model's.

    Example:
        >>> load("boucheta2025").classes[:3]  # doctest: +SKIP
        ('neutral', 'happy', 'sad')
    """
    folder = _folder(model, papers)
    if (folder / runs.RECORD).is_file():
        description, scaler = of_run(folder)
    else:
        description, scaler = store.read(folder)
    try:
        recipe = recipe_for(description, papers)
        network = store.read_network(folder / store.MODEL)
        shape, outputs = tuple(network.input_shape[1:]), network.output_shape[-1]
        if shape != tuple(description["input_shape"]) or outputs != len(description["classes"]):
            raise SerError(
                f"{printable(folder)}: the network takes {shape} and gives {outputs} classes; {store.DESCRIPTION} says "
                f"{tuple(description['input_shape'])} and {len(description['classes'])}."
            )
    except (KeyError, TypeError, AttributeError) as error:
        raise SerError(f"{printable(folder)}: {store.DESCRIPTION} makes no sense ({error}).") from error
    return Model({"hears": reach(recipe.extraction)} | description, recipe, scaler, network)


def _folder(model: Path | str, papers: Path | str | None) -> Path:
    """The folder that is meant."""
    folder = Path(model)
    for name in (store.DESCRIPTION, runs.RECORD):
        if (folder / name).is_file():
            return folder
    if folder.is_dir() and (folder / "run.py").is_file():
        folder, name = folder.parent, folder.name
        papers = papers or folder
    else:
        name = str(model)
    there = script.named(papers)
    if name not in there:
        raise SerError(
            f"{printable(model)} is neither a model's folder, nor that of a run, nor a paper{did_you_mean(name, there)}"
        )
    committed = there[name] / COMMITTED
    if not committed.is_dir():
        have = sorted(paper for paper, place in there.items() if (place / COMMITTED).is_dir())
        raise SerError(
            f"{name} comes without a model; {', '.join(have) or 'no paper'} has one. Train it (python "
            f"{there[name] / 'run.py'}) and name the run's folder, or export that."
        )
    return committed


def of_run(folder: Path) -> tuple[dict[str, Any], Scaler]:
    """What a finished run says of its model, and the scaler that it kept.

    Args:
        folder: The run's folder.

    Returns:
        What `model.json` says, but for what `export` adds; and the scaler.

    Raises:
        SerError: The run is damaged, or has kept no model.
    """
    shown = printable(folder)
    if wrong := runs.damage(folder):
        raise SerError(f"{shown}: {wrong}.")
    record = read_json(folder / runs.RECORD)
    if not (folder / runs.MODEL).is_file():
        classic = "classifier" in record["what"].get("model", {})
        raise SerError(
            f"{shown}: a scikit-learn model is kept by no run, as it could be exchanged as a pickle only; run the "
            "paper's script again, which takes seconds."
            if classic
            else f"{shown} has no model: run again with --fresh --keep-models, which keeps every run's."
        )
    scaler = read_json(folder / runs.SCALER)
    if scaler is None and record["parameters"]["scaler"] is None:
        scaler = Scaler(None, np.empty(0), np.empty(0)).to_json()
    if scaler is None:
        raise SerError(
            f"{shown} has a model, but not the means that its features were standardised by: it was run by an older "
            "suite. Run it again with --fresh."
        )
    what, run = record["what"], record["cell"]
    features = {key: value for key, value in what["features"].items() if key not in ("copies", "seed")}
    features["probes"] = {name: answer for name, answer in features["probes"].items() if "/" not in name}
    description = {
        "paper": record["paper"],
        "variant": recipe_of(run["variant"]),
        "run": run,
        "epochs": record["parameters"]["epochs"],
        "precision": record["parameters"]["precision"],
        "classes": record["parameters"]["classes"],
        "input_shape": record["parameters"]["input_shape"],
        "features": features,
        "window": what.get("window"),
        "scaler": record["parameters"]["scaler"],
        "environment": record["environment"],
    }
    return description, Scaler.from_json(scaler)


def recipe_for(description: dict[str, Any], papers: Path | str | None = None) -> Recipe:
    """The recipe that a model was trained by, from the paper's own script.

    Args:
        description: What `model.json` says.
        papers: The folder of all papers; None looks where `runs.script.find` does.

    Returns:
        The recipe, whose features are those of the model.

    Raises:
        SerError: The paper or its variant is not there, or its features are others now.
    """
    paper, variant = description["paper"], description["variant"]
    variants = script.load(script.find(paper, papers)).EXPERIMENT.variants
    if variant not in variants:
        raise SerError(f"{paper} has no variant {variant!r} now{did_you_mean(variant, variants) or '.'}")
    recipe, features = variants[variant], description["features"]
    now = {"sample_rate": recipe.extraction.sample_rate, "offset": recipe.extraction.offset}
    now |= {"duration": recipe.extraction.duration}
    told = [f"{name} was {features[name]} and is {value}" for name, value in now.items() if features[name] != value]
    if description["window"] != (asdict(recipe.window) if recipe.window else None):
        told.append("windows are cut otherwise")
    answers = probes.of_extraction(recipe.extraction, (ORIGINAL,)) if not told else {}
    told += probes.told(features["probes"], answers).values() if answers else []
    if told:
        raise SerError(
            f"The features of {paper} {variant} are no longer those that the model was trained on ({told[0]}): take "
            "the suite's version that trained it, or train again."
        )
    return recipe
