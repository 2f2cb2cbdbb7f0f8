"""What a person or a script reads: tables, JSON, errors, progress."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from wfstore.errors import WfstoreError

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Write `value` as indented JSON to standard output."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    sys.stdout.write(orjson.dumps(value, option=options, default=_plain).decode())


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table to standard output; numbers align to the right, None shows as a dash."""
    rows = [list(row) for row in rows]
    shown = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        numeric = any(isinstance(row[index], int | float) for row in rows)
        shown.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        shown.add_row(*("-" if cell is None else _cell(cell) for cell in row))
    out.print(shown)


def progress() -> Progress:
    """Make a progress bar on standard error; none where that is not a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def note(message: str) -> None:
    """Tell the person at the terminal something that is not the result."""
    err.print(message, soft_wrap=True, markup=False)


def fail(error: WfstoreError) -> None:
    """Say on standard error what went wrong and what to do next."""
    err.print(f"wfstore: {error}", style="red", soft_wrap=True, markup=False)
    if error.hint:
        err.print(f"  {error.hint}", soft_wrap=True, markup=False)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return str(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump()
    raise TypeError(f"{type(value).__name__} is not JSON")
