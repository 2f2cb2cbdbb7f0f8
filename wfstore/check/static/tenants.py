"""Tenants' tables: each reference is bound, and there is a way in for row-level security."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import unwrap_node

from wfstore.check.static.parsed import ParsedQuery
from wfstore.check.static.schema import TENANT
from wfstore.check.static.scopes import Level, Reference
from wfstore.check.static.tree import (
    Fault,
    Node,
    enum_name,
    function_name,
    kind_of,
    kind_of_expression,
    operator,
    start,
    strings,
    within,
)

_WAYS_IN = frozenset({"=", "<", ">", "<=", ">=", "^@"})
_PATTERNS = {"AEXPR_LIKE": "LIKE", "AEXPR_ILIKE": "ILIKE", "AEXPR_SIMILAR": "SIMILAR TO"}


def unbound(query: ParsedQuery) -> Iterator[Fault]:
    """References to tenants' tables whose tenant nothing given decides."""
    for level in query.level.everything():
        for reference in level.references:
            if reference.table is None or not reference.table.of_tenants:
                continue
            if level.kind == "InsertStmt":
                yield from _not_inserted(query, level, reference)
            elif (reference, TENANT) not in query.tenants.held(level):
                yield Fault(
                    "tenant-unbound",
                    reference.location,
                    f"{_called(reference)} is not bound to a tenant here",
                    f"compare {reference.name}.{TENANT} to a parameter, or to one that is, where it restricts its rows",
                )


def _called(reference: Reference) -> str:
    table = reference.table.name if reference.table else reference.name
    return table if table == reference.name else f"{table} AS {reference.name}"


def _not_inserted(query: ParsedQuery, level: Level, target: Reference) -> Iterator[Fault]:
    columns = [column.res_target.name for column in level.node.cols]
    source = level.source
    if source is None or TENANT not in columns:
        yield Fault("tenant-unbound", target.location, f"INSERT INTO {_called(target)} does not list {TENANT}", None)
        return
    index = columns.index(TENANT)
    for arm in source.arms or [source]:
        outputs = arm.outputs
        if index < len(outputs) and not query.tenants.output_given(outputs[index], arm):
            expressions = outputs[index].expressions
            location = start(expressions[0]) if expressions else target.location
            yield Fault("tenant-unbound", location, f"the {TENANT} written into {_called(target)} is not a given one")


def leaks(query: ParsedQuery) -> Iterator[Fault]:
    """References that only operators decide which may not look before the policies have."""
    for level in query.level.everything():
        for reference in level.references:
            if reference.table is None or not reference.table.of_tenants or level.kind == "InsertStmt":
                continue
            conditions = [each.node for each in level.conditions if each.binds is None or reference in each.binds]
            about = [node for node in conditions if _columns(node, level, reference) - {TENANT}]
            leaky = [found for node in about if (found := _leak(query, node, level, reference)) is not None]
            if leaky and not any(_way_in(query, node, level, reference) for node in about):
                location, what = leaky[0]
                yield Fault(
                    "not-leakproof",
                    location,
                    f"{what} is not leakproof, and nothing else leads into {_called(reference)}",
                    "compare a plain column with =, < or > too, or search a side table",
                )


def _columns(node: Node, level: Level, reference: Reference) -> set[str]:
    found = (level.resolve(column) for column in within(node, "ColumnRef", statements=False))
    return {each[1] for each in found if each is not None and each[0] is reference}


def _own(node: Node, level: Level, reference: Reference) -> str | None:
    """Return the name of the column that a node is, if it is one of this reference."""
    node = unwrap_node(node)
    found = level.resolve(node) if kind_of(node) == "ColumnRef" else None
    return found[1] if found is not None and found[0] is reference else None


def _leakproof(query: ParsedQuery, sign: str, reference: Reference, column: str) -> bool:
    table = reference.table
    return table is not None and query.schema.leakproof(sign, table.columns.get(column, ""))


def _way_in(query: ParsedQuery, node: Node, level: Level, reference: Reference) -> bool:
    """Whether an index could be entered by this condition before the policies have looked."""
    match kind_of(node):
        case "NullTest":
            return _own(node.arg, level, reference) is not None
        case "ColumnRef":
            return _own(node, level, reference) is not None
        case "SubLink":
            tested = _row(node.testexpr) if node.HasField("testexpr") else []
            return any(_own(each, level, reference) for each in tested)
        case "BoolExpr":
            return enum_name(node, "boolop") == "OR_EXPR" and all(
                _way_in(query, each, level, reference) for each in node.args
            )
        case "A_Expr":
            return _compares(query, node, level, reference)
    return False


def _compares(query: ParsedQuery, node: Node, level: Level, reference: Reference) -> bool:
    kind, sign = kind_of_expression(node), operator(node)
    if kind == "AEXPR_BETWEEN":
        sign = "="
    if sign not in _WAYS_IN or kind in _PATTERNS:
        return False
    for side, other in ((node.lexpr, node.rexpr), (node.rexpr, node.lexpr)):
        column = next((own for each in _row(side) if (own := _own(each, level, reference)) is not None), None)
        if column is not None and not _columns(other, level, reference):
            return column != TENANT and _leakproof(query, sign, reference, column)
    return False


def _row(node: Node) -> list[Node]:
    node = unwrap_node(node)
    return list(node.args) if kind_of(node) == "RowExpr" else [node]


def _leak(query: ParsedQuery, node: Node, level: Level, reference: Reference) -> tuple[int, str] | None:
    """Return place and name of what in a condition is not leakproof, about this reference."""
    for call in within(node, "FuncCall", statements=False):
        name = function_name(call)
        if _columns(call, level, reference) and name not in query.schema.leakproof_functions:
            return call.location, f"{name}()"
    for expression in within(node, "A_Expr", statements=False):
        kind = kind_of_expression(expression)
        sign = {**_PATTERNS, "AEXPR_BETWEEN": ">=", "AEXPR_IN": "="}.get(kind, operator(expression))
        for side in (expression.lexpr, expression.rexpr):
            for each in _row(side):
                column = _own(each, level, reference)
                if column not in (None, TENANT) and not _leakproof(query, sign, reference, str(column)):
                    return expression.location, f"{sign} on {'.'.join(strings(unwrap_node(each).fields))}"
    return None
