"""What FROM, USING and the target of a write bring into reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from postgast import pg_query_pb2 as pb

from wfstore.check import functions
from wfstore.check.expressions import Expressions, Node, strings, unwrap
from wfstore.check.facts import Facts
from wfstore.check.scope import NOT_NULL, UNKNOWN, Column, Flow, Relation, Scope, Value

StatementColumns = Callable[[Node, Scope], Sequence[Column] | None]


class FromClause:
    """Adds relations to a scope."""

    def __init__(self, facts: Facts, expressions: Expressions, columns: StatementColumns) -> None:
        self.facts = facts
        self.expressions = expressions
        self.columns = columns

    def add(self, items: Iterable[Node], scope: Scope) -> None:
        """Add what a list of FROM items brings; each sees those before it, as LATERAL would."""
        for item in items:
            scope.relations += self._item(item, scope)

    def table(self, message: Node, scope: Scope, *, may_be_cte: bool = False) -> Relation:
        """Return the relation of a table, view or CTE."""
        alias = message.alias.aliasname or message.relname
        if may_be_cte and not message.schemaname and message.relname in scope.ctes:
            columns = scope.ctes[message.relname]
            return _renamed(Relation(alias, columns or (), known=columns is not None), message.alias)
        facts = self.facts.columns(message.relname, message.schemaname or None)
        columns = [Column(fact.name, Value(not fact.not_null, fact.type)) for fact in facts]
        return _renamed(Relation(alias, columns, known=bool(facts)), message.alias)

    def _item(self, item: Node, scope: Scope) -> list[Relation]:
        kind, message = unwrap(item)
        match kind:
            case "range_var":
                return [self.table(message, scope, may_be_cte=True)]
            case "range_subselect":
                columns = self.columns(message.subquery, scope)
                relation = Relation(message.alias.aliasname or None, columns or (), known=columns is not None)
                return [_renamed(relation, message.alias)]
            case "range_function":
                return [self._function(message, scope)]
            case "join_expr":
                return self._join(message, scope)
            case _:  # TABLESAMPLE has its table inside; XMLTABLE and JSON_TABLE say nothing about NULL
                inner = message.relation if kind == "range_table_sample" else None
                return self._item(inner, scope) if inner is not None else [Relation(None, (), known=False)]

    # --- joins ----------------------------------------------------------------------------------------------

    def _join(self, join: Node, scope: Scope) -> list[Relation]:
        left = self._item(join.larg, scope)
        right = self._item(join.rarg, replace(scope, relations=[*scope.relations, *left]))
        both = replace(scope, relations=[*left, *right])
        outer = join.jointype in (pb.JOIN_LEFT, pb.JOIN_RIGHT, pb.JOIN_FULL)
        if join.HasField("quals"):
            self.expressions.value(join.quals, replace(scope, relations=[*scope.relations, *left, *right]))
        if join.HasField("quals") and join.jointype != pb.JOIN_FULL:
            # An outer join's condition holds for the rows of the nullable side only: those that found a partner.
            proving = both
            if outer:
                proving = replace(scope, relations=right if join.jointype == pb.JOIN_LEFT else left, outer=None)
            extended = [relation.extended for relation in both.relations]
            self.expressions.prove(join.quals, proving)
            if outer:
                for relation, before in zip(both.relations, extended, strict=True):
                    relation.extended = before
        merged = self._merge(join, left, right)
        if join.jointype in (pb.JOIN_LEFT, pb.JOIN_FULL):
            _extend(right)
        if join.jointype in (pb.JOIN_RIGHT, pb.JOIN_FULL):
            _extend(left)
        relations = [*merged, *left, *right]
        return [_joined(join.alias, relations)] if join.HasField("alias") else relations

    def _merge(self, join: Node, left: list[Relation], right: list[Relation]) -> list[Relation]:
        """Make the columns that USING or NATURAL merges, and hide those that they come from."""
        names = strings(join.using_clause)
        if join.is_natural:
            theirs = {column.name for column in Scope(right).star()}
            names = [column.name for column in Scope(left).star() if column.name in theirs]
        if not names:
            return []
        columns = []
        for name in names:
            mine, theirs_value = Scope(left).value([name]), Scope(right).value([name])
            match join.jointype:
                case pb.JOIN_LEFT:
                    nullable = mine.nullable
                case pb.JOIN_RIGHT:
                    nullable = theirs_value.nullable
                case pb.JOIN_FULL:
                    nullable = mine.nullable or theirs_value.nullable
                case _:
                    nullable = False
                    for side in (left, right):
                        found = Scope(side).find([name])
                        if found is not None:
                            found[0].prove(name)
            columns.append(Column(name, Value(nullable, mine.type)))
        for relation in (*left, *right):
            relation.hidden |= set(names)
        return [Relation(join.join_using_alias.aliasname or None, columns)]

    # --- functions ------------------------------------------------------------------------------------------

    def _function(self, message: Node, scope: Scope) -> Relation:
        calls = [each.list.items[0] for each in message.functions]
        columns: list[Column] = []
        known = True
        for call in calls:
            part = self._rows_of(call, scope)
            known = known and part is not None
            columns += part or ()
        if len(calls) > 1:  # the shorter ones are filled up with NULL
            columns = [replace(column, value=replace(column.value, nullable=True)) for column in columns]
        if message.coldeflist:
            columns = [Column(each.column_def.colname, UNKNOWN) for each in message.coldeflist]
            known = True
        names = strings(message.alias.colnames)
        if not known and names:  # an alias that names all columns is the rule, and the last one counts the rows
            columns = [Column(name, UNKNOWN) for name in names[: len(names) - message.ordinality]]
        if message.ordinality:
            columns.append(Column("ordinality", NOT_NULL))
        relation = Relation(message.alias.aliasname or _function_name(calls[0]), columns, known=known)
        if len(columns) - message.ordinality == 1 and message.alias.aliasname and known:
            relation.columns = [replace(columns[0], name=message.alias.aliasname), *columns[1:]]
        return _renamed(relation, message.alias)

    def _rows_of(self, call: Node, scope: Scope) -> list[Column] | None:
        """Return the columns of a function's rows, or None where they cannot be known."""
        kind, message = unwrap(call)
        name = _function_name(call)
        if kind != "func_call":
            return [Column(name, self.expressions.value(call, scope))]
        arguments = self.expressions.values(message.args, scope)
        fact = self.facts.function(strings(message.funcname))
        if name == "unnest":
            values = [self._element(value) for value in arguments]
            if len(values) > 1:
                values = [replace(value, nullable=True) for value in values]
            return [Column(name, value) for value in values]
        if fact.builtin and name in functions.NEVER_NULL_ROWS:
            nullable = any(value.nullable for value in arguments)
            names = ["key", "value"] if name.endswith("_each") else [name]
            return [Column(each, Value(nullable)) for each in names]
        if fact.returns_set or not fact.builtin:
            return None
        return [Column(name, self.expressions.value(call, scope))]

    def _element(self, array: Value) -> Value:
        """Return what an array's elements are worth: only of a parameter does the caller say."""
        element_type = array.type.removeprefix("_") if array.type else None
        if array.flow is None:
            return Value(True, element_type)
        flow = Flow(array.flow.parameter, element=True)
        return Value(flow in self.expressions.nullable, element_type, flow)


def _extend(relations: Iterable[Relation]) -> None:
    for relation in relations:
        relation.extended = True


def _joined(alias: Node, relations: list[Relation]) -> Relation:
    """Return a join with an alias: one relation, whose own names are no longer in reach."""
    known = all(relation.known for relation in relations)
    return _renamed(Relation(alias.aliasname, list(Scope(relations).star()), known=known), alias)


def _renamed(relation: Relation, alias: Node) -> Relation:
    """Give the first columns the names that an alias lists."""
    names = strings(alias.colnames)
    relation.columns = [
        replace(column, name=names[index] if index < len(names) else column.name)
        for index, column in enumerate(relation.columns)
    ]
    return relation


def _function_name(call: Node) -> str:
    kind, message = unwrap(call)
    return strings(message.funcname)[-1] if kind == "func_call" else kind
