"""What is trained, as Keras and scikit-learn say it themselves: the same however the code that builds it reads."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import sklearn.base

# What Keras adds for its own loading, and names that count up within a process.
NOISE = frozenset({"module", "registered_name", "build_config", "compile_config", "name", "inbound_nodes"})


def of_model(model: keras.Model | sklearn.base.ClassifierMixin) -> dict[str, Any]:
    """A network with its loss and optimiser, or a classifier with its parameters, as JSON.

    Returns:
        Of a network `network` (layers in order with their settings and the numbers of the layers that they read),
        `loss`, `optimiser` and `weights` (their count); of a scikit-learn classifier `classifier` and `parameters`.

    Example:
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> of_model(KNeighborsClassifier(4))["parameters"]["n_neighbors"]
        4
    """
    if not hasattr(model, "layers"):
        chosen = {k: v for k, v in model.get_params().items() if k not in ("random_state", "n_jobs")}
        return {"classifier": type(model).__name__, "parameters": plain(chosen)}
    import keras

    optimiser = model.optimizer
    loss = model.loss if isinstance(model.loss, str) else keras.saving.serialize_keras_object(model.loss)
    return {
        "network": layers_of(model),
        "loss": plain(loss),
        "optimiser": {"class": type(optimiser).__name__, **plain(optimiser.get_config())},
        "weights": model.count_params(),
    }


def layers_of(model: keras.Model) -> list[dict[str, Any]]:
    """The layers of a network in order: class, settings, and the numbers of the layers whose output each reads."""
    numbers = {id(layer): number for number, layer in enumerate(model.layers)}
    described = []
    for layer in model.layers:
        config = layer.get_config()
        read = [
            numbers[id(parent.operation)]
            for node in layer._inbound_nodes
            for parent in node.parent_nodes
            if id(parent.operation) in numbers
        ]
        config["dtype"] = _own_policy(layer)
        reads = {"reads": list(dict.fromkeys(read))} if read else {}
        described.append({"class": type(layer).__name__, **plain(config), **reads})
    return described


def _own_policy(layer: keras.layers.Layer) -> str | None:
    """A layer's precision where it is not that of the run, which the record names by itself."""
    import keras

    name = layer.dtype_policy.name
    return None if name == keras.config.dtype_policy().name else name


def of_callbacks(make: Callable[[], list[keras.callbacks.Callback]] | None) -> list[dict[str, Any]]:
    """Classes and settings of the callbacks of one run, before they have seen anything."""
    if make is None:
        return []
    described = []
    for callback in make():
        settings = {
            name: plain(value)
            for name, value in sorted(vars(callback).items())
            if not name.startswith("_") and isinstance(value, (str, int, float, bool, list, tuple, dict))
        }
        described.append({"class": type(callback).__name__, **settings})
    return described


def plain(value: Any) -> Any:
    """A configuration as JSON: no names that count up, nothing that is None, infinite numbers as words.

    Example:
        >>> plain({"name": "dense_3", "units": 4, "bias": None, "rate": float("inf"), "shape": (2, 3)})
        {'units': 4, 'rate': 'inf', 'shape': [2, 3]}
    """
    if isinstance(value, dict):
        if set(value) >= {"class_name", "config"}:  # something that Keras serialised
            inner = plain(value["config"])
            return {"class": value["class_name"], **inner} if isinstance(inner, dict) else inner
        return {str(k): plain(v) for k, v in value.items() if v is not None and k not in NOISE}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float) or hasattr(value, "__float__"):
        number = float(value)
        # float32 settings come back with noise behind the seventh digit.
        return float(f"{number:.7g}") if math.isfinite(number) else str(number)
    return json.loads(json.dumps(value, default=lambda v: type(v).__name__))
