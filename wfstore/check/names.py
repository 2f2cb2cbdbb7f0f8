"""The names that PostgreSQL gives columns without an alias."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from wfstore.check.expressions import Node, strings, unwrap

_NAMELESS = "?column?"
_BY_KIND = {"coalesce_expr": "coalesce", "a_array_expr": "array", "row_expr": "row", "case_expr": "case"}


def column_name(node: Node) -> str:
    """Return the name of a column that is this expression."""
    kind, message = unwrap(node)
    match kind:
        case "column_ref":
            return strings(message.fields)[-1]
        case "func_call":
            return strings(message.funcname)[-1]
        case "type_cast":
            inner = column_name(message.arg)
            return strings(message.type_name.names)[-1] if inner == _NAMELESS else inner
        case "collate_clause":
            return column_name(message.arg)
        case "min_max_expr":
            return "greatest" if message.op == pb.IS_GREATEST else "least"
        case "case_expr" if message.HasField("defresult") and column_name(message.defresult) != _NAMELESS:
            return column_name(message.defresult)
        case "sub_link":
            return _sub_link_name(message)
        case _:
            return _BY_KIND.get(kind, _NAMELESS)


def _sub_link_name(message: Node) -> str:
    match message.sub_link_type:
        case pb.EXISTS_SUBLINK:
            return "exists"
        case pb.ARRAY_SUBLINK:
            return "array"
        case pb.EXPR_SUBLINK if message.subselect.select_stmt.target_list:
            target = message.subselect.select_stmt.target_list[0].res_target
            return target.name or column_name(target.val)
        case _:
            return _NAMELESS
