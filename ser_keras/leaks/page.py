"""The findings of an audit as one page that needs nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from ser_keras.leaks.audit import Leaks

LISTED = 200  # pairs on the page; all of them are in the JSON
VERDICTS = ("clean", "leak", "not judged")


def html(found: Leaks, *, at: Path) -> str:
    """The page, with players for the examples.

    Args:
        found: What the audit found.
        at: Where the page will lie; players name recordings relative to it.

    Returns:
        HTML, self-contained but for the recordings.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ser_keras.leaks", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = Path(at).resolve().parent

    def link(path: str) -> str:
        try:
            return quote(os.path.relpath(os.path.realpath(path), folder).replace(os.sep, "/"))
        except ValueError:  # another drive
            return Path(path).resolve().as_uri()

    return environment.get_template("page.html.j2").render(
        found=found, verdict=VERDICTS[found.code], link=link, listed=LISTED
    )
