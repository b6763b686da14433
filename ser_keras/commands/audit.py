"""`ser-keras audit`: is a split of your own leaked?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ser_keras.commands.flags import jobs


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's flags.

    Args:
        parser: To which they are added.
    """
    lists = "a CSV file or JSON lines with a column path (and speaker, text, start, end), or a folder of recordings"
    parser.add_argument("train", type=Path, metavar="TRAIN", help=f"what is trained on: {lists}")
    parser.add_argument("test", type=Path, metavar="TEST", help="what is tested, in the same form")
    parser.add_argument("--texts", action="store_true", help="sentences on both sides count as a leak, too")
    parser.add_argument(
        "--no-speakers", action="store_true", help="leave aside who speaks; otherwise lists without it are not judged"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with the pairs to listen to")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all findings as JSON")
    parser.add_argument("--jobs", type=jobs, default=-1, metavar="N", help="parallel workers (default: all)")


def command(args: argparse.Namespace) -> int:
    """Audit and tell; the exit code: 0 clean, 1 leak, 2 could not be judged.

    Args:
        args: The parsed flags.
    """
    from ser_keras.leaks import audit, page
    from ser_keras.leaks.audit import UNDECIDED
    from ser_keras.support.errors import SerError
    from ser_keras.support.files import write_json, write_text

    try:
        found = audit(args.train, args.test, texts=args.texts, speakers=not args.no_speakers, jobs=args.jobs)
    except SerError as error:
        print(error, file=sys.stderr)
        return UNDECIDED
    print("\n".join(found.lines()))
    if args.json:
        write_json(args.json, found.to_json())
    if args.html:
        write_text(args.html, page.html(found, at=args.html))
    return found.code
