"""A query's text for the server and the parser, in which every position is one of the file.

Each `:name` becomes `$n` and is filled up with spaces to its old length, so nothing behind it moves. The
shortest names get the smallest numbers: `:x` has room for `$1` and not for `$10`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wfstore.queryfiles.scan import Token


@dataclass(frozen=True, slots=True)
class PositionedSql:
    """A statement with numbered parameters, and where it lies."""

    text: str
    parameters: tuple[str, ...]
    """`parameters[0]` is `$1`."""
    path: Path
    line: int
    """Line of the file on which `text` begins, from 1; it begins at the line's first column."""

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column (from 1) of an offset (from 0, in characters) in `text`."""
        before = self.text[:offset]
        return self.line + before.count("\n"), offset - (before.rfind("\n") + 1) + 1


def positioned(
    body: Sequence[Token], parameters: Sequence[str], path: Path, line: int, *, as_strings: bool = False
) -> PositionedSql:
    """Number the parameters of a statement; `body` is all of its tokens, white space and comments included.

    With `as_strings`, each is an empty string instead.

    Raises:
        ValueError: a name is too short for its number (ten or more one-letter parameters).
    """
    ordered = tuple(sorted(parameters, key=lambda name: (len(name), name)))
    numbers = {name: f"${number}" for number, name in enumerate(ordered, 1)}
    parts = []
    for token in body:
        if token.kind != "parameter":
            parts.append(token.text)
            continue
        number = "''" if as_strings else numbers[token.text[1:]]
        if len(number) > len(token.text):
            raise ValueError(f"parameter {token.text} is too short a name for a statement of so many parameters")
        parts.append(number.ljust(len(token.text)))
    return PositionedSql("".join(parts), ordered, path, line)
