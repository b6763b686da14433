"""The numbers that a paper's extraction reads, for a reader and for other programs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

PLAIN = (bool, int, float, str, type(None))


def parameters(extract: Callable) -> dict[str, Any]:
    """An extraction's name, its arguments, and the constants that it and its script's other functions read.

    Args:
        extract: A function of a waveform, or a partial of one.

    Returns:
        `function`, `arguments` and `constants`, as JSON.

    Example:
        >>> from ser_keras.runs.script import load
        >>> told = parameters(load("reproductions/jin2022").extract)
        >>> told["function"], told["constants"]["WINDOW"], told["constants"]["KEPT"]
        ('extract', 2048, [1, 13])
    """
    given: dict[str, Any] = {}
    while isinstance(extract, functools.partial):
        given = {**extract.keywords, **given}
        extract = extract.func
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(extract).parameters.items()
        if parameter.default is not parameter.empty
    }
    found: dict[str, Any] = {}
    _collect(extract, found, set())
    arguments = {name: _plain(value) for name, value in (defaults | given).items() if _is_plain(value)}
    return {"function": extract.__name__, "arguments": arguments, "constants": dict(sorted(found.items()))}


def _collect(function: Callable, found: dict[str, Any], seen: set[str]) -> None:
    seen.add(function.__name__)
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if inspect.isfunction(value) and value.__module__ == function.__module__ and name not in seen:
            _collect(value, found, seen)
        elif name.isupper() and name in function.__globals__ and _is_plain(value):
            found[name] = _plain(value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, (*PLAIN, slice)) or (
        isinstance(value, (tuple, list)) and all(isinstance(item, PLAIN) for item in value)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, slice):
        return [value.start, value.stop]
    return list(value) if isinstance(value, tuple) else value
