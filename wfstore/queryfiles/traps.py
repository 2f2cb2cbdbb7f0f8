"""The tokens that aiosql or psycopg would read otherwise than PostgreSQL does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from wfstore.errors import QueryFileError
from wfstore.queryfiles.lexer import Token

_PERCENT = "a bare % is a placeholder to psycopg, in strings too; use mod(), starts_with(), position() or a parameter"
_LOOKS_LIKE_PARAMETER = re.compile(r"(?<!:):\w")
_BEHIND_SQL = re.compile(r"""(?<!:):\w|['"%]""")
_QUOTES_AND_COMMENTS = re.compile(r"""['"]|--|/\*""")
_ESCAPED_QUOTE = re.compile(r"(?<!\\)(?:\\\\)*\\'")
_CHANGED_LINE = re.compile(r"[^\S\n]\n|\n\s*--")
_NAME = re.compile(r"--\s*name\s*:")
_LINE_ENDS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")
_QUOTED = ("string", "estring", "identifier", "dollar")
_ENDS_A_VALUE = ("word", "parameter", "cast", *_QUOTED)
_BEGINNING = Token("space", "\n", 0)


def trapped_lines(path: Path, lines: Sequence[str], starts: Sequence[int]) -> Iterator[QueryFileError]:
    """Return a fault for each line that aiosql would cut elsewhere; `starts` are those that begin a query."""

    def fault(message: str, line: int, column: int) -> QueryFileError:
        return QueryFileError(message, category="misread", path=path, line=line, column=column)

    for number, line in enumerate(lines, 1):
        odd = _LINE_ENDS.search(line)
        if odd is not None:
            message = f"to aiosql {_unicode(odd[0])} ends a line, even in a comment or a string; take it out"
            yield fault(message, number, odd.start() + 1)
    text = "\n".join(lines)
    for match in _NAME.finditer(text):
        number = text.count("\n", 0, match.start())
        column = match.start() - text.rfind("\n", 0, match.start())
        if number not in starts or lines[number][: column - 1].strip():
            yield fault("aiosql begins a new query at these words", number + 1, column)


def trapped(path: Path, body: Sequence[Token]) -> Iterator[QueryFileError]:
    """Return a fault for each token of a statement that would be misread."""
    for previous, token in zip([_BEGINNING, *body], body, strict=False):
        if token.kind == "comment":
            found = _in_comment(token, previous)
        elif "%" in token.text:
            found = "percent", _PERCENT, token.text.index("%")
        else:
            found = _in_code(token, previous)
        if found is not None:
            category, message, offset = found
            line, column = token.place(offset)
            yield QueryFileError(message, category=category, path=path, line=line, column=column)


def _in_code(token: Token, previous: Token) -> tuple[str, str, int] | None:
    if token.kind in _QUOTED:
        return _in_quotes(token, previous)
    match token.kind:
        case "block":
            return "misread", "comments are written with --; aiosql cuts /* */ out before it counts lines", 0
        case "colon":
            return "slice", "aiosql reads an array slice as a parameter; write a function of its bounds", 0
        case "parameter" if previous.kind in _ENDS_A_VALUE or previous.text[-1] in "[])":
            return "slice", f"{token.text} follows '{previous.text}' like the bound of an array slice", 0
        case "other" if token.text == "." and previous.kind == "parameter":
            return "misread", f"aiosql reads {previous.text}. as an attribute of the parameter", 0
        case "space":
            odd = next((c for c in token.text if c not in " \t\n"), None)
            if odd is not None:
                message = f"{_unicode(odd)} is no white space to PostgreSQL; write a space"
                return "misread", message, token.text.index(odd)
        case "other" if token.text in "'\"":
            return "misread", f"this {token.text} has no end", 0
        case "other" if token.text == "$":
            return "misread", "psycopg counts the parameters itself: give this one a name", 0
    return None


def _in_quotes(token: Token, previous: Token) -> tuple[str, str, int] | None:
    changed = _CHANGED_LINE.search(token.text)
    if changed is not None:
        message = "aiosql cuts spaces at the end of a line and drops lines that begin with --, in strings too"
        return "misread", message, changed.start()
    if token.kind in ("estring", "dollar"):
        looks_like = _LOOKS_LIKE_PARAMETER.search(token.text)
        if looks_like is not None:
            message = "aiosql sees a parameter inside this string; move it into a migration's function"
            return "misread", message, looks_like.start()
    match token.kind:
        case "identifier" if token.text == '""':
            return "misread", "a name in double quotes is not empty", 0
        case "estring" if found := _ESCAPED_QUOTE.search(token.text):
            return "misread", "aiosql does not know \\' as an escaped quote; write two quotes", found.end() - 2
        case "dollar" if previous.kind == "word":
            return "misread", f"to PostgreSQL the name goes on: {previous.text}$; put a space before the quote", 0
        case "dollar" if found := _QUOTES_AND_COMMENTS.search(token.text):
            message = f"aiosql does not know dollar quotes, and would begin a string or comment at {found[0]}"
            return "misread", message, found.start()
    return None


def _in_comment(token: Token, previous: Token) -> tuple[str, str, int] | None:
    at_line_start = (previous.kind == "space" and "\n" in previous.text) or previous.kind == "comment"
    found = _BEHIND_SQL.search(token.text)
    if found is None or at_line_start:
        return None
    message = "aiosql reads quotes, % and :words of a comment behind SQL; put it on a line of its own"
    return "misread", message, found.start()


def _unicode(character: str) -> str:
    return f"U+{ord(character):04X}"
