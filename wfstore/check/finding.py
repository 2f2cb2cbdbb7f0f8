"""A fault that was found, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A fault at a place of a file."""

    category: str
    """A key of `wfstore.check.categories.CATEGORIES`."""
    path: Path
    line: int
    """From 1."""
    column: int
    """From 1."""
    message: str
    hint: str | None = None
    query: str | None = None
    """`namespace.name` of the query, if it is about one."""

    @cached_property
    def source_line(self) -> str:
        """The line of the file."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return lines[self.line - 1] if self.line <= len(lines) else ""

    def render(self, base: Path | None = None) -> str:
        """Return it as a compiler shows it: place, category, message, the line with a caret, a hint."""
        path = self.path.relative_to(base) if base is not None and self.path.is_relative_to(base) else self.path
        number = str(self.line)
        gutter = " " * len(number)
        # A tab before the fault stays a tab below it, so that the caret stands where the eye expects it.
        indent = "".join("\t" if each == "\t" else " " for each in self.source_line[: self.column - 1])
        text = [
            f"{path}:{self.line}:{self.column}: error[{self.category}]: {self.message}",
            f" {number} | {self.source_line}",
            f" {gutter} | {indent}^",
        ]
        if self.hint:
            text.append(f" {gutter} = hint: {self.hint}")
        return "\n".join(text)

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "category": self.category,
            "file": str(self.path),
            "line": self.line,
            "column": self.column,
            "query": self.query,
            "message": self.message,
            "hint": self.hint,
        }
