"""Plans: of every query that touches a large table the indexes and the rows are pinned, and stay when it doubles.

Each query runs as the driver makes it run: prepared, as its role, under row-level security, with plans made for
its values, with a generic plan, and with a generic plan that was made while the session worked for another tenant:
the pool's connections serve many, and a plan is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import psycopg
import pytest

from tests.plancases import HUGE, Case, Facts, cases, claims, seeded_at, tiny_tenant
from tests.plankit import Bench, Mode, Plan, seeded_database
from tests.planpins import PINS, Pin
from wfstore import Store
from wfstore.catalogue import CATALOGUE
from wfstore.ids import FIRST_ID
from wfstore.queryfiles.scan import scan
from wfstore.resources import QUERIES

LARGE = {
    "users",
    "workflows",
    "workflow_versions",
    "workflow_terms",
    "nodes",
    "node_connections",
    "workflow_executions",
    "node_executions",
    "execution_queue",
    "execution_signals",
    "execution_keys",
    "execution_pauses",
    "concurrency_limits",
    "dead_letters",
    "wfstore_refill",
}
PINNED = {pin.query: pin for pin in PINS}


@dataclass(frozen=True)
class Seeded:
    """A seeded database, and what each query is called with there."""

    bench: Bench
    cases: Mapping[str, list[Case]]

    def other(self, query: str, case: Case) -> Case:
        """Return a call of the same query for other tenants."""
        return next(each for each in reversed(self.cases[query]) if each.tenants != case.tenants)


@pytest.fixture(scope="module", params=[50_000, 100_000])
def seeded(request: pytest.FixtureRequest, server_url: str) -> Iterator[Seeded]:
    now = seeded_at()
    with (
        seeded_database(server_url, request.param) as url,
        closing(psycopg.connect(url, autocommit=True, prepare_threshold=None)) as opened,
    ):
        huge, tiny = (Facts.of(opened, tenant, now) for tenant in (HUGE, tiny_tenant(opened)))
        calls = {name: [*found, *cases(tiny, "tiny")[name]] for name, found in cases(huge, "huge").items()}
        calls["executions.claim"], calls["executions.wake_due"] = claims(opened, huge, tiny)
        yield Seeded(Bench(opened), calls)


def faults(pin: Pin, plan: Plan, variables: Mapping[str, float], rows: str) -> Iterator[str]:
    """Say in what a plan is not as it was pinned."""
    allowed = [set(token.split("|")) for token in pin.indexes.split()]
    if any(not plan.indexes & one for one in allowed) or plan.indexes - set().union(*allowed):
        yield f"uses {sorted(plan.indexes)}, not {pin.indexes or 'none'}"
    if plan.sequential:
        yield f"reads {sorted(plan.sequential)} from end to end"
    for what, seen, formula in (
        ("touches rows", plan.rows, rows),
        ("visits periods", len(plan.partitions), pin.periods),
        ("looks at blocks", plan.blocks, pin.blocks.replace("rows", f"({rows})")),
    ):
        bound = eval(formula, {"__builtins__": {}, "min": min}, dict(variables))  # noqa: S307 - our own table
        if seen > bound:
            yield f"{what}: {seen}, more than {formula} = {bound:g}"


def looks(pin: Pin, seeded: Seeded, case: Case) -> Iterator[tuple[str, Plan, str]]:
    """Return the plans in which a pin must hold, each with its bound."""
    query = CATALOGUE[pin.query]
    modes: list[Mode] = ["custom", "generic"] if pin.plan == "either" else [pin.plan]
    for mode in modes:
        yield mode, seeded.bench.plan(query, case, pin.role, mode), pin.rows
    if "generic" in modes:
        other = seeded.other(pin.query, case)
        plan = seeded.bench.plan(query, case, pin.role, "generic", made_for=other)
        yield f"generic, made for {other.label}", plan, pin.others_plan or pin.rows


@pytest.mark.parametrize("query", sorted(PINNED))
def test_the_plan_is_as_it_was_pinned(seeded: Seeded, query: str) -> None:
    pin = PINNED[query]
    found = []
    for case in seeded.cases[query]:
        variables = seeded.bench.variables(case)
        for how, plan, rows in looks(pin, seeded, case):
            found += [f"{query} ({case.label}; {how}) {fault}" for fault in faults(pin, plan, variables, rows)]
    assert found == []


def test_what_needs_a_plan_of_its_own_is_planned_anew() -> None:
    """Everything else has one plan for all arguments: a store's connections force it."""
    assert [pin.query for pin in PINS if (pin.plan == "custom") != CATALOGUE[pin.query].is_planned_anew] == []


def test_what_is_planned_anew_is_never_prepared(store: Store) -> None:
    with store.transaction() as tx:
        for _ in range(10):
            tx.dead_letters.delete_many(execution_ids=[])
            tx.dead_letters.get(execution_id=FIRST_ID)
        kept = tx.connection.execute("SELECT statement FROM pg_prepared_statements").fetchall()
    assert "DELETE" not in str(kept)
    assert "dead_letters" in str(kept)


def test_every_query_on_a_large_table_is_pinned() -> None:
    missing = []
    for path in sorted(QUERIES.glob("*.sql")):
        for statement in scan(path):
            name = f"{path.stem}.{statement.header.name}"
            words = {token.text for token in statement.tokens if token.kind == "word"}
            if words & LARGE and name not in PINNED and "ANALYZE" not in words:  # which has no plan
                missing.append(f"no plan is pinned for {name}")
    assert missing == []


def test_every_pin_is_of_a_query() -> None:
    assert [pin.query for pin in PINS if pin.query not in {str(query) for query in CATALOGUE}] == []
    assert len(PINNED) == len(PINS)
