"""The flags that all papers share, and what they mean as options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from ser_keras.runs.options import Options
from ser_keras.runs.precision import AUTO
from ser_keras.support.errors import SerError
from ser_keras.support.messages import did_you_mean
from ser_keras.training.recipe import PRECISIONS


class Parser(argparse.ArgumentParser):
    """A parser whose errors say what was meant."""

    def error(self, message: str) -> NoReturn:
        """Print the error without the whole usage, and exit with 2.

        Args:
            message: What is wrong.
        """
        self.exit(2, f"{self.prog}: {message}\nWhat there is: {self.prog} --help\n")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """As argparse's, with a suggestion for a choice that is not known."""
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            near = did_you_mean(str(value), known) or f"; there are {', '.join(known)}"
            raise argparse.ArgumentError(action, f"there is no {str(value)!r}{near}")

    def parse_args(self, args: Sequence[str] | None = None, namespace: object = None) -> argparse.Namespace:
        """As argparse's, with a suggestion for a flag that is not known.

        Args:
            args: The command line; None for that of the process.
            namespace: As argparse's.

        Returns:
            The parsed flags.

        Raises:
            SystemExit: With code 2 for wrong use, with 0 after `--help`.
        """
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            flags = [flag for parser in self._all() for action in parser._actions for flag in action.option_strings]
            self.error(f"{unknown[0]} is no flag{did_you_mean(unknown[0].split('=')[0], flags)}")
        return found

    def _all(self) -> Iterator[Parser]:
        """This parser and those of its verbs."""
        yield self
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from action.choices.values()


def parser(
    *, description: str, paper: str, corpora: Sequence[str], protocols: Sequence[str], variants: Sequence[str]
) -> Parser:
    """The command line of one paper.

    Args:
        description: Of the paper, for `--help`.
        paper: Its key.
        corpora: Names of its corpora.
        protocols: Names of its protocols.
        variants: Names of its variants.

    Returns:
        A parser, whose flags `options` reads.
    """
    p = Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    data_flags(p)
    what = p.add_argument_group("what to run (default: what the paper's tables need)")
    what.add_argument("--corpus", nargs="+", metavar="NAME", default=[], help=f"of: {', '.join(corpora)}; or any other")
    for name, known in (("protocol", protocols), ("variant", variants)):
        one_of = _one_of(name, known)
        what.add_argument(
            f"--{name}", nargs="+", metavar="NAME", type=one_of, default=[], help=f"of: {', '.join(known)}"
        )
    slice_flags(what)
    what.add_argument(
        "--epochs",
        type=positive,
        metavar="N",
        help="another number of epochs; results are marked as not the paper's",
    )
    how = p.add_argument_group("how to run")
    how.add_argument("--out", type=Path, metavar="DIR", help=f"default: runs/{paper}")
    cluster_flag(how)
    how.add_argument("--jobs", type=jobs, default=-1, metavar="N", help="parallel workers for features (default: all)")
    how.add_argument(
        "--precision",
        choices=(*PRECISIONS, AUTO),
        default="float32",
        help="other than float32 is marked in every table; auto: bfloat16 where the machine has it and paired runs "
        "have shown that a recipe's accuracy stays the same, else float32",
    )
    how.add_argument("--keep-models", action="store_true", help="keep every run's model, not one a variant")
    how.add_argument("--fresh", action="store_true", help="run again what is finished; otherwise it is reused")
    how.add_argument(
        "--tables-only",
        action="store_true",
        help="rebuild tables and figures from finished runs; networks are not compared",
    )
    how.add_argument(
        "--publish",
        action="store_true",
        help="also add the runs to this paper's results/ and renew its README.md; runs that are committed there "
        "are not made again (for maintainers)",
    )
    return p


def data_flags(parser: argparse.ArgumentParser) -> None:
    """Where recordings and features lie.

    Args:
        parser: To which the flags are added.
    """
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="where corpora lie (DIR/ravdess, DIR/emodb, ...); else $SER_KERAS_DATA; else the per-user data "
        "folder, into which open corpora are downloaded",
    )
    data.add_argument(
        "--demo", action="store_true", help="use the built-in synthetic corpus; tables then say SYNTHETIC"
    )
    data.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave unusable recordings out in place of stopping; tables count them",
    )
    data.add_argument("--cache", type=Path, metavar="DIR", help="where features are kept (default: per-user cache)")


