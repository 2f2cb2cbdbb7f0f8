-- Executions: the queue that workers claim from, and the history that stays.

-- name: cancel(end_time, execution_id, tenant_id)^
-- End an execution that has not ended; a worker that has it loses its lease. No row: it has ended, or is not there.
-- returns: ExecutionKey    rows: 0..1
-- locks: its execution_queue row
-- repeat: safe
WITH released AS (
    DELETE FROM execution_queue AS q
    WHERE q.tenant_id = :tenant_id
        AND q.execution_id = :execution_id
    RETURNING q.tenant_id, q.execution_id
),
canceled AS (
    UPDATE workflow_executions AS e
    SET status = 'CANCELED',
        start_time = least(e.start_time, :end_time::bigint),
        end_time = :end_time::bigint
    FROM released
    WHERE e.tenant_id = :tenant_id
        AND e.execution_id = :execution_id
        AND e.tenant_id = released.tenant_id
        AND e.execution_id = released.execution_id
    RETURNING e.tenant_id, e.execution_id
)
SELECT tenant_id, execution_id
FROM canceled;

-- name: claim(lease_until, limit, now, queue, tenant_ids, worker_id)
-- Hand up to :limit due executions of one queue to a worker, most urgent first.
-- returns: Claim           rows: 0..limit
-- locks: execution_queue rows, SKIP LOCKED
-- index: execution_queue_due_idx
WITH due AS (
    SELECT tenant_id, execution_id, priority, visible_at
    FROM execution_queue
    WHERE tenant_id = ANY(:tenant_ids::uuid[])
        AND queue = :queue
        AND status <> 'WAITING'
        AND attempt < max_attempts
        AND visible_at <= :now
    ORDER BY priority DESC, visible_at, execution_id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
),
claimed AS (
    UPDATE execution_queue AS q
    SET attempt = q.attempt + 1,
        status = 'RUNNING',
        worker_id = :worker_id,
        visible_at = :lease_until
    FROM due
    WHERE q.tenant_id = due.tenant_id
        AND q.execution_id = due.execution_id
    RETURNING q.tenant_id, q.execution_id, q.attempt, q.max_attempts, q.visible_at, due.priority, due.visible_at AS due_at
)
-- What an UPDATE returns has no order.
SELECT tenant_id, execution_id, attempt, max_attempts, visible_at
FROM claimed
ORDER BY priority DESC, due_at, execution_id;

-- name: delete(execution_id, tenant_id)!
-- Remove one ended execution with its node results; whole periods go by dropping partitions instead.
-- returns: int
-- repeat: safe
DELETE FROM workflow_executions
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id
    AND status IN ('SUCCESS', 'ERROR', 'CANCELED');

-- name: enqueue_many(concurrency_keys, execution_ids, max_attempts, metadata, modes, parent_execution_ids, priorities, queues, tenant_id, triggered_bys, visible_ats, workflow_ids)
-- Write executions to history and to the queue, one for each place of the arrays, at the workflow's present version.
-- returns: ExecutionCreated        rows: one for each place; created is false where the id existed before
-- raises: NotFound
-- repeat: safe
-- not-null: execution_id (a row of history without one is refused)
-- not-null: workflow_id (a row of history without one is refused)
WITH item AS (
    SELECT i.*
    FROM unnest(
        :execution_ids::uuid[], :workflow_ids::uuid[], :modes::text[], :triggered_bys::text[],
        :parent_execution_ids::uuid[], :metadata::jsonb[], :queues::text[], :priorities::integer[],
        :visible_ats::timestamptz[], :max_attempts::integer[], :concurrency_keys::text[]
    ) WITH ORDINALITY AS i (
        execution_id, workflow_id, mode, triggered_by, parent_execution_id, metadata, queue, priority,
        visible_at, max_attempts, concurrency_key, ordinal
    )
),
versioned AS (
    -- Where there is no such workflow the foreign key refuses the whole call, and names it.
    -- LATERAL and LIMIT: each by its key, never all the tenant's workflows for the sake of a few.
    SELECT item.*, :tenant_id::uuid AS tenant_id, coalesce(w.content_revision, 0) AS content_revision
    FROM item
    LEFT JOIN LATERAL (
        SELECT workflows.content_revision
        FROM workflows
        WHERE workflows.tenant_id = :tenant_id::uuid
            AND workflows.id = item.workflow_id
        LIMIT 1
    ) AS w ON true
),
created AS (
    INSERT INTO workflow_executions AS e (
        tenant_id, execution_id, workflow_id, workflow_revision, mode, triggered_by, parent_execution_id, metadata
    )
    SELECT
        v.tenant_id, v.execution_id, v.workflow_id, v.content_revision, v.mode, v.triggered_by,
        v.parent_execution_id, v.metadata
    FROM versioned AS v
    ON CONFLICT (tenant_id, execution_id) DO NOTHING
    RETURNING e.tenant_id, e.execution_id
),
queued AS (
    INSERT INTO execution_queue AS q (
        tenant_id, execution_id, queue, priority, visible_at, max_attempts, concurrency_key
    )
    SELECT v.tenant_id, v.execution_id, v.queue, v.priority, v.visible_at, v.max_attempts, v.concurrency_key
    FROM versioned AS v
    JOIN created
        ON created.tenant_id = v.tenant_id
        AND created.execution_id = v.execution_id
    RETURNING q.tenant_id, q.execution_id
)
SELECT
    v.execution_id,
    v.workflow_id,
    v.content_revision AS workflow_revision,
    queued.execution_id IS NOT NULL AS created
