"""Make findings of what the server refuses: the category by SQLSTATE, the place, the nearest names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

import psycopg

from wfstore.catalogue import CATALOGUE
from wfstore.check.checked import CheckedQuery
from wfstore.check.describe import Refused
from wfstore.check.facts import Facts
from wfstore.check.finding import Finding
from wfstore.check.static.tree import Node, function_name, strings, within
from wfstore.sync.calling import call

_CATEGORIES = {
    "42601": "syntax",
    "42602": "syntax",
    "42622": "syntax",
    "42P01": "unknown-table",
    "3F000": "unknown-table",
    "42703": "unknown-column",
    "42883": "unknown-function",
    "42725": "unknown-function",
    "42704": "unknown-type",
    "42501": "not-permitted",
    "42P18": "untyped-parameter",
    "42P08": "parameter-type",
}
_MAY_BE_PARAMETER = ("42883", "42804", "42846")
"""No such operator, another type than the column's, no such cast: of a parameter, or of something else."""

_TYPES_OF_THE_GRAMMAR = ("bigint", "boolean", "decimal", "integer", "real", "smallint")
"""What the catalog calls otherwise."""

_QUOTED = re.compile(r'"([^"]+)"')
_NUMBERED = re.compile(r"\$(\d+)")
_FUNCTION = re.compile(r"^(?:function|procedure) (?:\w+\.)?\"?(\w+)")


def refusal_finding(connection: psycopg.Connection[Any], query: CheckedQuery, refusal: Refused) -> Finding:
    """Make the finding."""
    category = _CATEGORIES.get(refusal.sqlstate, "refused")
    if refusal.sqlstate in _MAY_BE_PARAMETER and _is_about_a_parameter(query, refusal.position):
        category = "parameter-type"
    message = _NUMBERED.sub(lambda match: f":{query.sql.parameters[int(match[1]) - 1]}", refusal.message)
    hint = _hint(connection, query, category, refusal) or refusal.hint
    offset = refusal.position if refusal.position is not None else _offset_of_object(query, refusal)
    if offset is None:
        return query.header_finding(category, message, hint)
    return query.finding(category, offset, message, hint)


def characters(query: CheckedQuery, location: int) -> int:
    """Return the offset in characters of one in bytes, which is how the parser counts."""
    return len(query.sql.text.encode()[:location].decode("utf-8", "ignore"))


def nearest(wanted: str, known: Iterable[str]) -> str | None:
    """Return a hint that names what was most likely meant."""
    near = difflib.get_close_matches(wanted, sorted(set(known) - {wanted}), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else None


def _is_about_a_parameter(query: CheckedQuery, position: int | None) -> bool:
    """Whether a parameter stands at this place, or is an operand of the operator or cast that does."""
    if position is None:
        return False
    if _NUMBERED.match(query.sql.text, position):
        return True
    for node in within(query.tree, "A_Expr", "TypeCast"):
        if characters(query, node.location) == position:
            operands = [node.lexpr, node.rexpr] if type(node).__name__ == "A_Expr" else [node.arg]
            return any(list(within(operand, "ParamRef", statements=False)) for operand in operands)
    return False


def _offset_of_object(query: CheckedQuery, refusal: Refused) -> int | None:
    """Find what a refusal without a position is about: a parameter by its number, a table or function by name."""
    numbered = _NUMBERED.search(refusal.message)
    name = refusal.message.rpartition(" ")[2].strip('"')
    for node in within(query.tree, "ParamRef", "RangeVar", "FuncCall"):
        match type(node).__name__:
            case "ParamRef":
                found = numbered is not None and node.number == int(numbered[1])
            case "RangeVar":
                found = node.relname == name
            case _:
                found = function_name(node) == name
        if found:
            return characters(query, node.location)
    return None


def _hint(connection: psycopg.Connection[Any], query: CheckedQuery, category: str, refusal: Refused) -> str | None:
    quoted = _QUOTED.search(refusal.message)
    wanted = quoted[1] if quoted else ""
    match category:
        case "unknown-table":
            tables = [*call(CATALOGUE["checks.table_names"], connection, {}), *_names_in(query)]
            return nearest(wanted.rpartition(".")[2], tables)
        case "unknown-column":
            wanted = wanted or refusal.message.removeprefix("column ").partition(" ")[0]
            return nearest(wanted.rpartition(".")[2], _columns_in_reach(connection, query))
        case "unknown-function":
            function = _FUNCTION.match(refusal.message)
            if function is None:
                return None
            return nearest(function[1], call(CATALOGUE["checks.function_names"], connection, {}))
        case "unknown-type":
            return nearest(wanted, [*_TYPES_OF_THE_GRAMMAR, *call(CATALOGUE["checks.type_names"], connection, {})])
        case _:
            return None


def _names_in(query: CheckedQuery) -> list[str]:
    """Return the CTEs and aliases of a statement."""
    found = list(within(query.tree, "CommonTableExpr", "Alias"))
    return [node.ctename if type(node).__name__ == "CommonTableExpr" else node.aliasname for node in found]


def _columns_in_reach(connection: psycopg.Connection[Any], query: CheckedQuery) -> list[str]:
    """Return the columns of the statement's tables, and those that it names itself."""
    facts = Facts(connection)
    columns: list[str] = []
    node: Node
    for node in within(query.tree, "RangeVar", "Alias", "ResTarget"):
        match type(node).__name__:
            case "RangeVar":
                columns += [column.name for column in facts.columns(node.relname, node.schemaname or None)]
            case "Alias":
                columns += strings(node.colnames)
            case _:
                columns += [node.name] if node.name else []
    return columns
