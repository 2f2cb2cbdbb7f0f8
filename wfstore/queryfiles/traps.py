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
_NAME = re.compile(r"--\s*name\s*:")
_BEGINNING = Token("space", "\n", 0)


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
    looks_like = _LOOKS_LIKE_PARAMETER.search(token.text)
    match token.kind:
        case "block":
            return "misread", "comments are written with --; aiosql cuts /* */ out before it counts lines", 0
        case "colon":
            return "slice", "aiosql reads an array slice as a parameter; write a function of its bounds", 0
        case "parameter" if previous.kind in ("word", "parameter") or previous.text[-1] in "[])":
            return "slice", f"{token.text} follows '{previous.text}' like the bound of an array slice", 0
        case "other" if token.text == "." and previous.kind == "parameter":
            return "misread", f"aiosql reads {previous.text}. as an attribute of the parameter", 0
        case "estring" | "dollar" if looks_like:
            message = "aiosql sees a parameter inside this string; move it into a migration's function"
            return "misread", message, looks_like.start()
        case "estring" if "\\'" in token.text:
            message = "aiosql does not know \\' as an escaped quote; write two quotes"
            return "misread", message, token.text.index("\\'")
    return None


def _in_comment(token: Token, previous: Token) -> tuple[str, str, int] | None:
    if _NAME.search(token.text):
        return "misread", "aiosql begins a new query at this comment", 0
    at_line_start = (previous.kind == "space" and "\n" in previous.text) or previous.kind == "comment"
    found = _BEHIND_SQL.search(token.text)
    if found is None or at_line_start:
        return None
    message = "aiosql reads quotes, % and :words of a comment behind SQL; put it on a line of its own"
    return "misread", message, found.start()
