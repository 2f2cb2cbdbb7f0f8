"""Where in a JSON text something stands: a second look at a text that could not be read.

A scan without recursion, by tokens, as deep as the text may be. It is right up to the first fault and stops there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from wfstore.documents.limits import MAX_LEVELS
from wfstore.documents.paths import member

_TOKEN = re.compile(
    r"""(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<constant>NaN|-?Infinity)"""
    r"""|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)|(?P<mark>[{}\[\]:,])""",
    re.DOTALL,
)
_LONGEST = 60

FaultOf = Callable[[str, str], str | None]
"""Takes what a token is (`string`, `number`, `constant`) and its text; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where in its file a text begins: line and column, in characters, counted from 1."""

    line: int = 1
    column: int = 1

    def of(self, text: str, position: int) -> tuple[int, int]:
        """Return line and column, in the file, of a position in the text."""
        lines = text.count("\n", 0, position)
        column = position - text.rfind("\n", 0, position)
        return self.line + lines, column if lines else self.column + column - 1


@dataclass(frozen=True, slots=True)
class Place:
    """The first fault of a text."""

    message: str
    line: int
    """Counted from 1, as the column, which is in characters."""
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


@dataclass(slots=True)
class _Level:
    """An object or a list that is open."""

    is_object: bool
    key: str = ""
    index: int = 0
    seen: set[str] = field(default_factory=set)
    at_key: bool = True
    """The next string is a key."""


def find(text: str, fault_of: FaultOf, start: Start) -> Place | None:
    """Return the first key that stands twice, level too deep, or token in which `fault_of` sees a fault."""
    levels: list[_Level] = []
    for token in _TOKEN.finditer(text):
        kind, literal = token.lastgroup or "", token.group()
        if kind == "mark":
            message = _mark(literal, levels)
        else:
            message = _key(literal, levels) if kind == "string" else None
            fault = None if message else fault_of(kind, literal)
            if fault:
                message = f"{shortened(literal)}{_where(levels)} {fault}"
        if message:
            return Place(message, *start.of(text, token.start()))
    return None


def _mark(mark: str, levels: list[_Level]) -> str | None:
    if mark in "{[":
        levels.append(_Level(mark == "{"))
        return f"is nested more than {MAX_LEVELS} levels deep" if len(levels) > MAX_LEVELS else None
    if mark in "}]":
        if levels:
            levels.pop()
    elif levels and mark == ",":
        levels[-1].index += 1
        levels[-1].at_key = True
    elif levels:
        levels[-1].at_key = False
    return None


def _key(literal: str, levels: list[_Level]) -> str | None:
    """Take note of a string that is a key; say so if there was one like it."""
    if not levels or not levels[-1].is_object or not levels[-1].at_key:
        return None
    level = levels[-1]
    level.key = json.loads(literal, strict=False)
    if level.key in level.seen:
        return f"the key {shortened(literal)}{_where(levels)} stands twice in one object; the first would be lost"
    level.seen.add(level.key)
    return None


def _where(levels: list[_Level]) -> str:
    """The path of what is being read, or of the key that has just been, in parentheses."""
    path = ""
    for level in levels:
        path = member(path, shortened(level.key)) if level.is_object else f"{path}[{level.index}]"
    return f" ({path})" if path else ""


def shortened(literal: str) -> str:
    """Return a text that may be long, or its beginning."""
    return literal if len(literal) <= _LONGEST else f"{literal[: _LONGEST - 3]}..."
