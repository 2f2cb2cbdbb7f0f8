"""What holds of the queue after every transaction, whoever did what: asked of the database itself."""

from __future__ import annotations

from tests.executionkit import Admin

_EMPTIED = (
    "execution_queue",
    "node_executions",
    "workflow_executions",
    "execution_signals",
    "execution_keys",
    "dead_letters",
    "execution_pauses",
    "concurrency_limits",
    "execution_stats",
)

BROKEN = {
    "an execution that has not ended is in the queue, one that has is not": """
        SELECT coalesce(q.execution_id, e.execution_id), q.status, e.status
        FROM execution_queue AS q
        FULL JOIN workflow_executions AS e USING (tenant_id, execution_id)
        WHERE (q.execution_id IS NULL) <> (e.status IS NULL OR e.status IN ('SUCCESS', 'ERROR', 'CANCELED'))
    """,
    "queue and history agree about who runs and who waits": """
        SELECT q.execution_id, q.status, e.status
        FROM execution_queue AS q
        JOIN workflow_executions AS e USING (tenant_id, execution_id)
        WHERE q.status <> e.status AND NOT (q.status = 'NEW' AND e.status IN ('RUNNING', 'WAITING'))
    """,
    "no key has more running than its limit": """
        SELECT q.concurrency_key, l.max_running, count(*)
        FROM execution_queue AS q
        JOIN concurrency_limits AS l USING (tenant_id, concurrency_key)
        WHERE q.status = 'RUNNING'
        GROUP BY q.tenant_id, q.concurrency_key, l.max_running
        HAVING count(*) > l.max_running
    """,
    # Queue by queue: what is ready in one that nobody serves keeps no other waiting.
    "nobody is parked while a place of the key is free": """
        SELECT p.concurrency_key, p.queue, l.max_running, count(*) AS parked
        FROM execution_queue AS p
        LEFT JOIN concurrency_limits AS l USING (tenant_id, concurrency_key)
        WHERE p.parked_by = 'CONCURRENCY'
            AND (
                SELECT count(*)
                FROM execution_queue AS q
                WHERE q.tenant_id = p.tenant_id
                    AND q.concurrency_key = p.concurrency_key
                    AND (q.status = 'RUNNING' OR (q.ready AND q.queue = p.queue))
            ) < coalesce(l.max_running, 1000000)
        GROUP BY p.tenant_id, p.concurrency_key, p.queue, l.max_running
    """,
    "what is parked for a workflow has a pause to be ended": """
        SELECT q.execution_id
        FROM execution_queue AS q
        WHERE q.parked_by = 'WORKFLOW'
            AND NOT EXISTS (
                SELECT FROM execution_pauses AS p
                WHERE p.tenant_id = q.tenant_id AND p.kind = 'WORKFLOW' AND p.name = q.workflow_id::text
            )
    """,
    "who waits for children has one": """
        SELECT q.execution_id
        FROM execution_queue AS q
        WHERE q.wait_children
            AND NOT EXISTS (
                SELECT FROM execution_queue AS c
                WHERE c.tenant_id = q.tenant_id AND c.parent_execution_id = q.execution_id
            )
    """,
    "nobody waits for a signal that is there": """
        SELECT q.execution_id, q.wait_signal
        FROM execution_queue AS q
        JOIN execution_signals AS s
            ON s.tenant_id = q.tenant_id AND s.execution_id = q.execution_id AND s.name = q.wait_signal
        WHERE s.consumed_at IS NULL AND s.expires_at IS NULL
    """,
    "a dead letter is of an execution that ended in ERROR": """
        SELECT d.execution_id, e.status
        FROM dead_letters AS d
        LEFT JOIN workflow_executions AS e USING (tenant_id, execution_id)
        WHERE e.status IS DISTINCT FROM 'ERROR'
    """,
    # Of each workflow, and of the whole tenant, by the hour (the nil UUID) and by the day; a histogram has as many as
    # have a duration.
    "what has ended is counted in the roll-up, by the hour of its id": """
        SELECT *
        FROM (
            SELECT s.tenant_id, s.workflow_id, s.hour, s.status, sum(s.executions) AS executions,
                sum(s.duration_ms) AS duration_ms, wfstore_sum_histograms(s.durations) AS durations
            FROM execution_stats AS s
            GROUP BY s.tenant_id, s.workflow_id, s.hour, s.status
            HAVING sum(s.executions) <> 0 OR sum(s.duration_ms) <> 0
        ) AS counted
        FULL JOIN (
            SELECT e.tenant_id, of.workflow_id, date_trunc(of.unit, wfstore_uuid7_time(e.execution_id), 'UTC') AS hour,
                e.status, count(*) AS executions, coalesce(sum(e.end_time - e.start_time), 0) AS duration_ms,
                wfstore_histogram(array_agg(e.end_time - e.start_time)) AS durations
            FROM workflow_executions AS e
            CROSS JOIN LATERAL (
                VALUES
                    (e.workflow_id, 'hour'),
                    ('00000000-0000-0000-0000-000000000000'::uuid, 'hour'),
                    ('ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid, 'day')
            ) AS of (workflow_id, unit)
            WHERE e.status IN ('SUCCESS', 'ERROR', 'CANCELED')
            GROUP BY e.tenant_id, of.workflow_id, 3, e.status
        ) AS there USING (tenant_id, workflow_id, hour, status, executions, duration_ms, durations)
        WHERE (counted IS NULL) <> (there IS NULL)
    """,
}
"""Each sentence, and the query for rows that belie it."""

# One statement, so that all are asked of one state.
_ALL = " UNION ALL ".join(
    f"(SELECT {number}, to_jsonb(broken)::text FROM ({text}) AS broken LIMIT 3)"
    for number, text in enumerate(BROKEN.values())
)


def broken(admin: Admin) -> list[str]:
    """Which sentences do not hold now, with the rows that say so."""
    sentences = list(BROKEN)
    return [f"not so: {sentences[number]}: {row}" for number, row in admin.execute(_ALL).fetchall()]


def empty(admin: Admin) -> None:
    """Leave no execution, nor what belongs to one; workflows stay."""
    with admin.transaction():
        admin.execute("SET LOCAL session_replication_role = replica")  # without triggers and foreign keys: faster
        for table in _EMPTIED:
            admin.execute(f"DELETE FROM {table}")
