"""Which columns are held by parameters, and which references give few rows.

One fixpoint serves two questions. *Tenants*: is this column equal to a parameter, or to a column that is?
*Caps*: then also, is this reference held by equality on a unique key, so that its rows are counted?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from postgast import unwrap_node

from wfstore.check.static.schema import Schema
from wfstore.check.static.scopes import Condition, Level, Output, Reference
from wfstore.check.static.tree import (
    Node,
    conjuncts,
    enum_name,
    function_name,
    kind_of,
    kind_of_expression,
    operator,
    uncast,
    within,
)

_EQUALITIES = ("AEXPR_OP", "AEXPR_OP_ANY", "AEXPR_IN", "AEXPR_NOT_DISTINCT")

Side = Node | tuple[Level, int]
"""An expression, or a column of a sub-select's result."""


class Bounds:
    """What is held, in the levels of one statement."""

    def __init__(self, schema: Schema, *, caps: bool) -> None:
        self._schema = schema
        self._caps = caps
        self._held: dict[Level, set[tuple[Reference, str]]] = {}
        self._busy: set[tuple[str, object]] = set()

    def held(self, level: Level) -> set[tuple[Reference, str]]:
        """Return the columns of a level's references that are equal to something given."""
        if level in self._held:
            return self._held[level]
        known = self._held[level] = set()
        growing = True
        while growing:
            growing = False
            for left, right, binds in _equalities(level):
                for column, other in ((left, right), (right, left)):
                    found = self._own_column(level, column)
                    if found is None or found in known or (binds is not None and found[0] not in binds):
                        continue
                    if self._given(other, level):
                        known.add(found)
                        growing = True
            if growing:
                for nested in level.nested:
                    self._forget(nested)
        return known

    def _forget(self, level: Level) -> None:
        for each in level.everything():
            self._held.pop(each, None)

    @staticmethod
    def _own_column(level: Level, side: Side) -> tuple[Reference, str] | None:
        if isinstance(side, tuple | list) or kind_of(side) != "ColumnRef":
            return None
        found = level.resolve(unwrap_node(side))
        return found if found is not None and found[0] in level.references else None

    def _given(self, side: Side, level: Level) -> bool:
        if isinstance(side, tuple):
            below, index = side
            return self._row_source(below, index)
        return self.given(side, level)

    def given(self, expression: Node, level: Level) -> bool:
        """Whether an expression's value comes from outside of the tables."""
        expression = unwrap_node(expression)
        if kind_of(expression) == "SubLink":
            below = level.sub_selects.get(expression.location)
            one_value = self._caps and enum_name(expression, "sub_link_type") == "EXPR_SUBLINK"
            return below is not None and (one_value or self._row_source(below, 0))
        leaves = list(within(expression, "ColumnRef", "ParamRef", "SubLink", "A_Const", statements=False))
        if not self._caps and not any(kind_of(leaf) != "A_Const" for leaf in leaves):
            # a call without any argument of ours, such as current_setting('x'), is nobody's tenant
            return kind_of(uncast(expression)) in ("A_Const", "List", "A_ArrayExpr")
        return all(self._leaf_given(leaf, level) for leaf in leaves)

    def _leaf_given(self, leaf: Node, level: Level) -> bool:
        match kind_of(leaf):
            case "ColumnRef":
                found = level.resolve(leaf)
                return found is not None and self._column_given(*found, level)
            case "SubLink":
                return self.given(leaf, level)
        return True

    def _column_given(self, reference: Reference, column: str, level: Level) -> bool:
        where: Level | None = level
        while where is not None and reference not in where.references:
            where = where.outer
        if where is None:
            return False
        if (reference, column) in self.held(where):
            return True
        if reference.level is not None:
            index = reference.position(column)
            return index is not None and self._row_source(reference.level, index)
        if reference.function is not None:
            return self.given(reference.function, where)
        return self._caps and self.bounded_reference(reference, where)

    def _row_source(self, level: Level, index: int) -> bool:
        """Whether a column of a level's result is given."""
        if self._caps and self.bounded(level):
            return True
        return self._once(("output", (level, index)), lambda: self._output_given(level, index))

    def _output_given(self, level: Level, index: int) -> bool:
        if level.arms:
            return all(self._row_source(arm, index) for arm in level.arms)
        outputs = level.outputs
        return index < len(outputs) and self.output_given(outputs[index], level)

    def output_given(self, output: Output, level: Level) -> bool:
        """Whether a column of the result is, in each row."""
        if output.copied is not None:
            return self._column_given(*output.copied, level)
        if level.kind == "InsertStmt":
            return self._inserted(output, level)
        return all(self.given(expression, level) for expression in output.expressions)

    def _inserted(self, output: Output, level: Level) -> bool:
        """Whether a column that an INSERT returns was given to it."""
        value = unwrap_node(output.expressions[0])
        found = self._own_column(level, value)
        if found is None or level.source is None:
            return False
        columns = [column.res_target.name for column in level.node.cols]
        return found[1] in columns and self._row_source(level.source, columns.index(found[1]))

    def bounded(self, level: Level) -> bool:
        """Whether a level gives no more rows than it is told to."""
        return self._once(("rows", level), lambda: self._bounded(level))

    def _bounded(self, level: Level) -> bool:
        if level.kind == "InsertStmt":
            return level.source is None or self.bounded(level.source)
        if level.target is not None:
            return self.bounded_reference(level.target, level)
        if level.node.HasField("limit_count") and caps_rows(level.node.limit_count):
            return True
        if level.arms:
            return all(self.bounded(arm) for arm in level.arms)
        if not level.node.group_clause and self._aggregates(level.node):
            return True
        return all(self.bounded_reference(reference, level) for reference in level.references)

    def _aggregates(self, select: Node) -> bool:
        return any(
            not call.HasField("over") and (call.agg_star or function_name(call) in self._schema.aggregates)
            for target in select.target_list
            for call in within(target, "FuncCall", statements=False)
        )

    def bounded_reference(self, reference: Reference, level: Level) -> bool:
        """Whether a reference gives no more rows than it is told to."""
        if reference.level is not None:
            return self.bounded(reference.level)
        if reference.function is not None:
            return self.given(reference.function, level)
        if reference.table is None or reference.table.of_system:
            return True  # one that is not there is another fault
        held = {column for each, column in self.held(level) if each is reference}
        return any(key <= held for key in reference.table.keys)

    def _once(self, key: tuple[str, object], answer: Callable[[], bool]) -> bool:
        """Ask, unless the question is being asked already: a recursive CTE is as bound as its beginning."""
        if key in self._busy:
            return True
        self._busy.add(key)
        try:
            return answer()
        finally:
            self._busy.discard(key)


