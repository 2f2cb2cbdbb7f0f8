"""A query with all that a server, its header, its model and the derivation say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import psycopg
from pydantic import BaseModel

from wfstore.check.checked import CheckedQuery
from wfstore.check.describe import Description, describe
from wfstore.check.facts import Facts
from wfstore.check.finding import Finding
from wfstore.check.nullability import Derived, derive
from wfstore.check.refusals import characters
from wfstore.check.types import ServerTypes
from wfstore.queryfiles.header import ExceptionKind, HeaderException
from wfstore.queryfiles.query import SCALARS

_RETURNS = re.compile(r"\breturns: *(\S)")


@dataclass(frozen=True, slots=True)
class Returns:
    """What `-- returns:` names."""

    name: str
    optional: bool
    """Whether `|None` stands behind it."""
    model: type[BaseModel] | None
    scalar: type | None
    known: bool
    """Whether it is a model or a type of single values."""

    @classmethod
    def of(cls, text: str, models: ModuleType) -> Returns:
        """Read the directive."""
        name = text.removesuffix("|None")
        found = getattr(models, name, None)
        model = found if isinstance(found, type) and issubclass(found, BaseModel) else None
        if name in SCALARS:
            model = None
        return cls(name, text != name, model, SCALARS.get(name), model is not None or name in SCALARS)


@dataclass(frozen=True)
class Examined:
    """A query that the server accepts."""

    query: CheckedQuery
    description: Description
    derived: Derived
    returns: Returns

    def derived_nullable(self, index: int) -> bool:
        """Whether a column of the result can be NULL, as derived; what cannot be told can be."""
        columns = self.derived.columns
        if columns is None or len(columns) != len(self.description.columns):
            return True
        return columns[index].value.nullable

    def nullable(self, index: int) -> bool:
        """Whether a column of the result can be NULL: as derived, or as the header says instead."""
        name = self.description.columns[index].name
        if name in self.excepted("not-null"):
            return False
        return name in self.excepted("nullable") or self.derived_nullable(index)

    def value_is_optional(self) -> bool:
        """Whether the one value of a query may be None: its column is NULL, or there is no row."""
        only_row = self.derived.one_row or self.query.header.shape == "list"
        return not only_row or not self.description.columns or self.nullable(0)

    def excepted(self, kind: ExceptionKind) -> Mapping[str, HeaderException]:
        """Return the header's exceptions of a kind, by what they are about."""
        return self.query.header.excepted(kind)

    def column_finding(self, index: int, category: str, message: str, hint: str | None = None) -> Finding:
        """Make a finding where a column of the result is made."""
        columns = self.derived.columns
        if columns is None or len(columns) != len(self.description.columns):
            return self.query.header_finding(category, message, hint)
        return self.query.finding(category, characters(self.query, columns[index].location), message, hint)

    def returns_finding(self, category: str, message: str, hint: str | None = None) -> Finding:
        """Make a finding at the word behind `returns:`."""
        lines = self.query.path.read_text(encoding="utf-8").split("\n")
        for number, line in enumerate(lines[self.query.header.line :], self.query.header.line + 1):
            found = _RETURNS.search(line) if line.startswith("--") else None
            if found:
                return Finding(category, self.query.path, number, found.start(1) + 1, message, hint, self.query.name)
        return self.query.header_finding(category, message, hint)


def examine(
    connection: psycopg.Connection[Any], query: CheckedQuery, models: ModuleType, types: ServerTypes
) -> Examined:
    """Ask the server about a query, and derive what it returns.

    Raises:
        Refused: the server does not accept it.
    """
    description = describe(connection, query, types)
    derived = derive(query.tree.stmts[0].stmt, Facts(connection))
    returns = Returns.of(query.header.directives["returns"].split()[0], models)
    return Examined(query, description, derived, returns)
