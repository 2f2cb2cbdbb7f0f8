"""What stands above a statement: its name, its signature, its sentence, its directives, its exceptions."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wfstore.errors import QueryFileError

Shape = Literal["list", "one", "value", "count"]
ExceptionKind = Literal["allow", "not-null", "nullable", "unseen"]

_NAME = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)\((?P<parameters>[^)]*)\)(?P<suffix>\S*)$")
_DIRECTIVE = re.compile(r"\b(returns|rows|locks|index|raises|role|binding|repeat|plan): *(.*?)(?=\s+[a-z]+: |$)")
_EXCEPTION = re.compile(r"-- *(?P<kind>allow|not-null|nullable|unseen): *(?P<subject>\S*) *(?P<reason>.*)$")
_REASON = re.compile(r"\((.*\w.*)\)")
_SUFFIXES: dict[str, Shape] = {"": "list", "^": "one", "$": "value", "!": "count"}
_BINDINGS = ("server", "client")
_TAKEN = ("connection", "self")  # what methods are given besides


@dataclass(frozen=True, slots=True)
class HeaderException:
    """A rule that does not hold here, and why: `-- allow: no-cap (a tenant has three statuses)`."""

    kind: ExceptionKind
    subject: str
    """A category for `allow`, a column of the result for the others; whether there is one is the check's affair."""
    reason: str
    line: int
    column: int
    """Where the subject stands."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the comment lines above a statement declare."""

    name: str
    parameters: tuple[str, ...]
    shape: Shape
    """`list`, `one`, `value` or `count`."""
    doc: str
    directives: dict[str, str]
    path: Path
    line: int
    exceptions: tuple[HeaderException, ...] = ()

    @property
    def location(self) -> str:
        """`file:line` of the name."""
        return f"{self.path}:{self.line}"

    def excepted(self, kind: ExceptionKind) -> dict[str, HeaderException]:
        """Return the exceptions of a kind by what they are about."""
        return {each.subject: each for each in self.exceptions if each.kind == kind}


def read_header(path: Path, lines: Sequence[str], line: int) -> tuple[Header | None, list[QueryFileError]]:
    """Read the comment lines from `-- name:` on; the header is None where not even the name could be read."""
    match = _NAME.match(lines[0])
    if match is None:
        rule = "a header is '-- name: snake_case(declared, parameters)' and a suffix ^, $, ! or none"
        return None, [QueryFileError(rule, category="header", path=path, line=line)]
    names, faults = match["parameters"], list(_name_faults(path, match, line))
    parameters = tuple(sorted({part.strip() for part in names.split(",")})) if names.strip() else ()
    doc: list[str] = []
    directives: dict[str, str] = {}
    exceptions: list[HeaderException] = []
    for number, raw in enumerate(lines[1:], line + 1):
        text = raw[2:].strip()
        excepted = read_exception(path, raw, number, exceptions)
        if isinstance(excepted, HeaderException):
            exceptions.append(excepted)
        elif excepted is not None:
            faults.append(excepted)
        elif _DIRECTIVE.match(text):
            directives |= dict(_DIRECTIVE.findall(text))
        else:
            doc.append(text)
    header = Header(
        name=match["name"],
        parameters=parameters,
        shape=_SUFFIXES.get(match["suffix"], "list"),
        doc="\n".join(doc).strip(),
        directives=directives,
        path=path,
        line=line,
        exceptions=tuple(exceptions),
    )
    return header, [*faults, *_content_faults(header, doc)]


def _name_faults(path: Path, match: re.Match[str], line: int) -> Iterator[QueryFileError]:
    name, suffix = match["name"], match["suffix"]

    def fault(message: str, group: str) -> QueryFileError:
        return QueryFileError(message, category="header", path=path, line=line, column=match.start(group) + 1)

    if keyword.iskeyword(name):
        yield fault(f"{name} is a word of Python's; no method can have that name", "name")
    if suffix not in _SUFFIXES:
        yield fault(f"suffix {suffix} is not one of ^ (one row), $ (one value), ! (row count) or none (rows)", "suffix")
    given = [part.strip() for part in match["parameters"].split(",")] if match["parameters"].strip() else []
    if given != sorted(set(given)):
        yield fault(
            f"parameters are declared once each, in alphabetical order: {', '.join(sorted(set(given)))}", "parameters"
        )
    for parameter in given:
        if keyword.iskeyword(parameter) or parameter in _TAKEN:
            yield fault(f"no parameter can have the name {parameter}: its method could not be called", "parameters")


def _content_faults(header: Header, doc: Sequence[str]) -> Iterator[QueryFileError]:
    def fault(message: str, category: str) -> QueryFileError:
        return QueryFileError(message, category=category, path=header.path, line=header.line)

    if not doc or (not doc[0].endswith((".", ":")) and not any(part.endswith(".") for part in doc)):
        yield fault(f"{header.name} lacks a sentence that says what it does", "header")
    if "returns" not in header.directives:
        yield fault(f"{header.name} lacks a '-- returns:' line", "missing-returns")
    binding = header.directives.get("binding", "server")
    if binding not in _BINDINGS:
        yield fault(f"binding is server or client, not {binding}", "header")
    if header.directives.get("plan", "custom") != "custom":
        yield fault(f"plan is custom or not said, not {header.directives['plan']}", "header")


def read_exception(
    path: Path, text: str, line: int, known: Sequence[HeaderException] = ()
) -> HeaderException | QueryFileError | None:
    """Read a comment that may be an exception; an error is returned for one that lacks its reason."""
    match = _EXCEPTION.match(text)
    if match is None:
        return None
    kind, subject = match["kind"], match["subject"]
    reason = _REASON.fullmatch(match["reason"].strip())
    message, group = None, "subject"
    if reason is None:
        message, group = f"`{kind}: {subject}` lacks a reason in parentheses", "reason"
    elif any(other.kind == kind and other.subject == subject for other in known):
        message = f"`{kind}: {subject}` stands here twice"
    if reason is None or message is not None:
        column = match.start(group) + 1
        return QueryFileError(str(message), category="bad-exception", path=path, line=line, column=column)
    return HeaderException(_kind(kind), subject, reason[1].strip(), line, match.start("subject") + 1)


def _kind(text: str) -> ExceptionKind:
    kinds: tuple[ExceptionKind, ...] = ("allow", "not-null", "nullable", "unseen")
    return next(kind for kind in kinds if kind == text)