def caps_rows(limit: Node) -> bool:
    """Whether a LIMIT is one: of a parameter or a constant; not ALL, not NULL, not a sub-select that may be it."""
    bare = uncast(limit)
    if kind_of(bare) == "A_Const":
        return not bare.isnull
    return not any(True for _ in within(bare, "SubLink"))


def _equalities(level: Level) -> Iterator[tuple[Side, Side, frozenset[Reference] | None]]:
    for condition in level.conditions:
        for left, right in _pairs(level, condition):
            yield left, right, condition.binds
    for one, other, column, binds in level.same_columns:
        yield _column(one, column), _column(other, column), binds


def _pairs(level: Level, condition: Condition) -> Iterator[tuple[Side, Side]]:
    for node in conjuncts(condition.node):
        kind = kind_of(node)
        if kind == "A_Expr" and kind_of_expression(node) in _EQUALITIES and operator(node) == "=":
            yield from _paired(node.lexpr, node.rexpr)
        elif kind == "SubLink" and enum_name(node, "sub_link_type") == "ANY_SUBLINK" and not node.oper_name:
            below = level.sub_selects[node.location]
            for index, item in enumerate(_items(node.testexpr)):
                yield item, (below, index)


def _paired(left: Node, right: Node) -> Iterator[tuple[Node, Node]]:
    lefts, rights = _items(left), _items(right)
    if kind_of(left) == "RowExpr" and kind_of(right) == "RowExpr":
        yield from zip(lefts, rights, strict=False)
    else:
        yield unwrap_node(left), unwrap_node(right)


def _items(node: Node) -> list[Node]:
    node = unwrap_node(node)
    return list(node.args) if kind_of(node) == "RowExpr" else [node]


def _column(reference: Reference, column: str) -> Node:
    from postgast import pg_query_pb2 as nodes

    texts = [nodes.Node(string=nodes.String(sval=each)) for each in (reference.name, column)]
    return nodes.ColumnRef(fields=texts)
