"""Whether each column of a statement's result can be NULL, derived from the parsed statement.

Never from a plan: the planner may turn `a LEFT JOIN b` into a right join of `b` and `a`. What the derivation
knows: NOT NULL of tables, outer joins, what conditions refuse, CTEs, sub-selects, set operations, RETURNING.
What it cannot tell is nullable; the header may know better. Not looked at: CHECK constraints, and triggers that
write into a row or drop it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from postgast import pg_query_pb2 as pb

from wfstore.check.expressions import Expressions, Node, exactly_one_row, strings, unwrap
from wfstore.check.facts import Facts
from wfstore.check.from_clause import FromClause
from wfstore.check.names import column_name
from wfstore.check.scope import UNKNOWN, Column, Flow, Relation, Scope, Value

Columns = Sequence[Column] | None
"""The columns of a result; None where not even their number can be known."""


@dataclass(frozen=True, slots=True)
class Derived:
    """What was derived of a statement."""

    columns: Columns
    """Each column of the result, `value.nullable` and all; None: they could not be told apart."""
    accepts_none: frozenset[Flow]
    """The parameters, and elements of array parameters, that may be NULL: they are written into a nullable column,
    coalesced, or tested for it."""
    one_row: bool
    """Whether it returns exactly one row, always."""


def derive(statement: Any, facts: Facts) -> Derived:
    """Derive what a statement returns; `statement` is a node of the parse tree."""
    accepts: frozenset[Flow] = frozenset()
    # Which parameters may be NULL is known only after a first run, and decides about columns in the second.
    for _ in range(2):
        statements = Statements(facts, accepts)
        columns = statements.columns(statement, Scope())
        accepts = frozenset(statements.expressions.accepts)
    return Derived(columns, accepts, _one_row(statement, facts))


class Statements:
    """The columns of statements; one object for one statement with all that is inside of it."""

    def __init__(self, facts: Facts, nullable: frozenset[Flow]) -> None:
        self.facts = facts
        self.expressions = Expressions(facts, self.columns, nullable)
        self.from_clause = FromClause(facts, self.expressions, self.columns)

    def columns(self, node: Node, outer: Scope) -> Columns:
        """Return the columns that a statement inside of `outer` returns."""
        kind, statement = unwrap(node)
        if kind not in ("select_stmt", "insert_stmt", "update_stmt", "delete_stmt"):
            return None
        scope = outer.inner()
        if statement.HasField("with_clause"):
            for cte in statement.with_clause.ctes:
                columns = self._cte(cte.common_table_expr, scope, recursive=statement.with_clause.recursive)
                scope.ctes = {**scope.ctes, cte.common_table_expr.ctename: columns}
        match kind:
            case "select_stmt":
                return self._select(statement, scope)
            case "insert_stmt":
                return self._insert(statement, scope)
            case "update_stmt":
                return self._update(statement, scope)
            case _:
                return self._delete(statement, scope)

    def _cte(self, cte: Node, scope: Scope, *, recursive: bool) -> Columns:
        kind, query = unwrap(cte.ctequery)
        if not recursive or kind != "select_stmt" or query.op != pb.SETOP_UNION:
            return self._renamed(self.columns(cte.ctequery, scope), cte)
        # It may refer to itself: begin with what the first part gives, and go on until nothing changes.
        columns = self._renamed(self.columns(pb.Node(select_stmt=query.larg), scope), cte)
        while True:
            known = columns
            inside = replace(scope, ctes={**scope.ctes, cte.ctename: known})
            columns = self._renamed(self.columns(cte.ctequery, inside), cte)
            if columns is None or known is None or _nullable(columns) == _nullable(known):
                return columns

    def _renamed(self, columns: Columns, cte: Node) -> Columns:
        names = strings(cte.aliascolnames)
        if columns is None or not names:
            return columns
        return [
            replace(column, name=names[index] if index < len(names) else column.name)
            for index, column in enumerate(columns)
        ]

    # --- SELECT ---------------------------------------------------------------------------------------------

    def _select(self, select: Node, scope: Scope) -> Columns:
        if select.op != pb.SETOP_NONE:
            return self._set_operation(select, scope)
        if select.values_lists:
            return self._values(select, scope)
        self.from_clause.add(select.from_clause, scope)
        if select.HasField("where_clause"):
            self.expressions.value(select.where_clause, scope)
            self.expressions.prove(select.where_clause, scope)
        sets = any(unwrap(each)[0] == "grouping_set" for each in select.group_clause)
        scope.grouped = bool(select.group_clause) and not sets
        scope.rolled_up = sets
        if select.HasField("having_clause"):
            self.expressions.value(select.having_clause, scope)
        return self.targets(select.target_list, scope)

    def _set_operation(self, select: Node, scope: Scope) -> Columns:
        left = self.columns(pb.Node(select_stmt=select.larg), scope)
        right = self.columns(pb.Node(select_stmt=select.rarg), scope)
        if left is None or right is None or len(left) != len(right):
            return None
        columns = []
        for mine, other in zip(left, right, strict=True):
            one, two = mine.value.nullable, other.value.nullable
            match select.op:
                case pb.SETOP_INTERSECT:
                    nullable = one and two
                case pb.SETOP_EXCEPT:
                    nullable = one
                case _:
                    nullable = one or two
            columns.append(replace(mine, value=Value(nullable, mine.value.type)))
        return columns

    def _values(self, select: Node, scope: Scope) -> Columns:
        rows = [self.expressions.values(row.list.items, scope) for row in select.values_lists]
        first = rows[0]
        if len(rows) == 1:
            return [Column(f"column{number}", value) for number, value in enumerate(first, 1)]
        return [
            Column(f"column{number}", Value(any(row[number - 1].nullable for row in rows), first[number - 1].type))
            for number in range(1, len(first) + 1)
        ]

    def targets(self, targets: Iterable[Node], scope: Scope) -> Columns:
        """Return the columns of a select list or of RETURNING."""
        columns: list[Column] = []
        for target in targets:
            location = target.res_target.location
            kind, message = unwrap(target.res_target.val)
            if kind == "column_ref" and message.fields[-1].HasField("a_star"):
                names = strings(message.fields)
                name = names[-1] if names else None
                for relation in scope.relations:
                    if not relation.known and name in (None, relation.name):
                        return None
                columns += [replace(column, location=location) for column in scope.star(name)]
                continue
            value = self.expressions.value(target.res_target.val, scope)
            columns.append(Column(target.res_target.name or column_name(target.res_target.val), value, location))
        return columns

    # --- writes ---------------------------------------------------------------------------------------------

    def _insert(self, insert: Node, scope: Scope) -> Columns:
        table = self.from_clause.table(insert.relation, scope)
        names = [column.res_target.name for column in insert.cols] or [column.name for column in table.columns]
        if insert.HasField("select_stmt"):
            values = self.columns(insert.select_stmt, scope)
            for name, column in zip(names, values or (), strict=False):
                self._write(table, name, column.value)
            for row in insert.select_stmt.select_stmt.values_lists:
                for name, value in zip(names, self.expressions.values(row.list.items, scope), strict=False):
                    self._write(table, name, value)
        scope.relations = [table]
        if insert.HasField("on_conflict_clause"):
            offered = replace(table.copy(), name="excluded")
            self._assign(insert.on_conflict_clause.target_list, table, replace(scope, relations=[table, offered]))
        scope.relations = [table, *_versions(table, old=True, new=False)]
        return self._returning(insert, scope)

    def _update(self, update: Node, scope: Scope) -> Columns:
        table = self.from_clause.table(update.relation, scope)
        reading = replace(scope, relations=[table.copy()])
        self.from_clause.add(update.from_clause, reading)
        if update.HasField("where_clause"):
            self.expressions.value(update.where_clause, reading)
            self.expressions.prove(update.where_clause, reading)
        self._assign(update.target_list, table, reading)
        # What the condition says of the row holds before it is changed; of the others it holds for good.
        scope.relations = [table, *reading.relations[1:], *_versions(table, old=False, new=False)]
        return self._returning(update, scope)

    def _delete(self, delete: Node, scope: Scope) -> Columns:
        table = self.from_clause.table(delete.relation, scope)
        scope.relations = [table]
        self.from_clause.add(delete.using_clause, scope)
        if delete.HasField("where_clause"):
            self.expressions.value(delete.where_clause, scope)
            self.expressions.prove(delete.where_clause, scope)
        scope.relations += _versions(table, old=False, new=True)
        return self._returning(delete, scope)

    def _returning(self, statement: Node, scope: Scope) -> Columns:
        return self.targets(statement.returning_clause.exprs, scope)

    def _assign(self, targets: Iterable[Node], table: Relation, scope: Scope) -> None:
        for target in targets:
            kind, message = unwrap(target.res_target.val)
            value = UNKNOWN
            if kind != "multi_assign_ref":
                value = self.expressions.value(target.res_target.val, scope)
            elif message.source.HasField("row_expr"):
                value = self.expressions.value(message.source.row_expr.args[message.colno - 1], scope)
            self._write(table, target.res_target.name, value)

    def _write(self, table: Relation, name: str, value: Value) -> None:
        column = table.get(name)
        if column is not None and column.nullable:
            self.expressions.accept(value)


def _nullable(columns: Sequence[Column]) -> list[bool]:
    return [column.value.nullable for column in columns]


def _versions(table: Relation, *, old: bool, new: bool) -> list[Relation]:
    """Return `old` and `new` of RETURNING (PostgreSQL 18); whether either may be a row of NULLs."""
    versions = [Relation("old", table.columns, extended=old), Relation("new", table.columns, extended=new)]
    for version in versions:
        version.hidden = {column.name for column in table.columns}
    return versions


def _one_row(node: Node, facts: Facts) -> bool:
    kind, statement = unwrap(node)
    if kind != "insert_stmt" or not statement.HasField("returning_clause"):
        return exactly_one_row(node, facts)
    if not statement.HasField("select_stmt") or not exactly_one_row(statement.select_stmt, facts):
        return not statement.HasField("select_stmt")
    conflict = statement.on_conflict_clause
    return not statement.HasField("on_conflict_clause") or (
        conflict.action == pb.ONCONFLICT_UPDATE and not conflict.HasField("where_clause")
    )
