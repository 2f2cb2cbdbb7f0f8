"""A parsed query, as the rules see it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from postgast import unwrap_node

from wfstore.check.checked import CheckedQuery
from wfstore.check.static.bounds import Bounds
from wfstore.check.static.schema import Schema
from wfstore.check.static.scopes import Level, read_levels
from wfstore.check.static.tree import Node, Place, places


class ParsedQuery:
    """One statement: its nodes, its levels, and what its parameters hold."""

    def __init__(self, query: CheckedQuery, schema: Schema) -> None:
        self.query = query
        self.schema = schema
        self.root: Node = unwrap_node(query.tree.stmts[0].stmt)
        self.places = list(places(self.root))

    def of(self, *kinds: str) -> Iterator[Place]:
        """Return the places of nodes of these kinds, from left to right."""
        return (place for place in self.places if place.kind in kinds)

    @cached_property
    def level(self) -> Level:
        """The statement's own level; the others hang below it."""
        return read_levels(self.root, self.schema)

    @cached_property
    def only_catalogs(self) -> bool:
        """Whether it reads the server's own tables alone, which grow with the schema and not with its use."""
        tables = [each.table for level in self.level.everything() for each in level.references]
        return any(table is not None for table in tables) and all(table is None or table.of_system for table in tables)

    @cached_property
    def tenants(self) -> Bounds:
        """Which columns are equal to a parameter, or to one that is."""
        return Bounds(self.schema, caps=False)

    @cached_property
    def caps(self) -> Bounds:
        """Which references give few rows."""
        return Bounds(self.schema, caps=True)

    def word_before(self, word: str, location: int) -> int:
        """Return where a keyword stands that the tree has no place for: the last one before a byte of the text."""
        found, offset = location, 0
        for token in self.query.statement.body:
            if offset >= location:
                break
            if token.kind == "word" and token.text.upper() == word:
                found = offset
            offset += len(token.text.encode())
        return found

    def parameter(self, number: int) -> str:
        """Return the name of `$number`."""
        return self.query.sql.parameters[number - 1]
