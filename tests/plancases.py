"""What the queries are called with when their plans are looked at; the rows are those of plans_seed.sql."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from wfstore import uuid7
from wfstore.ids import DEFAULT_TENANT, FIRST_ID, LAST_ID, floor_id

HUGE = DEFAULT_TENANT


@dataclass(frozen=True)
class Facts:
    """Rows of the seed that the calls are about, of one tenant."""

    tenant: UUID
    now: datetime
    user: UUID
    favourite: UUID
    """A workflow with half the tenant's executions, 500 nodes, versions and terms."""
    workflow: UUID
    """One that never ran: 10 nodes."""
    idle_user: UUID
    """One who owns nothing."""
    finished: list[UUID]
    """Executions with results, from all periods."""
    running: list[UUID]
    """Executions that are in history and in the queue, attempt 1; as many as can be had up to 500."""
    parent: UUID
    """One in history and in the queue that has three children there."""
    waiting: UUID
    """One that waits for the signal 'approved'."""
    dead: list[UUID]
    """Dead letters."""
    keys: list[str]
    """Idempotency keys in use."""

    @classmethod
    def of(cls, connection: psycopg.Connection[Any], tenant: UUID, now: datetime) -> Facts:
        """Look the rows up."""

        def column(statement: LiteralString) -> list[Any]:
            return [row[0] for row in connection.execute(statement, [tenant]).fetchall()]

        return cls(
            tenant=tenant,
            now=now,
            user=column("SELECT user_id FROM workflows WHERE tenant_id = %s AND user_id IS NOT NULL LIMIT 1")[0],
            favourite=column("SELECT workflow_id FROM nodes WHERE tenant_id = %s AND node_id = 'node-499' LIMIT 1")[0],
            workflow=column(
                "SELECT id FROM workflows AS w WHERE tenant_id = %s AND NOT EXISTS ("
                "SELECT FROM workflow_executions AS e WHERE e.tenant_id = w.tenant_id AND e.workflow_id = w.id) LIMIT 1"
            )[0],
            idle_user=column("SELECT max(id::text)::uuid FROM users WHERE tenant_id = %s")[0],
            finished=column(
                "SELECT execution_id FROM (SELECT execution_id, row_number() OVER (ORDER BY execution_id) AS number,"
                " count(*) OVER () AS all_of_them FROM node_executions WHERE tenant_id = %s AND run_index = 0"
                " AND node_id = 'node-3') AS found WHERE mod(number, greatest(all_of_them / 100, 1)) = 0 LIMIT 100"
            ),
            running=column(
                "SELECT q.execution_id FROM execution_queue AS q JOIN workflow_executions AS e"
                " USING (tenant_id, execution_id) WHERE q.tenant_id = %s AND q.status = 'RUNNING' LIMIT 500"
            ),
            parent=column(
                "SELECT q.parent_execution_id FROM execution_queue AS q JOIN workflow_executions AS e"
                " ON (e.tenant_id, e.execution_id) = (q.tenant_id, q.parent_execution_id)"
                " WHERE q.tenant_id = %s GROUP BY 1 HAVING count(*) = 3 LIMIT 1"
            )[0],
            waiting=column(
                "SELECT execution_id FROM execution_queue WHERE tenant_id = %s AND status = 'WAITING' LIMIT 1"
            )[0],
            dead=column("SELECT execution_id FROM dead_letters WHERE tenant_id = %s LIMIT 100"),
            keys=column("SELECT idempotency_key FROM execution_keys WHERE tenant_id = %s LIMIT 100"),
        )


def tiny_tenant(connection: psycopg.Connection[Any]) -> UUID:
    """Return a tenant that has a little of everything."""
    row = connection.execute(
        "SELECT tenant_id FROM execution_queue AS q JOIN workflow_executions AS e USING (tenant_id, execution_id)"
        " WHERE q.status = 'RUNNING' AND tenant_id IN (SELECT tenant_id FROM node_executions)"
        " AND tenant_id IN (SELECT tenant_id FROM execution_queue WHERE status = 'WAITING')"
        " AND tenant_id IN (SELECT tenant_id FROM dead_letters)"
        " AND (tenant_id) IN (SELECT q.tenant_id FROM execution_queue AS q JOIN workflow_executions AS e"
        " ON (e.tenant_id, e.execution_id) = (q.tenant_id, q.parent_execution_id)"
        " GROUP BY q.tenant_id, q.parent_execution_id HAVING count(*) = 3)"
        " GROUP BY tenant_id ORDER BY count(*), tenant_id LIMIT 1"
    ).fetchone()
    assert row is not None
    return UUID(str(row[0]))


