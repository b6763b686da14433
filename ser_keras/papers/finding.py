"""A paper's finding: plain words in which every number is looked up in the results.

It is a Jinja2 template, cut down to what sentences need: text, lookups, `set`, `for`, `if`, `~` and `join`. No
attribute, no other filter and no other function is in reach, loops and texts have an end, and it is tried when
`paper.toml` is read: whoever wrote the file, it is data.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from ser_keras.support.errors import SerError
from ser_keras.support.messages import did_you_mean, escaped, shortened
from ser_keras.support.metric import Metric

LONGEST = 20_000  # characters, of the template and of what it becomes
STEPS = 1_000  # of all loops together
NAME = re.compile(r"[A-Za-z0-9][\w.@-]*", re.ASCII)  # of corpora, protocols and variants with their marks
KINDS = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Tuple, nodes.List),
    *(nodes.Assign, nodes.For, nodes.If, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Call, nodes.Keyword, nodes.Concat, nodes.Filter),
)
WORDS = {"getattr": "an attribute", "getitem": "an item in square brackets", "dict": "a table", "test": "is"}


@dataclass(frozen=True)
class Lookup:
    """One question that a finding asks of the results.

    Attributes:
        name: The lookup's name.
        corpus: Corpus.
        protocol: Protocol.
        variants: The recipe, marks included, and for a difference the one that is subtracted.
        metrics: Metrics, by name.
    """

    name: str
    corpus: str
    protocol: str
    variants: tuple[str, ...]
    metrics: tuple[str, ...]


def _of_one(corpus: str, protocol: str, variant: str, metric: str = "accuracy") -> tuple[Any, ...]:
    return corpus, protocol, (variant,), (metric,)


def _of_two(corpus: str, protocol: str, variant: str, against: str, metric: str = "accuracy") -> tuple[Any, ...]:
    return corpus, protocol, (variant, against), (metric,)


def _of_several(corpus: str, protocol: str, variant: str, against: str, *metrics: str) -> tuple[Any, ...]:
    return corpus, protocol, (variant, against), metrics


ARGUMENTS = dict.fromkeys(("mean", "each", "highest", "speakers", "interval", "verdict"), _of_one) | {
    "difference": _of_two,
    "gains": _of_several,
}


class _FaultError(Exception):
    """What is wrong with a template, as a sentence."""


def render(template: str, lookups: Mapping[str, Callable[..., Any]]) -> str:
    """The finding in words.

    Args:
        template: As `paper.toml` has it.
        lookups: The function behind each name of `ARGUMENTS`.

    Raises:
        SerError: The template is not valid, or becomes longer than `LONGEST`.

    Example:
        >>> render('It got {{ mean("ravdess", "paper", "v") }}.', {"mean": lambda *asked: "62.0 %"})
        'It got 62.0 %.'
    """
    try:
        return _rendered(template, lookups)
    except (_FaultError, jinja2.TemplateError, RecursionError) as error:
        raise SerError(f"paper.toml: finding: {_told(error)}") from error


def asked(template: str) -> list[Lookup]:
    """What a finding looks up, whichever way its conditions go.

    Args:
        template: As `paper.toml` has it.

    Returns:
        Names and arguments, in the order in which they are met.

    Raises:
        SerError: The template is not valid.

    Example:
        >>> len(asked("{{ mean('ravdess', 'paper', 'v') }}"))
        1
    """
    found, wrong = _tried(template)
    if wrong:
        raise SerError("\n".join(f"paper.toml: finding: {sentence}" for sentence in wrong))
    return found


def faults(template: str) -> list[str]:
    """What is wrong with a finding, a sentence each: it is rendered with stand-ins for the results.

    Args:
        template: As `paper.toml` has it.

    Returns:
        None where it is valid.

    Example:
        >>> faults("{{ maen('ravdess', 'paper', 'v') }}")
        ["line 1: there is no lookup 'maen'; did you mean 'mean'?"]
    """
    return _tried(template)[1]


def _tried(template: str) -> tuple[list[Lookup], list[str]]:
    """The lookups and the faults of a template; of its conditions on results both branches are tried."""
    found: list[Lookup] = []
    wrong: list[str] = []
    for gained in (True, False):
        try:
            _rendered(template, {name: _stand_in(name, found, wrong, gained=gained) for name in ARGUMENTS})
        except Exception as error:  # whatever a template sets off is the template's fault: the stand-ins have none
            wrong.append(_told(error))
    return list(dict.fromkeys(found)), list(dict.fromkeys(wrong))


def _stand_in(name: str, found: list[Lookup], wrong: list[str], *, gained: bool) -> Callable[..., Any]:
    """A lookup that notes what it is asked, and what is wrong with that."""
    signature = inspect.signature(ARGUMENTS[name])

    def look_up(*given: Any, **named: Any) -> Any:
        try:
            signature.bind(*given, **named)
        except TypeError as error:
            raise _FaultError(f"{name}: {error}") from error
        if strange := [type(value).__name__ for value in (*given, *named.values()) if not isinstance(value, str)]:
            raise _FaultError(f"{name} takes texts alone, not {', '.join(strange)}")
        lookup = Lookup(name, *ARGUMENTS[name](*given, **named))
        names = (lookup.corpus, lookup.protocol, *lookup.variants)
        wrong.extend(f"{name}: {shortened(value)} is no name" for value in names if not NAME.fullmatch(value))
        wrong.extend(f"{name}: {sentence}" for metric in lookup.metrics for sentence in _no_number(name, metric))
        found.append(lookup)
        if name == "gains":
            return [Metric.parse(metric).short for metric in lookup.metrics] if gained else []
        return "0.0 ± 0.0 %"

    return look_up


def _no_number(name: str, metric: str) -> Iterator[str]:
    """Why a lookup cannot give a metric, if so."""
    try:
        parsed = Metric.parse(metric)
    except ValueError as error:
        yield str(error)
        return
    if not parsed.per_cent:
        yield f"{metric!r} is not in per cent"
    elif name == "speakers" and str(parsed.of_unit("")) != "accuracy":
        yield f"of single speakers there is the accuracy alone, not {metric!r}"


def _rendered(template: str, lookups: Mapping[str, Callable[..., Any]]) -> str:
    if len(template) > LONGEST:
        raise _FaultError(f"it has {len(template):,} characters; {LONGEST:,} are allowed")
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        optimized=False,
        finalize=_text,
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters = {"join": _join, "counted": _counter()}
    tree = environment.parse(template)
    _check(tree, ARGUMENTS)
    compiled = environment.from_string(_Bounded().visit(tree))
    parts, length = [], 0
    for part in compiled.generate(lookups):
        parts.append(part)
        length += len(part)
        if length > LONGEST:
            raise _FaultError(f"it becomes longer than {LONGEST:,} characters")
    return "".join(parts).strip()


def _check(tree: nodes.Template, lookups: Mapping[str, Any]) -> None:
    """Refuse what a finding has no use for, before any of it is executed."""
    everything = list(tree.find_all(nodes.Node))
    known = {node.name for node in everything if isinstance(node, nodes.Name) and node.ctx == "store"}
    called = {id(node.node) for node in everything if isinstance(node, nodes.Call)}
    for node in everything:
        at = f"line {node.lineno}: " if node.lineno else ""
        if not isinstance(node, KINDS) or getattr(node, "recursive", False) or getattr(node, "dyn_kwargs", None):
            kind = type(node).__name__.lower()
            raise _FaultError(
                f"{at}{WORDS.get(kind, kind)} is not allowed; a finding has {', '.join(lookups)}, set, for, if"
            )
        if isinstance(node, nodes.Filter) and node.name != "join":
            raise _FaultError(f"{at}there is no filter {node.name!r}; a finding has join alone")
        if isinstance(node, nodes.Call) and not isinstance(node.node, nodes.Name):
            raise _FaultError(f"{at}lookups alone can be called: {', '.join(lookups)}")
        if not isinstance(node, nodes.Name):
            continue
        if node.ctx != "load" and node.name in lookups:
            raise _FaultError(f"{at}{node.name!r} is a lookup; choose another name")
        if id(node) in called and node.name not in lookups:
            raise _FaultError(f"{at}there is no lookup {node.name!r}{did_you_mean(node.name, lookups)}")
        if node.name not in known and node.name not in lookups:
            raise _FaultError(f"{at}{node.name!r} is not set{did_you_mean(node.name, known)}")


class _Bounded(NodeTransformer):
    """Sends every loop through a counter, and every joining of texts through one that knows how long they get."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 (named by Jinja)
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "counted", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        together = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(together, "join", [], [], None, None, lineno=node.lineno)