FROM versioned AS v
LEFT JOIN queued
    ON queued.tenant_id = v.tenant_id
    AND queued.execution_id = v.execution_id
ORDER BY v.ordinal;

-- name: finish_many(attempts, end_times, error_details, error_messages, execution_ids, run_data, start_times, statuses, tenant_ids)
-- End executions, one for each place of the arrays, whose lease the worker still has; the others are not returned.
-- returns: ExecutionKey    rows: 0..n
-- locks: their execution_queue rows, in the order of their keys
WITH item AS (
    SELECT i.*
    FROM unnest(
        :tenant_ids::uuid[], :execution_ids::uuid[], :attempts::integer[], :statuses::text[], :start_times::bigint[],
        :end_times::bigint[], :run_data::jsonb[], :error_messages::text[], :error_details::jsonb[]
    ) AS i (
        tenant_id, execution_id, attempt, status, start_time, end_time, run_data, error_message, error_details
    )
),
held AS (
    SELECT q.tenant_id, q.execution_id
    FROM (
        SELECT DISTINCT item.tenant_id, item.execution_id, item.attempt
        FROM item
        ORDER BY item.tenant_id, item.execution_id
        -- No limit at all; but the planner, who cannot know that, takes these for few and goes by their keys.
        LIMIT (SELECT NULL::bigint)
    ) AS leased
    -- LATERAL and LIMIT, for the same: a plan made for a tenant with little in the queue must suit one with much.
    CROSS JOIN LATERAL (
        SELECT queued.tenant_id, queued.execution_id
        FROM execution_queue AS queued
        WHERE queued.tenant_id = leased.tenant_id
            AND queued.execution_id = leased.execution_id
            AND queued.attempt = leased.attempt
        LIMIT 1
        FOR UPDATE
    ) AS q
),
released AS (
    DELETE FROM execution_queue AS q
    WHERE (q.tenant_id, q.execution_id) IN (
        SELECT held.tenant_id, held.execution_id
        FROM held
    )
    RETURNING q.tenant_id, q.execution_id
),
finished AS (
    UPDATE workflow_executions AS e
    SET status = item.status,
        start_time = coalesce(item.start_time, e.start_time),
        end_time = item.end_time,
        run_data = item.run_data,
        error_message = item.error_message,
        error_details = item.error_details
    FROM item
    JOIN released
        ON released.tenant_id = item.tenant_id
        AND released.execution_id = item.execution_id
    -- By key, each in its period. Besides that the array would be sorted anew for every one of them.
    WHERE e.tenant_id = item.tenant_id
        AND e.execution_id = item.execution_id
    RETURNING e.tenant_id, e.execution_id
)
SELECT tenant_id, execution_id
FROM finished;

-- name: get(execution_id, tenant_id)^
-- One execution, whole.
-- returns: Execution       rows: 0..1
SELECT
    tenant_id, execution_id, workflow_id, workflow_revision, status, mode, start_time, end_time, error_message,
    created_at,
    triggered_by, parent_execution_id, run_data, metadata, error_details
FROM workflow_executions
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id;

-- name: get_queue_entry(execution_id, tenant_id)^
-- How the queue sees an execution; no row once it has ended.
-- returns: QueueEntry      rows: 0..1
SELECT
    tenant_id, execution_id, queue, status, priority, visible_at, attempt, max_attempts, worker_id, concurrency_key
FROM execution_queue
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id;

-- name: heartbeat_many(attempts, execution_ids, lease_until, tenant_ids)
-- Prolong leases, one for each place of the arrays; those that are lost are not returned.
-- returns: Lease           rows: 0..n
-- locks: their execution_queue rows, in the order of their keys
-- repeat: safe
WITH held AS (
    SELECT q.tenant_id, q.execution_id
    FROM (
        SELECT DISTINCT item.tenant_id, item.execution_id, item.attempt
        FROM unnest(:tenant_ids::uuid[], :execution_ids::uuid[], :attempts::integer[])
            AS item (tenant_id, execution_id, attempt)
        ORDER BY item.tenant_id, item.execution_id
        -- No limit at all; but the planner, who cannot know that, takes these for few and goes by their keys.
        LIMIT (SELECT NULL::bigint)
    ) AS leased
    -- LATERAL and LIMIT, for the same: a plan made for a tenant with little in the queue must suit one with much.
    CROSS JOIN LATERAL (
        SELECT queued.tenant_id, queued.execution_id
        FROM execution_queue AS queued
        WHERE queued.tenant_id = leased.tenant_id
            AND queued.execution_id = leased.execution_id
            AND queued.attempt = leased.attempt
        LIMIT 1
        FOR UPDATE
    ) AS q
)
UPDATE execution_queue AS q
SET visible_at = :lease_until
WHERE (q.tenant_id, q.execution_id) IN (
    SELECT held.tenant_id, held.execution_id
    FROM held
)
RETURNING q.tenant_id, q.execution_id, q.visible_at;

