"""What a result depends on: the source of a function and the constants it reads.

Features and finished training runs are reused only while this is unchanged. Changing a constant at the top of
a `run.py` therefore changes exactly the cells that read it, and rewording a docstring changes none.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import sys
import sysconfig
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ser_keras.support.files import digest

LIBRARIES = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}


def fingerprint(function: Callable) -> str:
    """A name (16 hexadecimal digits) of the function's behaviour as far as its source tells.

    Covered: its source without docstrings and comments, its defaults and closure, the constants that it reads,
    and, in the same way, every function and class that it calls in the same script or in `ser_keras`. Other
    libraries count by name; their versions are recorded beside each result.

    Example:
        >>> RATE = 8000
        >>> def seconds(y):
        ...     return len(y) / RATE
        >>> fingerprint(seconds)  # doctest: +SKIP
        '3f0c0f7c8a0d9a52'
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
    if hasattr(value, "__wrapped__"):
        return _describe(value.__wrapped__, seen)
    if isinstance(value, (types.FunctionType, types.MethodType, type)) and _ours(value):
        return _describe_code(value, seen | {id(value)})
    if isinstance(value, (types.ModuleType, types.BuiltinFunctionType, types.FunctionType, type)):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value.__class__)}"
    return repr(value)


def _ours(value: Any) -> bool:
    """Whether the code belongs to the suite or to a script beside it, not to Python or an installed library."""
    if value.__module__.split(".")[0] in ("__main__", "ser_keras"):
        return True
    file = getattr(sys.modules.get(value.__module__), "__file__", None)
    return file is not None and not any(Path(file).is_relative_to(place) for place in LIBRARIES)


def _describe_code(value: Any, seen: frozenset[int]) -> list:
    nodes = _find(value)
    if nodes is None:  # typed at a prompt
        code = getattr(value, "__code__", None)
        return [value.__qualname__, code and [code.co_code.hex(), repr(code.co_consts)]]
    names = dict(vars(sys.modules[value.__module__]))
    function = getattr(value, "__func__", value)
    if closure := getattr(function, "__closure__", None):
        names |= {n: cell.cell_contents for n, cell in zip(function.__code__.co_freevars, closure, strict=True)}
    read = {}
    for node in nodes:
        read |= _names_read(node, names)
    return [
        [ast.unparse(node) for node in nodes],
        {path: _describe(read[path], seen) for path in sorted(read)},
    ]


def _find(value: Any) -> list[ast.AST] | None:
    """The syntax trees of a function or class; of all lambdas on its line for a lambda."""
    code = getattr(value, "__code__", None)
    module = sys.modules.get(value.__module__)
    file = code.co_filename if code else getattr(module, "__file__", None)
    tree = _parsed(file) if file else None
    if tree is None:
        return None
    last = value.__qualname__.split(".")[-1]
    found = []
    for node in ast.walk(tree):
        if code is None:
            hit = isinstance(node, ast.ClassDef) and node.name == last
        elif last == "<lambda>":
            hit = isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno
        else:
            hit = isinstance(node, ast.FunctionDef) and node.name == last
            hit = hit and code.co_firstlineno in (node.lineno, *(d.lineno for d in node.decorator_list))
        if hit:
            found.append(node)
    return found or None


@functools.cache
def _parsed(file: str) -> ast.AST | None:
    """The file's syntax tree without docstrings and annotations, which change no number."""
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return None
    for node in ast.walk(tree):
        is_code = isinstance(node, (ast.FunctionDef, ast.ClassDef))
        if is_code and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in (*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs):
                argument.annotation = None
    return tree


def _names_read(tree: ast.AST, scope: dict[str, Any]) -> dict[str, Any]:
    """Global names in the code and, through modules of the suite, the attributes taken of them."""
    read: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in scope:
            value = scope[node.id]
            if not isinstance(value, types.ModuleType):
                read[node.id] = value
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = scope.get(node.value.id)
            # Exactly this type: asking a lazy module (a library's) for anything would load it.
            if type(owner) is types.ModuleType and owner.__name__.startswith("ser_keras"):
                read[f"{node.value.id}.{node.attr}"] = getattr(owner, node.attr, None)
    return read