@dataclass(frozen=True)
class Case:
    """A call: the arguments, and the tenants that the session works for."""

    label: str
    arguments: Mapping[str, Any]
    tenants: tuple[UUID, ...]


def cases(facts: Facts, label: str) -> dict[str, list[Case]]:
    """Return what each query is called with for the tenant of `facts`."""
    calls: dict[str, Mapping[str, Any]] = {
        **_definitions(facts),
        **_projections(facts),
        **_history(facts),
        **_queue(facts),
        **_people(facts),
    }
    found = {name: [Case(label, _for_tenant(arguments, facts), (facts.tenant,))] for name, arguments in calls.items()}
    found["workflows.page_by_terms"] = [
        Case(f"{label}, {what}", _for_tenant(arguments, facts), (facts.tenant,)) for what, arguments in _searches()
    ]
    for name, many in _batches(facts).items():
        found[name] = [
            Case(
                f"{label}, {len(arguments.get('execution_ids', arguments.get('idempotency_keys')))} ids",
                arguments,
                (facts.tenant,),
            )
            for arguments in many
        ]
    return found


def _for_tenant(arguments: Mapping[str, Any], facts: Facts) -> Mapping[str, Any]:
    return arguments if "tenant_ids" in arguments else {"tenant_id": facts.tenant, **arguments}


def _definitions(facts: Facts) -> dict[str, Mapping[str, Any]]:
    one = {"id": facts.workflow}
    page = {"before_id": LAST_ID, "limit": 50}
    document: dict[str, Any] = {
        "name": "n",
        "description": "",
        "workflow_data": {},
        "version": "",
        "content_hash": bytes(32),
        "tags": ["a"],
        "settings": {},
        "static_data": None,
        "pin_data": None,
    }
    new = {"user_id": facts.user, "is_template": False}
    of_workflow = {"workflow_id": facts.favourite}
    return {
        "workflows.create": {**document, **new, "id": uuid7(), "template_category": None},
        "workflows.delete": one,
        "workflows.get": one,
        "workflows.lock": {**one, "revision": 5},
        "workflows.names": {"ids": [facts.workflow, facts.favourite, uuid7()]},
        "workflows.page": page,
        "workflows.page_templates": page,
        "workflows.page_by_user": {**page, "user_id": facts.user},
        "workflows.revision": one,
        "workflows.save": {**document, **one},
        "workflows.set_active": {**one, "active": True},
        "workflows.set_pin_data": {**one, "pin_data": {}},
        "workflows.set_settings": {**one, "settings": {}},
        "workflows.set_static_data": {**one, "static_data": {}},
        "workflow_versions.create": {"workflow_id": facts.workflow, "change_summary": "", "created_by": None},
        "workflow_versions.get": {**of_workflow, "revision": 3},
        "workflow_versions.page": {**of_workflow, "before_revision": 400, "limit": 50},
    }