-- name: page(before_id, limit, tenant_id)
-- Executions without their payload, latest first.
-- returns: ExecutionSummary        rows: 0..limit
-- index: workflow_executions_pkey
SELECT
    tenant_id, execution_id, workflow_id, workflow_revision, status, mode, start_time, end_time, error_message,
    created_at
FROM workflow_executions
WHERE tenant_id = :tenant_id
    AND execution_id < :before_id
ORDER BY execution_id DESC
LIMIT :limit;

-- name: page_by_workflow(before_id, limit, tenant_id, workflow_id)
-- A workflow's executions without their payload, latest first.
-- returns: ExecutionSummary        rows: 0..limit
-- index: workflow_executions_workflow_idx
SELECT
    tenant_id, execution_id, workflow_id, workflow_revision, status, mode, start_time, end_time, error_message,
    created_at
FROM workflow_executions
WHERE tenant_id = :tenant_id
    AND workflow_id = :workflow_id
    AND execution_id < :before_id
ORDER BY execution_id DESC
LIMIT :limit;

-- name: page_failed(before_id, limit, tenant_id)
-- Executions that ended in ERROR, without their payload, latest first.
-- returns: ExecutionSummary        rows: 0..limit
-- index: workflow_executions_error_idx
-- unseen: end_time (what has ended has one)
SELECT
    tenant_id, execution_id, workflow_id, workflow_revision, status, mode, start_time, end_time, error_message,
    created_at
FROM workflow_executions
WHERE tenant_id = :tenant_id
    AND status = 'ERROR'
    AND execution_id < :before_id
ORDER BY execution_id DESC
LIMIT :limit;

-- name: page_queue(after_id, limit, queue, tenant_id)
-- What has not ended in one queue, by id.
-- returns: QueueEntry      rows: 0..limit
-- index: execution_queue_pkey
SELECT
    tenant_id, execution_id, queue, status, priority, visible_at, attempt, max_attempts, worker_id, concurrency_key
FROM execution_queue
WHERE tenant_id = :tenant_id
    AND queue = :queue
    AND execution_id > :after_id
ORDER BY execution_id
LIMIT :limit;

-- name: start_many(execution_ids, start_time, tenant_ids)
-- Write into history that these executions, which the caller has just claimed, are running.
-- returns: StartedExecution        rows: 0..n
-- index: workflow_executions_pkey
-- not-null: start_time (it is set here)
UPDATE workflow_executions AS e
SET status = 'RUNNING',
    start_time = coalesce(e.start_time, :start_time::bigint)
WHERE e.tenant_id = ANY(:tenant_ids::uuid[])
    AND e.execution_id = ANY(:execution_ids::uuid[])
    AND e.status IN ('NEW', 'RUNNING', 'WAITING')
RETURNING
    e.tenant_id, e.execution_id, e.workflow_id, e.workflow_revision, e.mode, e.parent_execution_id, e.metadata,
    e.start_time;

-- name: unfinished(execution_ids, tenant_id)
-- Which of these executions have not ended, as the queue sees them.
-- returns: QueueEntry      rows: 0..n
-- index: execution_queue_pkey
SELECT
    q.tenant_id, q.execution_id, q.queue, q.status, q.priority, q.visible_at, q.attempt, q.max_attempts, q.worker_id,
    q.concurrency_key
FROM (SELECT DISTINCT unnest(:execution_ids::uuid[]) AS execution_id) AS wanted
-- LATERAL and LIMIT: each by its key, never all that the tenant has in the queue for the sake of many.
CROSS JOIN LATERAL (
    SELECT
        queued.tenant_id, queued.execution_id, queued.queue, queued.status, queued.priority, queued.visible_at,
        queued.attempt, queued.max_attempts, queued.worker_id, queued.concurrency_key
    FROM execution_queue AS queued
    WHERE queued.tenant_id = :tenant_id
        AND queued.execution_id = wanted.execution_id
    LIMIT 1
) AS q;

-- name: update_metadata(execution_id, metadata, tenant_id)!
-- Replace what the caller keeps along with an execution.
-- returns: int
-- repeat: safe
UPDATE workflow_executions
SET metadata = :metadata::jsonb
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id;
