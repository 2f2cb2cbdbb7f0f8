"""SQL as tokens: enough to tell code from strings and comments, and to know where everything stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?P<estring>[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<string>'(?:[^']|'')*')
    | (?P<identifier>"(?:[^"]|"")*")
    | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag)|)\$)
    | (?P<cast>::)
    | (?P<assign>:=)
    | (?P<parameter>:(?P<name>[A-Za-z_]\w*))
    | (?P<colon>:)
    | (?P<percent>%)
    | (?P<word>\w+)
    | (?P<end>;)
    | (?P<space>\s+)
    | (?P<other>.)
    """,
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One lexical element: its kind (a group of the lexer), its text, and where it begins, from 1."""

    kind: str
    text: str
    line: int
    column: int = 1

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of a character of the token."""
        before = self.text[:offset]
        if "\n" not in before:
            return self.line, self.column + offset
        return self.line + before.count("\n"), offset - before.rfind("\n")


def tokens(text: str, line: int = 1) -> Iterator[Token]:
    """Cut SQL text into tokens; every character belongs to exactly one."""
    column = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "other"
        kind = {"tag": "dollar", "name": "parameter"}.get(kind, kind)
        token = Token(kind, match.group(), line, column)
        yield token
        line, column = token.place(len(token.text))
