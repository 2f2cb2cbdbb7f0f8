"""Parameters whose type nothing says."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import unwrap_node

from wfstore.check.static.parsed import ParsedQuery
from wfstore.check.static.tree import Fault, Node, Place, kind_of, kind_of_expression, operator

_COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">="})
_COMPARING = frozenset(
    {"AEXPR_LIKE", "AEXPR_ILIKE", "AEXPR_SIMILAR", "AEXPR_DISTINCT", "AEXPR_NOT_DISTINCT", "AEXPR_BETWEEN"}
    | {"AEXPR_NOT_BETWEEN", "AEXPR_BETWEEN_SYM", "AEXPR_NOT_BETWEEN_SYM", "AEXPR_IN"}
)


def untyped(query: ParsedQuery) -> Iterator[Fault]:
    """Parameters that are neither cast, nor compared to a plain column, nor written into one."""
    told: set[int] = set()
    for place in query.of("ParamRef"):
        number = place.node.number
        if number not in told and not _typed(place):
            told.add(number)
            name = query.parameter(number)
            yield Fault(
                "untyped-parameter",
                place.node.location,
                f"nothing says what type :{name} has",
                f"write a cast, such as :{name}::text",
            )


def _typed(place: Place) -> bool:
    above = place.parent
    if above is None:
        return False
    if above.kind == "TypeCast" or place.field in ("limit_count", "limit_offset"):
        return True
    if above.kind == "List":  # of IN, of BETWEEN, of a row of VALUES
        outer = above.parent
        if outer is not None and outer.kind == "A_Expr":
            return _compared(outer.node, above)
        return above.field == "values_lists" and above.below("InsertStmt", by=("select_stmt",))
    if above.kind == "A_Expr":
        return _compared(above.node, place)
    if above.kind == "RowExpr":
        return _typed_in_row(place, above)
    return above.kind == "ResTarget" and _written(above)


def _compared(expression: Node, side: Place) -> bool:
    """Whether the other side of a comparison is a plain column."""
    kind = kind_of_expression(expression)
    plain = kind in ("AEXPR_OP", "AEXPR_OP_ANY", "AEXPR_OP_ALL") and operator(expression) in _COMPARISONS
    other = expression.lexpr if side.field == "rexpr" else expression.rexpr
    return (plain or kind in _COMPARING) and kind_of(other) == "ColumnRef"


def _typed_in_row(place: Place, row: Place) -> bool:
    """Whether the parameter's fellow in the other row, or the column it is assigned to, is plain."""
    above = row.parent
    if above is None or above.kind == "MultiAssignRef":
        return above is not None
    if above.kind != "A_Expr" or operator(above.node) not in _COMPARISONS:
        return False
    other = unwrap_node(above.node.lexpr if row.field == "rexpr" else above.node.rexpr)
    locations = [unwrap_node(each).location for each in row.node.args if kind_of(each) == "ParamRef"]
    if kind_of(other) != "RowExpr" or place.node.location not in locations:
        return False
    index = next(n for n, each in enumerate(row.node.args) if unwrap_node(each) == place.node)
    return index < len(other.args) and kind_of(other.args[index]) == "ColumnRef"


def _written(target: Place) -> bool:
    """Whether a ResTarget writes into a column: SET, or the SELECT of an INSERT."""
    statement = target.parent
    if statement is None or target.field != "target_list":
        return False
    return statement.kind in ("UpdateStmt", "OnConflictClause") or statement.field == "select_stmt"
