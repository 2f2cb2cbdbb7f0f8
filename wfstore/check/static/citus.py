"""What Citus refuses in a query: DESIGN §8, rules 9, 12 and 13."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import unwrap_node

from wfstore.check.static.habits import clock
from wfstore.check.static.parsed import ParsedQuery
from wfstore.check.static.schema import Schema
from wfstore.check.static.tree import Fault, Node, Place, function_name, kind_of, start, within

SESSION_CALLS = ("pg_notify", "pg_advisory", "pg_try_advisory")
_EVALUATING = ("CaseExpr", "CoalesceExpr")
_WRITES = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")


def nested_clocks(query: ParsedQuery) -> Iterator[Fault]:
    """The clock inside CASE or COALESCE of an UPDATE, or in DO UPDATE SET."""
    for place in query.places:
        name = clock(place.node)
        if name is None:
            continue
        if place.below("OnConflictClause"):
            yield Fault("nested-clock", start(place.node), f"{name} in DO UPDATE SET", "use excluded.column")
        elif _updates(place) and any(place.below(kind) for kind in _EVALUATING):
            yield Fault("nested-clock", start(place.node), f"{name} inside CASE or COALESCE of an UPDATE", None)


def volatile_calls(query: ParsedQuery) -> Iterator[Fault]:
    """Volatile functions in an UPDATE."""
    for place in query.of("FuncCall"):
        name = function_name(place.node)
        if name in query.schema.volatile_functions and (_updates(place) or place.below("OnConflictClause")):
            yield Fault(
                "volatile-update",
                place.node.location,
                f"{name}() is volatile: each shard and replica would have its own value",
                "compute it in the client and pass it",
            )


def _updates(place: Place) -> bool:
    return place.below("UpdateStmt", not_by=("with_clause",))


def sub_selects(query: ParsedQuery) -> Iterator[Fault]:
    """Sub-selects in VALUES and RETURNING."""
    for place in query.of("SubLink"):
        fields = {each.field for each in place.upwards()}
        if "values_lists" in fields and place.below("InsertStmt", by=("select_stmt",)):
            yield Fault("sub-select", place.node.location, "a sub-select in VALUES", "write INSERT ... SELECT")
        elif "returning_clause" in fields:
            yield Fault("sub-select", place.node.location, "a sub-select in RETURNING", "join in the last SELECT")


def merges(query: ParsedQuery) -> Iterator[Fault]:
    """MERGE."""
    for place in query.of("MergeStmt"):
        location = query.word_before("MERGE", place.node.relation.location)
        yield Fault("merge", location, "Citus does MERGE in narrow cases only", "write INSERT ... ON CONFLICT")


def insert_selects(query: ParsedQuery) -> Iterator[Fault]:
    """INSERT ... SELECT in forms that Citus cannot do."""
    for place in query.of("InsertStmt"):
        insert = place.node
        if not insert.HasField("select_stmt") or not _into_tenants(insert, query.schema):
            continue
        if unwrap_node(insert.select_stmt).values_lists:
            continue
        location, target = insert.relation.location, insert.relation.relname
        returns = insert.HasField("returning_clause")
        if not returns and not insert.HasField("on_conflict_clause"):
            message = f"INSERT INTO {target} SELECT ends in neither ON CONFLICT nor RETURNING"
            yield Fault("insert-select", location, message, "add ON CONFLICT (key) DO NOTHING")
        if returns and not insert.relation.alias.aliasname:
            message = f"the target of INSERT INTO {target} SELECT ... RETURNING has no alias"
            yield Fault("insert-select", location, message, f"write INSERT INTO {target} AS t")
        ctes = [cte.common_table_expr.ctequery for cte in insert.with_clause.ctes]
        if place.parent is None and any(kind_of(each) in _WRITES for each in ctes):
            message = f"INSERT INTO {target} SELECT is the top of a statement that writes other tables"
            yield Fault("insert-select", location, message, "make it a CTE too, below a SELECT")


def _into_tenants(insert: Node, schema: Schema) -> bool:
    table = schema.tables.get(insert.relation.relname)
    return table is not None and table.of_tenants


def session_calls(query: ParsedQuery) -> Iterator[Fault]:
    """NOTIFY and advisory locks in a statement on tenants' tables."""
    tables = [each.table for level in query.level.everything() for each in level.references]
    if not any(table is not None and table.of_tenants for table in tables):
        return
    for call in session_functions(query.root):
        yield Fault(
            "session-call",
            call.location,
            f"{function_name(call)}() would run wherever the tenant's rows are",
            "call it in a statement of its own",
        )


def session_functions(node: Node) -> Iterator[Node]:
    """Return the calls that belong to a client's session."""
    for call in within(node, "FuncCall"):
        if function_name(call).startswith(SESSION_CALLS):
            yield call
