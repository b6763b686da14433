"""`ser-keras VERB`, the same as `python -m ser_keras VERB`: each verb a thin layer over a function."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from ser_keras.commands.ending import explained
from ser_keras.commands.flags import Parser

# Verb -> (module in this room, what it does). The module has `arguments(parser)` and `command(args) -> exit code`.
VERBS = {
    "reproduce": "all papers, or some, on the corpora that are here, with one table at the end",
    "predict": "what a trained model says of recordings of your own",
    "export": "a finished run's model as one folder, with its card",
    "audit": "is a split of your own leaked?",
    "merge": "join output folders of several machines",
    "corpora": "which corpora are here, whether they are whole, and how to get each",
    "report": "renew tables, figures and READMEs of papers from committed runs",
    "site": "a static site of all papers",
    "reference": "pages of the public names, from their docstrings",
    "check": "are all committed and local runs whole, and do they still count?",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run a verb and exit with its code.

    Args:
        argv: The verb and its flags; None for those of the process.

    Raises:
        SystemExit: Always, with the exit code.
    """
    with explained():
        arguments = list(sys.argv[1:] if argv is None else argv)
        parser = Parser(prog="ser-keras", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
        for verb, does in VERBS.items():
            module = importlib.import_module(f"ser_keras.commands.{verb}") if arguments[:1] == [verb] else None
            sub = verbs.add_parser(verb, help=does, description=does.capitalize() + ".", allow_abbrev=False)
            if module is not None:
                module.arguments(sub)
                sub.set_defaults(command=module.command)
        args = parser.parse_args(arguments)
        raise SystemExit(args.command(args))
