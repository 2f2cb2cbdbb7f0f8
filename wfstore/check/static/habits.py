"""Stars, lists without a cap, OFFSET, filters that can be switched off, clocks, locks beside partitions."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import unwrap_node

from wfstore.check.static.bounds import caps_rows
from wfstore.check.static.parsed import ParsedQuery
from wfstore.check.static.scopes import Level
from wfstore.check.static.tree import (
    Fault,
    Node,
    Place,
    enum_name,
    function_name,
    is_star,
    kind_of,
    kind_of_expression,
    operator,
    start,
    strings,
    uncast,
    within,
)

CLOCKS = frozenset({"now", "transaction_timestamp", "statement_timestamp", "clock_timestamp", "timeofday"})
_CLOCK_WORDS = frozenset({"now", "today", "tomorrow", "yesterday"})
_TIME_TYPES = frozenset({"timestamptz", "timestamp", "date", "time", "timetz"})
_TIME_KEYWORDS = ("SVFOP_CURRENT_DATE", "SVFOP_CURRENT_TIME", "SVFOP_LOCALTIME")


def stars(query: ParsedQuery) -> Iterator[Fault]:
    """`*` where the names do not stand in the statement itself."""
    for level in query.level.everything():
        fields = [("SELECT", level.node.target_list)] if level.kind == "SelectStmt" else []
        if level.kind in ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"):
            fields = [("RETURNING", level.node.returning_clause.exprs)]
        for word, items in fields:
            for item in items:
                if is_star(item.res_target.val) and not _harmless(query, level, item.res_target.val):
                    yield Fault(
                        "select-star", start(item.res_target.val), f"{word} * returns whatever the table has by then"
                    )


def _harmless(query: ParsedQuery, level: Level, star: Node) -> bool:
    if level is query.level or (level.outer is query.level and query.level.arms):
        return False  # the result's own names are to be read at its end
    if level.outer is not None and any(
        place.kind == "SubLink" and enum_name(place.node, "sub_link_type") == "EXISTS_SUBLINK"
        for place in query.of("SubLink")
        if level.outer.sub_selects.get(place.node.location) is level
    ):
        return True  # EXISTS (SELECT * ...) looks at no column
    return all(each.level is not None or (each.function is not None and each.aliases) for each in level.starred(star))


def lists(query: ParsedQuery) -> Iterator[Fault]:
    """Lists and claims without a cap."""
    for place in query.of("SelectStmt"):
        for lock in place.node.locking_clause:
            if enum_name(lock.locking_clause, "wait_policy") == "LockWaitSkip" and not _limited(place.node):
                yield Fault(
                    "no-cap",
                    start(place.node),
                    "a claim without LIMIT locks the whole backlog",
                    "end it in LIMIT :limit FOR UPDATE SKIP LOCKED",
                )
                return
    level = query.level
    if query.query.header.shape == "list" and level.kind in _RETURNING and not query.caps.bounded(level):
        culprit = next(_unbounded(query, level), None)
        if culprit is not None:
            name, location = culprit
            yield Fault(
                "no-cap",
                location,
                f"{query.query.name} returns as many rows of {name} as there are",
                "add LIMIT :limit, or compare all columns of a unique key",
            )


_RETURNING = ("SelectStmt", "UpdateStmt", "DeleteStmt", "InsertStmt")


def _limited(select: Node) -> bool:
    return bool(select.HasField("limit_count")) and caps_rows(select.limit_count)


def _unbounded(query: ParsedQuery, level: Level) -> Iterator[tuple[str, int]]:
    """Return name and place of the references that make a level's rows many."""
    if level.target is not None and level.kind != "InsertStmt":
        yield level.target.name, level.target.location
        return
    for below in [*level.arms, *([level.source] if level.source else [])]:
        if not query.caps.bounded(below):
            yield from _unbounded(query, below)
    for reference in level.references:
        if query.caps.bounded_reference(reference, level) or reference is level.target:
            continue
        if reference.level is not None and not query.caps.bounded(reference.level):
            yield from _unbounded(query, reference.level)
        elif reference.function is not None:
            yield reference.name, start(reference.function)
        else:
            yield reference.name, reference.location


def offsets(query: ParsedQuery) -> Iterator[Fault]:
    """OFFSET."""
    for place in query.of("SelectStmt"):
        if place.node.HasField("limit_offset"):
            yield Fault(
                "offset",
                query.word_before("OFFSET", start(place.node.limit_offset)),
                "OFFSET reads and throws away every row before the page",
                "begin behind the last key: id > :after_id",
            )