def _counter() -> Callable[[Any], Iterator[Any]]:
    steps = iter(range(STEPS))

    def counted(values: Any) -> Iterator[Any]:
        if not isinstance(values, (list, tuple)):
            raise _FaultError("for goes through lists, not through a text")
        for value in values:
            if next(steps, None) is None:
                raise _FaultError(f"its loops have more than {STEPS:,} steps")
            yield value

    return counted


def _text(value: Any) -> Any:
    """What may be printed as it is: nothing whose text could be endless, or tell of the program."""
    if isinstance(value, (str, int, float, jinja2.Undefined)):
        return value  # an undefined one raises its own error
    raise _FaultError(f"a {type(value).__name__} cannot be printed; join its parts")


def _join(values: Any, between: str = "") -> str:
    if not isinstance(values, (list, tuple)) or not isinstance(between, str):
        raise _FaultError("join takes a list, and the text that stands between")
    texts = [str(_text(value)) for value in values]
    if sum(map(len, texts)) + len(between) * len(texts) > LONGEST:
        raise _FaultError(f"a text in it is longer than {LONGEST:,} characters")
    return between.join(texts)


def _told(error: Exception) -> str:
    if isinstance(error, _FaultError):
        return str(error)
    said = escaped(str(error).splitlines()[0] if str(error) else type(error).__name__, longest=200)
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"line {error.lineno}: {said}"
    return f"it cannot be rendered: {said}"
