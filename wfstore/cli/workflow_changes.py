"""Showing people what differs between two documents: grouped by node, long values cut around what differs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, takewhile
from typing import Any

import orjson
from rich.text import Text

from wfstore.cli import output
from wfstore.documents.diff import Change, ChangeKind, Part
from wfstore.documents.drawing_words import clean, kind, subtype

_LONG = 70  # cells of a value
_LEAD = 20  # characters before what differs
_MARKS = {
    ChangeKind.ADDED: ("+", "green"),
    ChangeKind.REMOVED: ("-", "red"),
    ChangeKind.CHANGED: ("~", "yellow"),
}


def print_changes(changes: list[Change], *, indent: int = 0) -> None:
    """Write changes, those of one node, connection or note together under its name."""
    for line in shown(changes):
        output.out.print(Text(" " * indent) + line, soft_wrap=True)


def shown(changes: list[Change]) -> Iterator[Text]:
    """Yield what `print_changes` writes, line by line."""
    for (part, steps), group in groupby(changes, _owner):
        found = list(group)
        if part is Part.WORKFLOW:
            yield _heading("~", "yellow", "workflow", "")
        elif found[0].is_order:
            yield _line(0, found[0], found[0].subject)
            continue
        elif len(found[0].steps) == len(steps):
            mark, colour = _MARKS[found[0].kind]
            yield _heading(mark, colour, f"{part} {clean(found[0].subject)}", _details(found[0]))
            continue
        else:
            yield _heading("~", "yellow", f"{part} {clean(found[0].subject)}", "")
        details = [change for change in found if _is_n8n_detail(change, len(steps))]
        for change in found:
            if not _is_n8n_detail(change, len(steps)):
                yield from _value(change, len(steps))
        if details:
            count = f"{len(details)} change{'s' * (len(details) != 1)}"
            yield Text(f"    ~ n8n's own details differ ({count}; --json shows them)", style="yellow")


def _owner(change: Change) -> tuple[Part, tuple[Any, ...]]:
    """Return what a change is shown under: a node, or the workflow."""
    return change.part, () if change.part is Part.WORKFLOW else change.steps[:2]


def _is_n8n_detail(change: Change, owner_steps: int) -> bool:
    """Whether it is about what is kept only for an export to n8n: `meta.n8n`, or `meta` that holds nothing else."""
    steps = change.steps[owner_steps:]
    if change.part is Part.WORKFLOW and steps[0] == "settings":
        steps = steps[1:]
    value = change.old if change.new is None else change.new
    return steps[:2] == ("meta", "n8n") or (steps == ("meta",) and isinstance(value, dict) and list(value) == ["n8n"])


def _details(change: Change) -> str:
    """Say what an added or removed node is."""
    node = change.old if change.new is None else change.new
    return "  ".join(filter(None, (kind(node), subtype(node)))) if change.part is Part.NODE else ""


def _heading(mark: str, colour: str, text: str, details: str) -> Text:
    line = Text(f"{mark} {text}", style=colour)
    if details:
        line.append(f"  {details}", style="dim")
    return line


def _line(depth: int, change: Change, text: str) -> Text:
    mark, colour = _MARKS[change.kind]
    return Text(f"{'    ' * depth}{mark} {text}", style=colour)


def _value(change: Change, owner_steps: int) -> Iterator[Text]:
    """Write a change inside something: in one line, or old above new where these are long."""
    path = clean(Change(change.kind, change.part, change.steps[owner_steps:], None, None).path)
    if change.kind is ChangeKind.ADDED:
        yield _line(1, change, f"{path}: {short(change.new)}")
        return
    if change.kind is ChangeKind.REMOVED:
        yield _line(1, change, f"{path}: {short(change.old)}")
        return
    old, new = around(change.old, change.new)
    if len(old) + len(new) <= _LONG:
        yield _line(1, change, f"{path}: {old} → {new}")
        return
    yield _line(1, change, f"{path}:")
    for mark, colour, value in (("-", "red", old), ("+", "green", new)):
        yield Text(f"        {mark} {value}", style=colour)


def short(value: Any) -> str:
    """Return a value as JSON in one line, its end left out if it is long."""
    return _window(_json(value), 0)


def around(old: Any, new: Any) -> tuple[str, str]:
    """Return two values as JSON; of long ones the part in which they begin to differ."""
    texts = _json(old), _json(new)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))
    begin = max(same - _LEAD, 0) if max(map(len, texts)) > _LONG else 0
    return _window(texts[0], begin), _window(texts[1], begin)


def _window(text: str, begin: int) -> str:
    end = begin + _LONG
    rest = len(text) - end
    shown = clean(text[begin:end])
    return f"{'…' * (begin > 0)}{shown}{f'… ({rest:,} more characters)' if rest > 0 else ''}"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