def catch_alls(query: ParsedQuery) -> Iterator[Fault]:
    """Conditions that one value of a parameter switches off."""
    if query.only_catalogs:
        return
    for place in query.of("BoolExpr", "A_Expr", "CaseExpr"):
        switch = _switch(place.node) if _filters(place) else None
        if switch is not None:
            yield Fault(
                "catch-all",
                start(switch),
                "this condition can be switched off, and the prepared plan must then suit both cases",
                "write one query per access path",
            )


def _switch(node: Node) -> Node | None:
    """Return what in a condition decides, by parameters alone, that it does not hold any row back."""
    match kind_of(node):
        case "BoolExpr" if enum_name(node, "boolop") == "OR_EXPR" and _has(node, "ColumnRef"):
            return next((arm for arm in node.args if _of_parameters(arm)), None)
        case "A_Expr" if operator(node) == "=" and kind_of_expression(node) == "AEXPR_OP":
            sides = (unwrap_node(node.lexpr), unwrap_node(node.rexpr))
            return next((one for one, other in (sides, sides[::-1]) if _falls_back_on(one, other)), None)
        case "CaseExpr" if any(_of_parameters(when.case_when.expr) for when in node.args):
            return node
    return None


def _of_parameters(node: Node) -> bool:
    return _has(node, "ParamRef") and not _has(node, "ColumnRef")


def _has(node: Node, kind: str) -> bool:
    return any(True for _ in within(node, kind))


def _filters(place: Place) -> bool:
    """Whether it decides which rows there are."""
    fields = ("where_clause", "quals", "having_clause")
    return any(each.field in fields for each in place.upwards())


def _falls_back_on(coalesce: Node, other: Node) -> bool:
    if kind_of(coalesce) != "CoalesceExpr":
        return False
    arguments = [uncast(argument) for argument in coalesce.args]
    if not any(kind_of(argument) == "ParamRef" for argument in arguments):
        return False
    columns = [strings(argument.fields)[-1:] for argument in arguments if kind_of(argument) == "ColumnRef"]
    bare = uncast(other)
    return kind_of(bare) == "ColumnRef" and strings(bare.fields)[-1:] in columns


def clocks(query: ParsedQuery) -> Iterator[Fault]:
    """Calls of the clock."""
    for place in query.places:
        name = clock(place.node)
        if name is not None and not _touches(place):
            yield Fault(
                "clock", start(place.node), f"{name} is a clock; no test can set it", "take :now::timestamptz instead"
            )


def clock(node: Node) -> str | None:
    """Return how the clock is read here, if it is."""
    match kind_of(node):
        case "FuncCall" if function_name(node) in CLOCKS:
            return f"{function_name(node)}()"
        case "FuncCall" if function_name(node) == "age" and len(node.args) == 1:
            return "age() of one argument"
        case "SQLValueFunction" if enum_name(node, "op").startswith((*_TIME_KEYWORDS,)):
            return enum_name(node, "op").removeprefix("SVFOP_").removesuffix("_N")
        case "TypeCast" if strings(node.type_name.names)[-1] in _TIME_TYPES:
            bare = unwrap_node(node.arg)
            if kind_of(bare) == "A_Const" and bare.sval.sval.strip().lower() in _CLOCK_WORDS:
                return f"'{bare.sval.sval}'"
    return None


def _touches(place: Place) -> bool:
    """Whether it is the bare `updated_at = now()` of an UPDATE."""
    target = place.parent
    return (
        target is not None
        and target.kind == "ResTarget"
        and target.node.name == "updated_at"
        and target.parent is not None
        and target.parent.kind == "UpdateStmt"
    )


def locks(query: ParsedQuery) -> Iterator[Fault]:
    """Rows locked by a statement that also chooses among partitions."""
    if not any(place.node.locking_clause for place in query.of("SelectStmt")):
        return
    for level in query.level.everything():
        for reference in level.references:
            inserted = reference is level.target and level.kind == "InsertStmt"
            if reference.table is not None and reference.table.partitioned and not inserted:
                yield Fault(
                    "locks-and-partitions",
                    reference.location,
                    f"{reference.name} is partitioned, and this statement locks rows",
                    "lock them in a statement before this one, in the same transaction",
                )
