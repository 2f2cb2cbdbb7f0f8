"""What a name means inside a statement, and whether it can be NULL there.

A `Relation` is one thing of FROM; a `Scope` is all of them at one level, with the level around it and the CTEs
in reach. Outer joins mark relations as extended: a row of theirs may be made of NULLs only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a value comes from, if it is a parameter as it was given: itself, or an element of its array."""

    parameter: int
    element: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """An expression's value, as far as NULL is concerned."""

    nullable: bool
    type: str | None = None
    """Its type's name in pg_type, where that is plain to see."""
    flow: Flow | None = None


UNKNOWN = Value(nullable=True)
NOT_NULL = Value(nullable=False)


@dataclass(frozen=True, slots=True)
class Column:
    """A named value of a result."""

    name: str
    value: Value
    location: int = 0
    """Where its expression begins, in bytes of the statement."""


@dataclass(slots=True)
class Relation:
    """A table, a sub-select, a CTE or a function, as FROM has it."""

    name: str | None
    columns: Sequence[Column]
    known: bool = True
    """Whether `columns` are all there are."""
    extended: bool = False
    """Whether an outer join may make a row of it that is all NULL."""
    proven: set[str] = field(default_factory=set)
    """Columns that a condition has shown not to be NULL in any row of its own."""
    hidden: set[str] = field(default_factory=set)
    """Columns that USING has merged with those of another relation."""

    def get(self, name: str) -> Value | None:
        """Return the column's value, or None if there is no such column."""
        for column in self.columns:
            if column.name == name:
                return self.seen(column)
        return None

    def seen(self, column: Column) -> Value:
        """Return a column's value as the statement sees it, after joins and conditions."""
        nullable = self.extended or (column.value.nullable and column.name not in self.proven)
        return replace(column.value, nullable=nullable)

    def prove(self, name: str) -> None:
        """Note that a condition refuses rows in which this column is NULL: so it refuses those of NULLs only."""
        self.proven.add(name)
        self.extended = False

    def copy(self) -> Relation:
        """Return a relation that may be changed without changing this one."""
        return replace(self, proven=set(self.proven), hidden=set(self.hidden))


@dataclass(slots=True)
class Scope:
    """One level of a statement."""

    relations: list[Relation] = field(default_factory=list)
    outer: Scope | None = None
    ctes: Mapping[str, Sequence[Column] | None] = field(default_factory=dict)
    """The CTEs in reach; None for one whose columns cannot be known."""
    grouped: bool = False
    """Whether aggregates run over groups, none of which is empty."""
    rolled_up: bool = False
    """Whether GROUPING SETS, ROLLUP or CUBE may make any grouped column NULL."""

    def inner(self) -> Scope:
        """Return an empty scope inside of this one."""
        return Scope(outer=self, ctes=self.ctes)

    def with_copies(self) -> Scope:
        """Return the same scope, in which more can be proven than out here."""
        return replace(self, relations=[relation.copy() for relation in self.relations])

    def find(self, fields: Sequence[str]) -> tuple[Relation, str] | None:
        """Return the relation and column that a reference means, or None where that cannot be known."""
        column = fields[-1]
        if len(fields) > 1:
            for relation in self.relations:
                if relation.name == fields[-2]:
                    return relation, column
        else:
            for relation in self.relations:
                if column not in relation.hidden and relation.get(column) is not None:
                    return relation, column
            if any(not relation.known for relation in self.relations):
                return None
        return self.outer.find(fields) if self.outer is not None else None

    def value(self, fields: Sequence[str]) -> Value:
        """Return what a reference to a column is worth."""
        found = self.find(fields)
        value = found[0].get(found[1]) if found else None
        if value is None or self.rolled_up:
            return UNKNOWN
        return value

    def star(self, relation_name: str | None = None) -> Iterator[Column]:
        """Yield the columns that `*` or `name.*` stand for."""
        for relation in self.relations:
            if relation_name is not None and relation.name != relation_name:
                continue
            for column in relation.columns:
                if relation_name is not None or column.name not in relation.hidden:
                    yield replace(column, value=relation.seen(column))
