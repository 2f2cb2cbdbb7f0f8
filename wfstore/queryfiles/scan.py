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
from typing import Literal, NoReturn

from wfstore.errors import QueryFileError

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
_NAME = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)\((?P<parameters>[^)]*)\)(?P<suffix>\S*)$")
_DIRECTIVE = re.compile(r"\b(returns|rows|locks|index|raises|role|binding|repeat): *(.*?)(?=\s+[a-z]+: |$)")
_SUFFIXES: dict[str, Literal["list", "one", "value", "count"]] = {"": "list", "^": "one", "$": "value", "!": "count"}
_PERCENT = "a bare % is a placeholder to psycopg, in strings too; use mod(), starts_with(), position() or a parameter"
_LOOKS_LIKE_PARAMETER = re.compile(r"(?<!:):\w")


@dataclass(frozen=True, slots=True)
class Token:
    """One lexical element: its kind (a group of the lexer), its text, and the line it begins on."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Header:
    """What the comment lines above a statement declare."""

    name: str
    parameters: tuple[str, ...]
    shape: Literal["list", "one", "value", "count"]
    """`list`, `one`, `value` or `count`."""
    doc: str
    directives: dict[str, str]
    path: Path
    line: int

    @property
    def location(self) -> str:
        """`file:line` of the name."""
        return f"{self.path}:{self.line}"


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
    """Read all statements of a query file; QueryFileError at the first line that breaks a rule."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise QueryFileError(f"{path}:1: not UTF-8: {error.reason} at byte {error.start}") from error
    statements: list[Statement] = []
    seen: dict[str, int] = {}
    for header, body in _split(path, text):
        if header.name in seen:
            _refuse(path, header.line, f"{header.name} is defined twice, first on line {seen[header.name]}")
        seen[header.name] = header.line
        statement = Statement(header, body)
        _check_tokens(path, body)
        _check_statement(statement)
        statements.append(statement)
    return statements


def tokens(text: str, line: int = 1) -> Iterator[Token]:
    """Cut SQL text into tokens; every character belongs to exactly one."""
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "other"
        kind = {"tag": "dollar", "name": "parameter"}.get(kind, kind)
        yield Token(kind, match.group(), line)
        line += match.group().count("\n")


