"""A paper's script with one constant at its top changed, to see which runs that touches."""

import ast
import importlib.util
import itertools
import sys

NUMBERS = itertools.count()


def leaves(source):
    """(constant, position of the literal in it, its value) for each literal of each constant at the top of a script."""
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign):
            continue
        for names, value in _pairs(node):
            name = "+".join(names)
            if not all(n.isupper() for n in names) or name in ("PROTOCOLS", "EXPERIMENT", "VARIANTS"):
                continue
            found = [n for n in ast.walk(value) if isinstance(n, ast.Constant) and _changed(n.value) is not None]
            for position, literal in enumerate(found):
                yield name, position, literal


def _pairs(node):
    (target,) = node.targets
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
        yield from (([t.id], v) for t, v in zip(target.elts, node.value.elts, strict=True))
    elif isinstance(target, ast.Tuple):
        yield [t.id for t in target.elts], node.value
    else:
        yield [target.id], node.value


def _changed(value):
    """Another value of the same kind; None for what is not changed."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 1.25
    return None


def changed(source, literal):
    """The source with one literal replaced."""
    lines = source.splitlines(keepends=True)
    line = lines[literal.lineno - 1].encode()
    new = line[: literal.col_offset] + repr(_changed(literal.value)).encode() + line[literal.end_col_offset :]
    lines[literal.lineno - 1] = new.decode()
    return "".join(lines)


def experiment(source, folder):
    """The experiment of a script that is not a file of the project."""
    name = f"changed_{next(NUMBERS)}"
    path = folder / "run.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.EXPERIMENT