def _searches() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What workflows are found by: one term, many, and such as no workflow has together."""
    common, rare, other = ("TAG", "common"), ("CREDENTIAL", "rare"), ("CREDENTIAL", "other")
    for what, terms in {
        "common": [common],
        "rare": [rare],
        "common and rare": [common, rare],
        "all in four": [common, rare, ("TAG", "tag-31"), ("TAG", "tag-62")],
        "never together": [common, rare, other],
        "one that is nowhere": [common, ("NAME", "nowhere")],
    }.items():
        yield (
            what,
            {
                "before_id": LAST_ID,
                "kinds": [kind for kind, _ in terms],
                "terms": [term for _, term in terms],
                "sample": 1_000 if len(terms) > 1 else 1,
                "limit": 50,
            },
        )


def _projections(facts: Facts) -> dict[str, Mapping[str, Any]]:
    of_workflow = {"workflow_id": facts.favourite}
    names = [f"node-{number}" for number in range(500)]
    count = len(names)
    nodes = {
        "node_ids": names,
        "node_types": ["ACTION"] * count,
        "ordinals": list(range(count)),
        **dict.fromkeys(("node_subtypes", "integrations", "names", "descriptions", "notes"), ["x"] * count),
        **dict.fromkeys(("parameters", "credentials"), [{}] * count),
        **dict.fromkeys(("max_retries", "retry_wait_times", "type_versions"), [1] * count),
        **dict.fromkeys(("positions_x", "positions_y"), [0.5] * count),
        "disabled": [False] * count,
        "webhooks": [[]] * count,
        "error_handlings": ["STOP_WORKFLOW_ON_ERROR"] * count,
    }
    places = list(range(count - 1))
    edges = {
        "ordinals": places,
        "source_node_ids": names[:-1],
        "target_node_ids": names[1:],
        **dict.fromkeys(("source_indexes", "target_indexes"), [1] * (count - 1)),
        "connection_types": ["MAIN"] * (count - 1),
        "labels": [""] * (count - 1),
        "conditions": [None] * (count - 1),
    }
    terms = {"kinds": ["TAG"] * 20, "terms": [f"tag-{number}" for number in range(20)]}
    return {
        "nodes.get": {**of_workflow, "node_id": "node-3"},
        "nodes.page_by_workflow": {**of_workflow, "after_ordinal": 100, "limit": 50},
        "nodes.remove_others": {**of_workflow, "node_ids": names[:-1]},
        "nodes.upsert_many": {**of_workflow, **nodes},
        "node_connections.get": {**of_workflow, "ordinal": 3},
        "node_connections.page_by_workflow": {**of_workflow, "after_ordinal": 100, "limit": 50},
        "node_connections.remove_others": {**of_workflow, "ordinals": places[:-1]},
        "node_connections.upsert_many": {**of_workflow, **edges},
        "workflow_terms.add_many": {**of_workflow, **terms},
        "workflow_terms.page_by_workflow": {**of_workflow, "after_kind": "TAG", "after_term": "tag-5", "limit": 50},
        "workflow_terms.remove_others": {**of_workflow, **terms},
    }


def _history(facts: Facts) -> dict[str, Mapping[str, Any]]:
    since = floor_id(facts.now - timedelta(days=14))
    old, run = {"execution_id": facts.finished[0]}, {"execution_id": facts.running[0]}
    page = {"before_id": floor_id(facts.now - timedelta(days=3)), "limit": 50}
    return {
        "executions.cancel": {"execution_id": facts.parent, "end_time": int(facts.now.timestamp() * 1000)},
        "executions.delete": old,
        "executions.get": old,
        "executions.get_queue_entry": run,
        "executions.page": page,
        "executions.page_active": {"before_id": LAST_ID, "limit": 50, "status": "WAITING"},
        "executions.page_children": {"after_id": FIRST_ID, "limit": 50, "parent_execution_id": facts.parent},
        "executions.page_by_workflow": {**page, "workflow_id": facts.favourite},
        "executions.page_canceled": page,
        "executions.page_failed": page,
        "executions.page_queue": {"after_id": FIRST_ID, "limit": 50, "queue": "other"},
        "executions.update_metadata": {**old, "metadata": {}},
        "monitoring.active_by_status": {},
        "monitoring.by_status": {"since_id": since},
        "monitoring.failing_nodes": {"since_id": since, "limit": 20},
        "monitoring.performance": {"since_id": since},
        "monitoring.performance_by_workflow": {"since_id": since, "limit": 20},
        "monitoring.queue_depth": {"now": facts.now},
        "monitoring.slowest_nodes": {"since_id": since, "limit": 20},
        "node_executions.count_by_execution": old,
        "node_executions.get": {**old, "node_id": "node-1", "run_index": 0},
        "node_executions.page_by_execution": {**old, "after_node_id": "", "after_run_index": -1, "limit": 1000},
        "node_executions.page_results": {**old, "after_node_id": "", "after_run_index": -1, "limit": 200},
    }


def _queue(facts: Facts) -> dict[str, Mapping[str, Any]]:
    run, now = {"execution_id": facts.running[0]}, {"now": facts.now}
    key, pause = {"concurrency_key": "key-7"}, {"kind": "QUEUE", "name": "other"}
    signal = {"id": uuid7(), "name": "approved", "payload": {}, "expires_at": None}
    wait = {"attempt": 1, "signal": "later", "children": True, "wake_at": None}
    return {
        "concurrency_limits.delete": key,
        "concurrency_limits.get": key,
        "concurrency_limits.page": {"after_key": "key-3", "limit": 50},
        "concurrency_limits.page_use": {"after_key": "key-3", "limit": 50},
        "concurrency_limits.refill": key,
        "concurrency_limits.set_limit": {**key, "max_running": 5},
        "dead_letters.get": {"execution_id": facts.dead[0]},
        "dead_letters.page": {"before_id": LAST_ID, "limit": 50},
        "execution_keys.delete_expired": {**now, "limit": 100},
        "execution_pauses.create": {**pause, "reason": ""},
        "execution_pauses.delete": pause,
        "execution_pauses.page": {"after_kind": "", "after_name": "", "limit": 50},
        "execution_pauses.unpark": {"workflow_id": facts.favourite},
        "execution_signals.add": {**run, **signal},
        "execution_signals.delete_by_execution": run,
        "execution_signals.page_by_execution": {**run, "after_id": FIRST_ID, "limit": 50},
        "execution_signals.take": {**run, **now, "attempt": 1, "consumer": "node-2:0", "name": "approved"},
        "executions.lock": run,
        "executions.suspend": {**run, **now, **wait},
        "executions.wake_signaled": {**now, "execution_id": facts.waiting, "signal": "approved"},
        "node_executions.copy_results": {
            "from_execution_id": facts.finished[0],
            "to_execution_id": facts.running[0],
            "except_node_ids": ["node-1"],
        },
    }


def _people(facts: Facts) -> dict[str, Mapping[str, Any]]:
    person = {"avatar_url": None, "email": "New@example.org", "name": "N", "role": "user"}
    return {
        "users.create": {**person, "id": uuid7()},
        "users.delete": {"id": facts.idle_user},
        "users.get": {"id": facts.user},
        "users.get_by_email": {"email": "User3@example.org"},
        "users.page": {"after_id": FIRST_ID, "limit": 50},
        "users.update": {**person, "id": facts.user, "is_active": True},
    }


def _batches(facts: Facts) -> dict[str, list[Mapping[str, Any]]]:
    sizes = sorted({min(size, len(facts.running)) for size in (1, 32, 500)})
    runs = [facts.running[:size] for size in sizes]
    old = [facts.finished[:1], facts.finished]
    now = int(facts.now.timestamp() * 1000)
    return {
        "executions.enqueue_many": [_enqueued(facts, size) for size in (1, 100)],
        "dead_letters.delete_many": [
            {"tenant_id": facts.tenant, "execution_ids": ids} for ids in (facts.dead[:1], facts.dead)
        ],
        "execution_keys.get_many": [
            {"tenant_id": facts.tenant, "idempotency_keys": keys} for keys in (facts.keys[:1], facts.keys)
        ],
        "executions.fail_many": [_failed(facts, ids) for ids in runs],
        "executions.finish_many": [_finished(facts, ids, now) for ids in runs],
        "executions.get_many": [{"tenant_id": facts.tenant, "execution_ids": ids} for ids in old],
        "history.present": [{"tenant_id": facts.tenant, "execution_ids": ids} for ids in old],
        "executions.lock_many": [_leases(facts, ids) for ids in runs],
        "executions.heartbeat_many": [{**_leases(facts, ids), "lease_until": facts.now} for ids in runs],
        "executions.start_many": [
            {"tenant_ids": [facts.tenant], "execution_ids": ids[:100], "start_time": now} for ids in runs
        ],
        "executions.unfinished": [
            {"tenant_id": facts.tenant, "execution_ids": ids + [uuid7(facts.now) for _ in range(1000 - len(ids))]}
            for ids in runs
        ],
        "node_executions.get_many": [
            {"tenant_ids": [facts.tenant], "execution_ids": ids, "node_ids": ["node-0", "node-1"]} for ids in old
        ],
        "node_executions.record_many": [_results(facts, ids) for ids in runs],
    }


def _leases(facts: Facts, ids: list[UUID]) -> dict[str, Any]:
    return {"tenant_ids": [facts.tenant] * len(ids), "execution_ids": ids, "attempts": [1] * len(ids)}


def _enqueued(facts: Facts, count: int) -> dict[str, Any]:
    return {
        "tenant_id": facts.tenant,
        "execution_ids": [uuid7(facts.now) for _ in range(count)],
        "now": facts.now,
        "workflow_ids": [facts.favourite] * count,
        "workflow_revisions": [None] * count,
        "modes": ["MANUAL"] * count,
        **dict.fromkeys(("triggered_bys", "parent_execution_ids", "retry_ofs"), [None] * count),
        "metadata": [{}] * count,
        "queues": ["default"] * count,
        "priorities": [0] * count,
        "visible_ats": [facts.now] * count,
        "max_attempts": [20] * count,
        **dict.fromkeys(("retry_waits", "retry_factors", "retry_wait_maxs"), [1.0] * count),
        "concurrency_keys": [f"key-{number % 20}" for number in range(count)],
        "concurrency_limits": [1] * count,
        # some are in use
        "idempotency_keys": [*facts.keys, *(f"new-{number}" for number in range(count))][-count - 3 :][:count],
        "key_expirations": [facts.now] * count,
    }


def _failed(facts: Facts, ids: list[UUID]) -> dict[str, Any]:
    many = len(ids)
    return {
        **_leases(facts, ids),
        "now": facts.now,
        "retries": [number % 3 > 0 for number in range(many)],
        "waits": [None] * many,
        "jitters": [0.1] * many,
        **dict.fromkeys(("error_messages", "error_details"), [None] * many),
    }


def _finished(facts: Facts, ids: list[UUID], now: int) -> dict[str, Any]:
    return {
        **_leases(facts, ids),
        "statuses": ["SUCCESS"] * len(ids),
        **dict.fromkeys(("start_times", "end_times"), [now] * len(ids)),
        **dict.fromkeys(("run_data", "error_details", "error_messages"), [None] * len(ids)),
    }


def _results(facts: Facts, ids: list[UUID]) -> dict[str, Any]:
    many = len(ids)
    return {
        **_leases(facts, ids),
        "node_ids": ["node-0"] * many,
        "node_types": ["ACTION"] * many,
        "statuses": ["SUCCESS"] * many,
        **dict.fromkeys(("start_times", "end_times"), [1000] * many),
        **dict.fromkeys(("input_data", "output_data", "error_data"), [{}] * many),
        **dict.fromkeys(("run_indexes", "retry_counts", "max_retries"), [0] * many),
    }


def seeded_at() -> datetime:
    """Return the time for which the seed is made: the middle of this week, so that it meets the same partitions."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday()) + timedelta(days=3, hours=12)


def claims(connection: psycopg.Connection[Any], huge: Facts, tiny: Facts) -> tuple[list[Case], list[Case]]:
    """Return claims of workers of all tenants, of the huge one and of a tiny one, where much is ready, and nothing.

    And what goes before each: waking what is due.
    """
    tenants = tuple(row[0] for row in connection.execute("SELECT DISTINCT tenant_id FROM execution_queue").fetchall())
    workers = {"all tenants": tenants, "huge": (huge.tenant,), "tiny": (tiny.tenant,)}
    lease = {"lease_until": huge.now + timedelta(minutes=1), "worker_id": "worker"}
    claiming, waking = (
        [
            Case(
                f"{worker}, queue {queue}",
                {"tenant_ids": list(served), "queue": queue, "limit": limit, **facts},
                served,
            )
            for worker, served in workers.items()
            for queue, limit in (("default", 10), ("default", 100), ("other", 10), ("idle", 10))
        ]
        for facts in (lease, {"now": huge.now})
    )
    return claiming, waking
