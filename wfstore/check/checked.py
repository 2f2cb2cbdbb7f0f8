"""A query on its way through the checks: its header, its text for the server, its parse tree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import postgast

from wfstore.check.finding import Finding
from wfstore.check.positioned import PositionedSql, positioned
from wfstore.queryfiles.scan import Header, Statement


@dataclass(frozen=True)
class CheckedQuery:
    """A statement of a query file that the scanner has accepted."""

    statement: Statement
    sql: PositionedSql

    @classmethod
    def of(cls, statement: Statement) -> CheckedQuery:
        """Prepare a statement for the checks."""
        header, body = statement.header, statement.body
        return cls(statement, positioned(body, header.parameters, header.path, body[0].line))

    @property
    def header(self) -> Header:
        """What its comment lines declare."""
        return self.statement.header

    @property
    def name(self) -> str:
        """`namespace.name`."""
        return f"{self.header.path.stem}.{self.header.name}"

    @property
    def path(self) -> Path:
        """The file."""
        return self.header.path

    @cached_property
    def tree(self) -> postgast.ParseResult:
        """PostgreSQL's parse tree; postgast.PgQueryError for text that is no SQL."""
        text = self.sql.text
        if self.header.directives.get("binding") == "client":
            # A utility statement takes no parameters, not even in the grammar: there, each is a string.
            body, header = self.statement.body, self.header
            text = positioned(body, header.parameters, header.path, body[0].line, as_strings=True).text
        return postgast.parse(text)

    def finding(self, category: str, offset: int, message: str, hint: str | None = None) -> Finding:
        """Make a finding at an offset (from 0, in characters) of the statement."""
        line, column = self.sql.place(offset)
        return Finding(category, self.path, line, column, message, hint, self.name)

    def header_finding(self, category: str, message: str, hint: str | None = None) -> Finding:
        """Make a finding at the name line."""
        return Finding(category, self.path, self.header.line, 1, message, hint, self.name)
