"""Tables on the screen."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table


def show(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table."""
    table = Table(title=title)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    Console(width=130).print(table)
