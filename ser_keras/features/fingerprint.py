"""What a function's values depend on, for the cache of features: its code, and everything of the suite that it reads.

This only decides whether features are computed again, so it may see a difference where there is none (another version
of Python, say). It must never miss one: code in a notebook's cell, a helper in another module and an import within a
function count, and `Extraction.key` adds what the function gives on fixed signals.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import importlib
import importlib.util
import pickle
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
READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLOSURE")
NO_NAME = ("STORE_ATTR", "STORE_SUBSCR", "STORE_SLICE")
Names = dict[str, tuple[str, Any]]
ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # where an object lies differs in every process


def fingerprint(function: Callable) -> str:
    """A name (16 hexadecimal digits) of a function's code, its defaults and closure, and the constants it reads.

    Covered in the same way is every function and class that it calls in the same script or cell, in modules beside
    it, or in `ser_keras`. Other libraries count by name; their versions are part of the cache's key.

    Args:
        function: Any callable; a partial counts with its arguments.

    Returns:
        16 hexadecimal digits.

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
    return _object(value, seen)


def _object(value: Any, seen: frozenset[int]) -> Any:
    """A number, a text, or an object with all that it holds."""
    state = getattr(value, "__dict__", {})
    if _ours(type(value).__module__) or isinstance(value, types.SimpleNamespace):
        seen |= {id(value)}
        slots = {name: getattr(value, name, None) for name in getattr(type(value), "__slots__", ())}
        return [_class(type(value), seen), _describe(state | slots, seen)]
    if state or type(value).__module__.split(".")[0] not in ("builtins", "pathlib"):
        try:  # an object of a library: a table, an interpolation
            return hashlib.sha256(pickle.dumps(value)).hexdigest()
        except Exception:
            return [type(value).__qualname__, ADDRESS.sub("", repr(value))]
    return ADDRESS.sub("", repr(value))


def _ours(module: str | None) -> bool:
    """Whether a module belongs to the suite, a script or a notebook, not to Python or an installed library."""
    if module is None or module.split(".")[0] in ("__main__", "ser_keras"):
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    if module not in sys.modules:  # imported within a function that has not been called yet
        try:
            file = importlib.util.find_spec(module).origin
        except (ImportError, AttributeError, ValueError):
            return False
    return file is not None and not any(Path(file).is_relative_to(place) for place in LIBRARIES)


def _class(value: type, seen: frozenset[int]) -> list:
    seen |= {id(value)}
    members = {n: m for n, m in vars(value).items() if not n.startswith("__") or n in ("__call__", "__init__")}
    return [value.__qualname__, [_describe(base, seen) for base in value.__bases__], _describe(members, seen)]


def _function(value: Any, seen: frozenset[int]) -> list:
    function = getattr(value, "__func__", value)
    seen |= {id(value), id(function)}
    closure = [_content(cell) for cell in function.__closure__ or ()]
    given = [function.__defaults__, function.__kwdefaults__, closure, getattr(value, "__self__", None)]
    return [*_code(function.__code__, function.__globals__, seen), _describe(given, seen)]


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _code(code: types.CodeType, scope: dict[str, Any], seen: frozenset[int], imported: Names | None = None) -> list:
    """Instructions, constants without the docstring, and what stands behind the names that are read."""
    constants = [c for c in code.co_consts if not isinstance(c, types.CodeType)]
    if constants and isinstance(constants[0], str) and code.co_flags & 0x02:  # a function's docstring, or a constant
        constants = constants[1:]
    found, imported = _read(code, scope, imported or {})
    inner = [_code(c, scope, seen, imported) for c in code.co_consts if isinstance(c, types.CodeType)]
    read = {name: _describe(value, seen) for name, value in sorted(found.items())}
    return [code.co_code.hex(), repr(constants), code.co_names, inner, read]


def _read(code: types.CodeType, scope: dict[str, Any], imported: Names) -> tuple[dict[str, Any], Names]:
    """The values of global names, of what is taken from modules of the suite, and of imports within the function.

    Args:
        code: A function's.
        scope: Its module's names.
        imported: Names that an import within the function around it gave.

    Returns:
        Path -> value, and the names that imports have given so far.
    """
    found: dict[str, Any] = {}
    imported = dict(imported)
    path, value, module, wanted = "", None, ("", None), None
    for step in dis.get_instructions(code):
        # From 3.13 on, one step may do two: store or load the first name, then load the second.
        first, name = (
            step.argval if isinstance(step.argval, tuple) and step.opname != "LOAD_CONST" else [step.argval] * 2
        )
        if step.opname.startswith("STORE_") and not step.opname.startswith(NO_NAME) and value is not None:
            imported[first] = (path, value)
            if "_LOAD_" not in step.opname:
                continue
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and name in scope:
            path, value = name, scope[name]
        elif (step.opname in READS or "LOAD_FAST" in step.opname) and name in imported:
            path, value = imported[name]
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and _is_our_module(value):
            path, value = f"{path}.{name}", getattr(value, name, None)
        elif step.opname == "IMPORT_NAME":
            path, value = module = _imported(name, whole=wanted is not None)
        elif step.opname == "IMPORT_FROM" and module[1] is not None:
            path, value = f"{module[0]}.{name}", _taken(module[1], name)
        elif step.opname == "POP_TOP" and value is not None:  # import a.b as c: from here on, from a.b
            module = (path, value)
        elif step.opname not in ("SWAP", "ROT_TWO"):
            wanted, value = step.argval, None  # before an import: the names that are taken from the module
        if value is not None and not isinstance(value, types.ModuleType):
            found[path] = value
    return found, imported


def _imported(name: str, *, whole: bool) -> tuple[str, Any]:
    """The module that an import gives: `a.b` for `from a.b import c`, `a` for `import a.b`."""
    if not name or not _ours(name):
        return name, None
    importlib.import_module(name)
    name = name if whole else name.split(".")[0]
    return name, sys.modules[name]


def _taken(module: Any, name: str) -> Any:
    """What `from module import name` gives: something in it, or a module below it that need not be loaded yet."""
    if not hasattr(module, name) and isinstance(module, types.ModuleType):
        try:
            return importlib.import_module(f"{module.__name__}.{name}")
        except ImportError:
            return None
    return getattr(module, name, None)


def _is_our_module(value: Any) -> bool:
    # Exactly this type: asking a lazy module (a library's) for anything would load it.
    return type(value) is types.ModuleType and _ours(value.__name__)
