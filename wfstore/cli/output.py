"""What a person or a script reads: tables, JSON, errors, progress."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from wfstore.errors import WfstoreError

_PIPE_WIDTH = 240
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_SPANS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))

# A pipe has no width; eighty columns would cut what somebody wants to grep.
out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Write `value` as indented JSON to standard output."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    sys.stdout.write(orjson.dumps(value, option=options, default=_plain).decode())


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table to standard output: numbers to the right, None as a dash, nothing cut off."""
    rows = [list(row) for row in rows]
    shown = Table()
    for index, column in enumerate(columns):
        numeric = any(isinstance(row[index], int | float) for row in rows)
        shown.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        # as Text: what stands in brackets is no markup
        shown.add_row(*(Text("-" if cell is None else _cell(cell)) for cell in row))
    out.print(title, style="bold", markup=False)
    out.print(shown)


def size(count: int) -> str:
    """Return a number of bytes as people read it: 18.5 MB."""
    value = float(count)
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("unreachable: the last unit returns")


def duration(milliseconds: float) -> str:
    """Return a duration as people read it, in its two largest units: 3 h 12 min, 4.2 s, 17 ms."""
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    for (unit, span), (smaller, smaller_span) in pairwise(_SPANS):
        if milliseconds >= span:
            whole, rest = divmod(int(milliseconds), span)
            return f"{whole} {unit} {rest // smaller_span} {smaller}"
    raise AssertionError("unreachable: a minute is the smallest span left")


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
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump()
    raise TypeError(f"{type(value).__name__} is not JSON")
