"""What is trained, as Keras and scikit-learn say it themselves: the same however the code that builds it reads."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ser_keras.training import behaviour

if TYPE_CHECKING:
    import keras
    import sklearn.base

GIVES = "gives"  # what code of one's own gives on fixed numbers
# What Keras adds for its own loading, and names that count up within a process.
NOISE = frozenset({"module", "registered_name", "build_config", "compile_config", "name", "inbound_nodes"})


def of_model(model: keras.Model | sklearn.base.ClassifierMixin) -> dict[str, Any]:
    """A network with its loss and optimiser, or a classifier with its parameters, as JSON.

    Args:
        model: A compiled network, or a classifier.

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

    optimiser = model.optimizer
    return {
        "network": layers_of(model),
        "loss": _loss(model),
        "optimiser": {"class": type(optimiser).__name__, **plain(optimiser.get_config()), **_steps(optimiser)},
        "weights": model.count_params(),
        **({"loss_weights": plain(weights)} if (weights := model.get_compile_config().get("loss_weights")) else {}),
    }


def _loss(model: keras.Model) -> Any:
    import keras

    if isinstance(model.loss, str):
        return model.loss
    told = plain(keras.saving.serialize_keras_object(model.loss))
    if not behaviour.is_own(model.loss):
        return told
    gives = {GIVES: behaviour.of_loss(model.loss, model.output_shape[-1])}
    return told | gives if isinstance(told, dict) else gives  # a function's name decides nothing


def _steps(optimiser: keras.optimizers.Optimizer) -> dict[str, Any]:
    """What an optimiser, or a schedule of its rate, of one's own gives."""
    schedule = getattr(optimiser, "_learning_rate", None)
    made = {"steps": behaviour.of_optimiser(optimiser)} if behaviour.is_own(type(optimiser)) else {}
    if callable(schedule) and hasattr(schedule, "get_config") and behaviour.is_own(type(schedule)):
        made["rates"] = behaviour.of_schedule(schedule)
    return {GIVES: made} if made else {}


def layers_of(model: keras.Model) -> list[dict[str, Any]]:
    """The layers of a network in order: class, settings, and the numbers of the layers whose output each reads.

    Args:
        model: A built network.

    Returns:
        One entry a layer.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "relu")])
        >>> [(layer["class"], layer["units"]) for layer in layers_of(model)]
        [('Dense', 3)]
    """
    import keras

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
        own = {
            name: behaviour.of_activation(function)
            for name in ("activation", "recurrent_activation")
            if (function := getattr(layer, name, None)) is not None and behaviour.is_own(function)
        }
        if behaviour.is_own(type(layer)) or type(layer) is keras.layers.Lambda:
            config.pop("function", None)
            own["layer"] = behaviour.of_layer(layer)
        for name in own:
            if not getattr(getattr(layer, name, None), "__module__", "ser_keras").startswith("ser_keras"):
                config.pop(name, None)  # a script's function: its name, or a lambda's bytecode, decides nothing
        if own:
            config[GIVES] = own
        reads = {"reads": list(dict.fromkeys(read))} if read else {}
        described.append({"class": type(layer).__name__, **plain(config), **reads})
    return described


def _own_policy(layer: keras.layers.Layer) -> str | None:
    """A layer's precision where it is not that of the run, which the record names by itself."""
    import keras

    name = layer.dtype_policy.name
    return None if name == keras.config.dtype_policy().name else name


def of_callbacks(make: Callable[[], list[keras.callbacks.Callback]] | None) -> list[dict[str, Any]]:
    """Classes and settings of the callbacks of one run, before they have seen anything.

    Args:
        make: Makes the callbacks; None for none.

    Returns:
        One entry a callback.

    Example:
        >>> of_callbacks(None)
        []
    """
    if make is None:
        return []
    described = []
    for callback in make():
        settings = {
            name: plain(value)
            for name, value in sorted(vars(callback).items())
            if not name.startswith("_") and isinstance(value, (str, int, float, bool, list, tuple, dict))
        }
        if callable(schedule := getattr(callback, "schedule", None)):
            settings[GIVES] = behaviour.of_epochs(schedule)
        described.append({"class": type(callback).__name__, **settings})
    return described


def plain(value: Any) -> Any:
    """A configuration as JSON: no names that count up, nothing that is None, infinite numbers as words.

    Args:
        value: What `get_config` gives, or a part of it.

    Returns:
        Values that JSON has; floats in seven digits.

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