def _split(path: Path, text: str) -> Iterator[tuple[Header, list[Token]]]:
    """Cut the file at its name lines."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if re.match(r"\s*--\s*name\s*:", line)]
    for number, line in enumerate(lines[: starts[0]] if starts else lines):
        if line.strip() and not line.lstrip().startswith("--"):
            _refuse(path, number + 1, "nothing may stand before the first '-- name:' line")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        last = start + 1
        while last < end and lines[last].startswith("--"):
            last += 1
        header = _header(path, lines[start:last], start + 1)
        yield header, list(tokens("\n".join(lines[last:end]) + "\n", last + 1))


def _header(path: Path, lines: list[str], line: int) -> Header:
    match = _NAME.match(lines[0])
    if match is None:
        _refuse(path, line, "a header is '-- name: snake_case(declared, parameters)' and a suffix ^, $, ! or none")
    name, suffix = match["name"], match["suffix"]
    if keyword.iskeyword(name):
        _refuse(path, line, f"{name} is a word of Python's; no method can have that name")
    if suffix not in _SUFFIXES:
        _refuse(path, line, f"suffix {suffix} is not one of ^ (one row), $ (one value), ! (row count) or none (rows)")
    parameters = tuple(part.strip() for part in match["parameters"].split(",")) if match["parameters"].strip() else ()
    if list(parameters) != sorted(set(parameters)):
        _refuse(
            path,
            line,
            f"parameters are declared once each, in alphabetical order: {', '.join(sorted(set(parameters)))}",
        )
    doc: list[str] = []
    directives: dict[str, str] = {}
    for text in (raw[2:].strip() for raw in lines[1:]):
        found = dict(_DIRECTIVE.findall(text)) if _DIRECTIVE.match(text) else {}
        directives |= found
        if not found:
            doc.append(text)
    if not doc or (not doc[0].endswith((".", ":")) and not any(part.endswith(".") for part in doc)):
        _refuse(path, line, f"{name} lacks a sentence that says what it does")
    if "returns" not in directives:
        _refuse(path, line, f"{name} lacks a '-- returns:' line")
    return Header(name, parameters, _SUFFIXES[suffix], "\n".join(doc).strip(), directives, path, line)


def _check_tokens(path: Path, body: list[Token]) -> None:
    """Refuse the tokens that aiosql or psycopg would read otherwise than PostgreSQL does."""
    previous = Token("space", "\n", 0)
    for token in body:
        if token.kind == "comment":
            _check_comment(path, token, previous)
        elif "%" in token.text:
            _refuse(path, token.line, _PERCENT)
        else:
            _check_token(path, token, previous)
        previous = token


def _check_token(path: Path, token: Token, previous: Token) -> None:
    match token.kind:
        case "block":
            _refuse(path, token.line, "comments are written with --; aiosql cuts /* */ out before it counts lines")
        case "colon":
            _refuse(path, token.line, "aiosql reads an array slice as a parameter; write a function of its bounds")
        case "parameter" if previous.kind in ("word", "parameter") or previous.text[-1] in "[])":
            _refuse(path, token.line, f"{token.text} follows '{previous.text}' like the bound of an array slice")
        case "other" if token.text == "." and previous.kind == "parameter":
            _refuse(path, token.line, f"aiosql reads {previous.text}. as an attribute of the parameter")
        case "estring" | "dollar" if _LOOKS_LIKE_PARAMETER.search(token.text):
            _refuse(path, token.line, "aiosql sees a parameter inside this string; move it into a migration's function")
        case "estring" if "\\'" in token.text:
            _refuse(path, token.line, "aiosql does not know \\' as an escaped quote; write two quotes")


def _check_comment(path: Path, token: Token, previous: Token) -> None:
    if re.search(r"--\s*name\s*:", token.text):
        _refuse(path, token.line, "aiosql begins a new query at this comment")
    at_line_start = (previous.kind == "space" and "\n" in previous.text) or previous.kind == "comment"
    if not at_line_start and (_LOOKS_LIKE_PARAMETER.search(token.text) or re.search(r"['\"%]", token.text)):
        _refuse(
            path, token.line, "aiosql reads quotes, % and :words of a comment behind SQL; put it on a line of its own"
        )


def _check_statement(statement: Statement) -> None:
    header, body = statement.header, statement.tokens
    path = header.path
    if not body or all(token.kind == "end" for token in body):
        _refuse(path, header.line, f"{header.name} has no statement")
    ends = [token for token in body if token.kind == "end"]
    if len(ends) != 1 or body[-1].kind != "end":
        _refuse(path, (ends or body)[0].line, f"{header.name} must be one statement that ends in a semicolon")
    used = {token.text[1:] for token in body if token.kind == "parameter"}
    for token in body:
        if token.kind == "parameter" and token.text[1:] not in header.parameters:
            _refuse(path, token.line, f"parameter {token.text} is not declared by {header.name}")
    for name in header.parameters:
        if name not in used:
            _refuse(path, header.line, f"parameter {name} is declared by {header.name} and not used")
    words = [token.text.upper() for token in body if token.kind == "word"]
    returns_rows = words[0] in ("SELECT", "VALUES", "TABLE", "SHOW") or "RETURNING" in words or _selects_last(words)
    if header.shape != "count" and not returns_rows:
        _refuse(
            path, header.line, f"{header.name} returns no rows; give it the suffix ! for the number of rows it changed"
        )
    if header.shape == "count" and "RETURNING" in words and words[0] != "WITH":
        _refuse(path, header.line, f"{header.name} throws away the rows that it returns; leave out the suffix !")


def _selects_last(words: list[str]) -> bool:
    """Whether a statement that begins with WITH has a SELECT somewhere: good enough to tell a forgotten suffix."""
    return words[0] == "WITH" and "SELECT" in words


def _refuse(path: Path, line: int, message: str) -> NoReturn:
    raise QueryFileError(f"{path}:{line}: {message}")
