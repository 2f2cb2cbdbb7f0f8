"""Read a query file as PostgreSQL would, and refuse what aiosql would misread.

aiosql finds parameters with a regular expression that knows neither dollar quotes nor E'' strings nor
comments at the end of a line; it drops what stands before the first name, and overrides a name silently.
Every case in which the two readings differ is an error here, with its file and line, so that behind this
module both readings are the same. One lexer, no grammar: the grammar is `wfstore check`'s business.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wfstore.errors import QueryFileError
from wfstore.queryfiles.header import Header, HeaderException, read_header
from wfstore.queryfiles.lexer import Token, tokens
from wfstore.queryfiles.traps import trapped, trapped_lines

__all__ = ["Header", "HeaderException", "Statement", "Token", "scan", "scan_all", "tokens"]

_NAME_LINE = re.compile(r"\s*--\s*name\s*:")
_READING = ("SELECT", "VALUES", "TABLE", "SHOW")


@dataclass(slots=True)
class Statement:
    """A header and the tokens of its statement."""

    header: Header
    body: list[Token]
    """All tokens behind the header, comments and white space included: together they are the text."""

    @property
    def tokens(self) -> list[Token]:
        """The tokens without comments and white space."""
        return [token for token in self.body if token.kind not in ("comment", "space")]


def scan(path: Path) -> list[Statement]:
    """Read all statements of a query file; QueryFileError at the first fault."""
    statements, faults = scan_all(path)
    if faults:
        raise faults[0]
    return statements


def scan_all(path: Path) -> tuple[list[Statement], list[QueryFileError]]:
    """Read a query file to its end; return the statements without a fault, and all faults in their order."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", path.stem) or keyword.iskeyword(path.stem):
        message = f"a query file's name is its namespace; '{path.stem}' is no identifier in snake_case"
        return [], [QueryFileError(message, path=path)]
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return [], [QueryFileError(f"not UTF-8: {error.reason} at byte {error.start}", path=path)]
    if text.startswith("\ufeff"):
        return [], [QueryFileError("begins with a byte-order mark; save it as UTF-8 without one", path=path)]
    lines = text.split("\n")  # as editors count; splitlines() also ends lines at form feeds
    starts = [number for number, line in enumerate(lines) if _NAME_LINE.match(line)]
    statements: list[Statement] = []
    faults = list(_before_first(path, lines[: starts[0]] if starts else lines))
    faults += trapped_lines(path, lines, starts)
    if not starts:
        return [], faults or [QueryFileError("holds no queries", path=path)]
    seen: dict[str, int] = {}
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        statement, found = _read(path, lines[:end], start, seen)
        faults += found
        if statement is not None and not found:
            statements.append(statement)
    return statements, sorted(faults, key=lambda fault: fault.line)


def _before_first(path: Path, lines: list[str]) -> Iterator[QueryFileError]:
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("--"):
            message = "nothing may stand before the first '-- name:' line"
            column = len(line) - len(line.lstrip()) + 1
            yield QueryFileError(message, category="header", path=path, line=number, column=column)
            return


def _read(
    path: Path, lines: list[str], start: int, seen: dict[str, int]
) -> tuple[Statement | None, list[QueryFileError]]:
    """Read the statement whose name line is `lines[start]`, and which ends where `lines` do."""
    last = start + 1
    while last < len(lines) and lines[last].startswith("--"):
        last += 1
    header, faults = read_header(path, lines[start:last], start + 1)
    if header is None:
        return None, faults
    if header.name in seen:
        message = f"{header.name} is defined twice, first on line {seen[header.name]}"
        column = lines[start].index(header.name) + 1
        faults.append(QueryFileError(message, category="duplicate-name", path=path, line=header.line, column=column))
    seen.setdefault(header.name, header.line)
    statement = Statement(header, list(tokens("\n".join(lines[last:]) + "\n", last + 1)))
    faults += trapped(path, statement.body)
    if not any(fault.category in ("misread", "slice") for fault in faults):  # they hide what is a parameter
        faults += _whole(statement, lines[start])
    return statement, faults


def _whole(statement: Statement, name_line: str) -> Iterator[QueryFileError]:
    """Check that header and statement fit."""
    header, body = statement.header, statement.tokens

    def at_header(category: str, message: str, column: int = 1) -> QueryFileError:
        return QueryFileError(message, category=category, path=header.path, line=header.line, column=column)

    def at_token(category: str, message: str, token: Token) -> QueryFileError:
        return QueryFileError(message, category=category, path=header.path, line=token.line, column=token.column)

    if not body or all(token.kind == "end" for token in body):
        yield at_header("one-statement", f"{header.name} has no statement")
        return
    ends = [index for index, token in enumerate(body) if token.kind == "end"]
    if ends != [len(body) - 1]:
        # the second statement begins behind the first semicolon; without one, the end is what is missing
        culprit = body[ends[0] + 1] if ends and ends[0] + 1 < len(body) else body[-1]
        yield at_token("one-statement", f"{header.name} must be one statement that ends in a semicolon", culprit)
        return
    used = {token.text[1:] for token in body if token.kind == "parameter"}
    for token in body:
        if token.kind == "parameter" and token.text[1:] not in header.parameters:
            message = f"parameter {token.text} is not declared by {header.name}"
            yield at_token("undeclared-parameter", message, token)
    for name in header.parameters:
        if name not in used:
            match = re.search(rf"[(, ]({re.escape(name)})\s*[,)]", name_line)
            message = f"parameter {name} is declared by {header.name} and not used"
            yield at_header("unused-parameter", message, match.start(1) + 1 if match else 1)
    problem = _suffix_problem(header, [token.text.upper() for token in body if token.kind == "word"])
    if problem is not None:
        yield at_header("write-suffix", problem)


def _suffix_problem(header: Header, words: list[str]) -> str | None:
    # A SELECT somewhere behind WITH is good enough to tell a forgotten suffix.
    first = words[0] if words else ""
    returns_rows = first in _READING or "RETURNING" in words or (first == "WITH" and "SELECT" in words)
    if header.shape != "count" and not returns_rows:
        return f"{header.name} returns no rows; give it the suffix ! for the number of rows it changed"
    if header.shape == "count" and "RETURNING" in words and first != "WITH":
        return f"{header.name} throws away the rows that it returns; leave out the suffix !"
    return None
