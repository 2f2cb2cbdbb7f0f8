"""All rules about one query."""

from __future__ import annotations

import postgast

from wfstore.check.categories import CATEGORIES
from wfstore.check.checked import CheckedQuery
from wfstore.check.finding import Finding
from wfstore.check.static import citus, habits, parameters, tenants
from wfstore.check.static.parsed import ParsedQuery
from wfstore.check.static.schema import Schema
from wfstore.check.static.tree import Fault

_RULES = (
    habits.stars,
    habits.lists,
    habits.offsets,
    habits.catch_alls,
    habits.clocks,
    habits.locks,
    parameters.untyped,
    tenants.unbound,
    tenants.leaks,
    citus.nested_clocks,
    citus.volatile_calls,
    citus.sub_selects,
    citus.merges,
    citus.insert_selects,
    citus.session_calls,
)


def syntax_finding(query: CheckedQuery) -> Finding | None:
    """Return the fault that keeps a query from being parsed, if there is one."""
    try:
        statements = query.tree.stmts
    except postgast.PgQueryError as error:
        return query.finding("syntax", max(error.cursorpos - 1, 0), str(error.message))
    if len(statements) != 1:
        return query.header_finding("one-statement", f"{query.name} holds {len(statements)} statements")
    return None


def static_findings(query: CheckedQuery, schema: Schema, *, tenant_rules: bool = True) -> list[Finding]:
    """Return what the rules have against a query that can be parsed."""
    parsed = ParsedQuery(query, schema)
    faults = [fault for rule in _RULES for fault in rule(parsed)]
    if not tenant_rules:
        faults = [fault for fault in faults if not CATEGORIES[fault.category].about_tenants]
    # The narrower rule speaks for both where a clock is wrong twice.
    nested = {fault.location for fault in faults if fault.category == "nested-clock"}
    return [_finding(query, fault) for fault in faults if not (fault.category == "clock" and fault.location in nested)]


def _finding(query: CheckedQuery, fault: Fault) -> Finding:
    # libpg_query counts bytes, we count characters
    offset = len(query.sql.text.encode()[: fault.location].decode())
    return query.finding(fault.category, offset, fault.message, fault.hint)
