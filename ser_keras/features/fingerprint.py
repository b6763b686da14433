"""What a function's values depend on, for the cache of features: its code, and everything of the suite that it reads.

This only decides whether features are computed again, so it may see a difference where there is none (another version
of Python, say). It must never miss one: code in a notebook's cell, a helper in another module and an import within a
function count, and `Extraction.key` adds what the function gives on fixed signals.
"""

from __future__ import annotations

import dataclasses
import dis
import functools
import importlib
import re
import sys
import sysconfig
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ser_keras.support.files import digest

LIBRARIES = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
CODE = (types.FunctionType, types.MethodType, type)
ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # where an object lies differs in every process


def fingerprint(function: Callable) -> str:
    """A name (16 hexadecimal digits) of a function's code, its defaults and closure, and the constants it reads.

    Covered in the same way is every function and class that it calls in the same script or cell, in modules beside
    it, or in `ser_keras`. Other libraries count by name; their versions are part of the cache's key.

    Example:
        >>> RATE = 8000
        >>> def seconds(y):
        ...     return len(y) / RATE
        >>> len(fingerprint(seconds))
        16
    """
    return digest(_describe(function, frozenset()))


def _describe(value: Any, seen: frozenset[int]) -> Any:
    if id(value) in seen:
        return "recursion"
    if isinstance(value, functools.partial):
        return [_describe(part, seen) for part in (value.func, value.args, value.keywords)]
    if isinstance(value, dict):
        return {str(key): _describe(item, seen) for key, item in sorted(value.items(), key=lambda i: str(i[0]))}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [_describe(item, seen) for item in items]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [type(value).__qualname__, _describe(vars(value), seen)]
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.shape, value.tobytes().hex()]
    if isinstance(value, property):
        return _describe([value.fget, value.fset], seen)
    if isinstance(value, functools.cached_property):
        return _describe(value.func, seen)
    if hasattr(value, "__wrapped__"):
        return _describe(value.__wrapped__, seen)
    if isinstance(value, CODE) and _ours(value.__module__):
        return _class(value, seen) if isinstance(value, type) else _function(value, seen)
    if isinstance(value, (types.ModuleType, types.BuiltinFunctionType, *CODE)):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value.__class__)}"
    return ADDRESS.sub("", repr(value))


def _ours(module: str | None) -> bool:
    """Whether a module belongs to the suite, a script or a notebook, not to Python or an installed library."""
    if module is None or module.split(".")[0] in ("__main__", "ser_keras"):
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and not any(Path(file).is_relative_to(place) for place in LIBRARIES)


def _class(value: type, seen: frozenset[int]) -> list:
    seen |= {id(value)}
    members = {n: m for n, m in vars(value).items() if not n.startswith("__") or n in ("__call__", "__init__")}
    return [value.__qualname__, [_describe(base, seen) for base in value.__bases__], _describe(members, seen)]


def _function(value: Any, seen: frozenset[int]) -> list:
    function = getattr(value, "__func__", value)
    seen |= {id(value), id(function)}
    closure = [cell.cell_contents for cell in function.__closure__ or ()]
    given = [function.__defaults__, function.__kwdefaults__, closure]
    return [*_code(function.__code__, function.__globals__, seen), _describe(given, seen)]


def _code(code: types.CodeType, scope: dict[str, Any], seen: frozenset[int]) -> list:
    """Instructions, constants without the docstring, and what stands behind the names that are read."""
    constants = [c for c in code.co_consts if not isinstance(c, types.CodeType)]
    if constants and isinstance(constants[0], str) and code.co_flags & 0x02:  # a function's docstring, or a constant
        constants = constants[1:]
    inner = [_code(c, scope, seen) for c in code.co_consts if isinstance(c, types.CodeType)]
    read = {name: _describe(value, seen) for name, value in sorted(_read(code, scope).items())}
    return [code.co_code.hex(), repr(constants), code.co_names, inner, read]


def _read(code: types.CodeType, scope: dict[str, Any]) -> dict[str, Any]:
    """The values of global names, of what is taken from modules of the suite, and of imports within the function."""
    found: dict[str, Any] = {}
    imported: dict[str, tuple[str, Any]] = {}  # names that an import within the function gave
    path, value, module = "", None, ("", None)
    for step in dis.get_instructions(code):
        name = step.argval
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and name in scope:
            path, value = name, scope[name]
        elif step.opname.startswith("LOAD_FAST") and name in imported:
            path, value = imported[name]
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and _is_our_module(value):
            path, value = f"{path}.{name}", getattr(value, name, None)
        elif step.opname == "IMPORT_NAME":
            module = (name, importlib.import_module(name) if _ours(name) else None)
            path, value = module
        elif step.opname == "IMPORT_FROM" and module[1] is not None:
            path, value = f"{module[0]}.{name}", getattr(module[1], name, None)
        elif step.opname == "STORE_FAST" and value is not None:
            imported[name] = (path, value)
            continue
        else:
            value = None
            continue
        if value is not None and not isinstance(value, types.ModuleType):
            found[path] = value
    return found


def _is_our_module(value: Any) -> bool:
    # Exactly this type: asking a lazy module (a library's) for anything would load it.
    return type(value) is types.ModuleType and _ours(value.__name__)