def cluster_flag(how: argparse._ActionsContainer) -> None:
    """Where runs are made.

    Args:
        how: To which the flags are added.
    """
    how.add_argument(
        "--cluster",
        type=_cluster,
        metavar="ADDRESS",
        help="make the runs on a Dask cluster: its scheduler's address (tcp://10.0.0.1:8786), or local:N for N "
        "processes of this machine (needs ser-keras[cluster]; docs/clusters.md)",
    )


def slice_flags(what: argparse._ActionsContainer) -> None:
    """Which of the runs.

    Args:
        what: To which the flags are added.
    """
    seeds = what.add_mutually_exclusive_group()
    seeds.add_argument("--seeds", type=positive, default=1, metavar="N", help="seeds 0 .. N-1 (default: 1)")
    seeds.add_argument("--seed", type=whole, nargs="+", metavar="S", help="just these seeds")
    what.add_argument("--fold", type=whole, nargs="+", metavar="F", help="just these folds, from 0")
    what.add_argument(
        "--shard", type=_shard, metavar="I/N", help="every N-th of these runs, from the I-th: one of N machines' share"
    )


def seeds(args: argparse.Namespace) -> tuple[int, ...]:
    """The seeds that are asked for.

    Args:
        args: The parsed flags.

    Returns:
        In the order given; else from 0.
    """
    return tuple(args.seed) if args.seed is not None else tuple(range(args.seeds))


def options(args: argparse.Namespace, paper: str) -> Options:
    """The parsed flags as options.

    Args:
        args: The parsed flags.
        paper: Its key, for the default output folder.

    Raises:
        ValueError: Flags exclude each other.
    """
    for one, other in (("demo", "corpus"), ("demo", "data"), ("tables_only", "fresh"), ("demo", "publish")):
        if getattr(args, one) and getattr(args, other):
            raise ValueError(f"--{one.replace('_', '-')} and --{other} exclude each other")
    return Options(
        out=args.out or Path("runs") / paper,
        data=args.data,
        cache=args.cache,
        corpora=tuple(args.corpus),
        protocols=tuple(args.protocol),
        variants=tuple(args.variant),
        seeds=seeds(args),
        folds=tuple(args.fold) if args.fold is not None else None,
        shard=args.shard,
        epochs=args.epochs,
        precision=args.precision,
        jobs=args.jobs,
        demo=args.demo,
        skip_bad=args.skip_bad,
        fresh=args.fresh,
        tables_only=args.tables_only,
        publish=args.publish,
        keep_models=args.keep_models,
        cluster=args.cluster,
    )


def _one_of(what: str, known: Sequence[str]) -> Callable[[str], str]:
    """A type of flag: one of some names, with a suggestion for a misspelt one."""

    def read(text: str) -> str:
        if text not in known:
            near = did_you_mean(text, known) or f"; there are {', '.join(known)}"
            raise argparse.ArgumentTypeError(f"there is no {what} {text!r}{near}")
        return text

    return read


def whole(text: str) -> int:
    """A whole number from 0.

    Args:
        text: As given.

    Raises:
        argparse.ArgumentTypeError: It is none.

    Example:
        >>> whole("12")
        12
    """
    if not text.isdecimal() or not text.isascii():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1.

    Args:
        text: As given.

    Raises:
        argparse.ArgumentTypeError: It is none.

    Example:
        >>> positive("12")
        12
    """
    if not text.isdecimal() or not text.isascii() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def _cluster(text: str) -> str:
    from ser_keras.runs.local_workers import local_number

    try:
        local_number(text)
    except SerError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def jobs(text: str) -> int:
    """A number of workers: from 1, or -1 for every core.

    Args:
        text: As given.

    Raises:
        argparse.ArgumentTypeError: It is none.

    Example:
        >>> jobs("-1"), jobs("2")
        (-1, 2)
    """
    return -1 if text == "-1" else positive(text)


def _shard(text: str) -> tuple[int, int]:
    first, slash, of = text.partition("/")
    if not slash or not (first.isdecimal() and of.isdecimal()) or not 1 <= int(first) <= int(of):
        raise argparse.ArgumentTypeError(f"{text!r} is no share of the runs; the second of four is 2/4")
    return int(first), int(of)


def refuse(message: str) -> NoReturn:
    """End with a sentence, as for wrong use.

    Args:
        message: For standard error.

    Raises:
        SystemExit: Always, with code 2.
    """
    print(message, file=sys.stderr)
    raise SystemExit(2)
