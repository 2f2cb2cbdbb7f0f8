-- Executions: the queue that workers claim from, and the history that stays.

-- name: cancel(end_time, execution_id, tenant_id)
-- End an execution that has not ended, with all that it started; a worker that has one of them loses its lease. No
-- row: it has ended, or is not there.
-- returns: ExecutionKey    rows: 0..n
-- locks: their execution_queue rows
-- repeat: safe
WITH RECURSIVE family AS (
    SELECT q.tenant_id, q.execution_id
    FROM execution_queue AS q
    WHERE q.tenant_id = :tenant_id
        AND q.execution_id = :execution_id
    UNION
    SELECT child.tenant_id, child.execution_id
    FROM family
    -- LATERAL, and LIMIT without a limit, here and below: each by its key, though the planner takes a family for large.
    CROSS JOIN LATERAL (
        SELECT queued.tenant_id, queued.execution_id
        FROM execution_queue AS queued
        WHERE queued.tenant_id = :tenant_id
            AND queued.parent_execution_id = family.execution_id
        LIMIT (SELECT NULL::bigint)
    ) AS child
),
released AS (
    DELETE FROM execution_queue AS q
    WHERE (q.tenant_id, q.execution_id) IN (
        SELECT found.tenant_id, found.execution_id
        FROM (
            SELECT :tenant_id::uuid AS tenant_id, family.execution_id
            FROM family
            LIMIT (SELECT NULL::bigint)
        ) AS member
        CROSS JOIN LATERAL (
            SELECT queued.tenant_id, queued.execution_id
            FROM execution_queue AS queued
            WHERE queued.tenant_id = member.tenant_id
                AND queued.execution_id = member.execution_id
            LIMIT 1
        ) AS found
    )
    RETURNING q.tenant_id, q.execution_id
),
canceled AS (
    UPDATE workflow_executions AS e
    SET status = 'CANCELED',
        end_time = greatest(:end_time::bigint, e.start_time)
    FROM (
        SELECT :tenant_id::uuid AS tenant_id, released.execution_id
        FROM released
        LIMIT (SELECT NULL::bigint)
    ) AS gone
    WHERE e.tenant_id = gone.tenant_id
        AND e.execution_id = gone.execution_id
    RETURNING e.tenant_id, e.execution_id, e.workflow_id, e.status, e.start_time, e.end_time
),
counted AS (
    INSERT INTO execution_stats AS s (
        tenant_id, workflow_id, hour, status, slot, executions, duration_ms, durations
    )
    SELECT
        ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status, mod(pg_backend_pid(), 1024),
        sum(ended.executions)::bigint, sum(ended.duration_ms)::bigint, wfstore_sum_histograms(ended.durations)
    FROM (
        -- First by workflow and hour, so that it is these few, and not each execution, that count three times.
        SELECT
            canceled.tenant_id, canceled.workflow_id, wfstore_uuid7_hour(canceled.execution_id) AS hour, canceled.status,
            count(*) AS executions,
            coalesce(sum(wfstore_duration(canceled.start_time, canceled.end_time)), 0) AS duration_ms,
            wfstore_histogram(array_agg(wfstore_duration(canceled.start_time, canceled.end_time))) AS durations
        FROM canceled
        GROUP BY canceled.tenant_id, canceled.workflow_id, 3, canceled.status
    ) AS ended
    CROSS JOIN LATERAL wfstore_counts_for(ended.workflow_id, ended.hour) AS counts_for (workflow_id, hour)
    GROUP BY ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status
    -- In one order: two connections that share a slot wait for each other in turn, not in a ring.
    ORDER BY ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status
    ON CONFLICT (tenant_id, workflow_id, hour, status, slot) DO UPDATE
    SET executions = s.executions + excluded.executions,
        duration_ms = s.duration_ms + excluded.duration_ms,
        durations = wfstore_add_histograms(s.durations, excluded.durations)
)
SELECT tenant_id, execution_id
FROM canceled;

-- name: claim(lease_until, limit, queue, tenant_ids, worker_id)
-- Hand up to :limit ready executions of one queue to a worker, most urgent first. What may not run now, as its
-- workflow is paused or all places of its key are taken, is parked and comes back as not admitted.
-- returns: Claim           rows: 0..limit
-- locks: execution_queue rows, SKIP LOCKED; then concurrency_limits rows in the order of their keys
-- index: execution_queue_ready_idx
-- not-null: visible_at (the end of the lease, a parameter)
WITH due AS (
    SELECT
        q.tenant_id, q.execution_id, q.workflow_id, q.concurrency_key, q.priority, q.visible_at, q.attempt, q.failures,
        q.max_attempts, q.woken_by
    FROM execution_queue AS q
    WHERE q.tenant_id = ANY(:tenant_ids::uuid[])
        AND q.queue = :queue
        AND q.ready
        -- In coalesce: of <> ALL the planner would think that it leaves nothing of an only tenant, and sort all.
        AND NOT coalesce(
            q.tenant_id = ANY(
                ARRAY(
                    SELECT p.tenant_id
                    FROM execution_pauses AS p
                    WHERE p.tenant_id = ANY(:tenant_ids::uuid[])
                        AND p.kind = 'QUEUE'
                        AND p.name = :queue
                )
            ),
            false
        )
    ORDER BY q.priority DESC, q.visible_at, q.execution_id
    LIMIT :limit
    FOR UPDATE OF q SKIP LOCKED
),
marked AS (
    SELECT
        due.*,
        due.concurrency_key IS NOT NULL OR pause.name IS NOT NULL AS gated
    FROM due
    -- LATERAL and LIMIT: each by its key; EXISTS would read all pauses once there are many.
    LEFT JOIN LATERAL (
        SELECT p.name
        FROM execution_pauses AS p
        WHERE p.tenant_id = due.tenant_id
            AND p.kind = 'WORKFLOW'
            AND p.name = due.workflow_id::text
        LIMIT 1
    ) AS pause ON true
),
-- Most executions have neither key nor pause, and cost no call.
admitted AS (
    SELECT gate.admitted_tenant AS tenant_id, gate.admitted AS execution_id
    FROM (
        SELECT array_agg(marked.tenant_id) AS tenant_ids, array_agg(marked.execution_id) AS execution_ids
        FROM marked
        WHERE marked.gated
    ) AS held
    CROSS JOIN LATERAL wfstore_admit(held.tenant_ids, held.execution_ids) AS gate
    WHERE held.tenant_ids IS NOT NULL
),
decided AS (
    SELECT
        marked.*,
        NOT marked.gated
        OR coalesce((marked.tenant_id, marked.execution_id) IN (SELECT a.tenant_id, a.execution_id FROM admitted AS a), false)
            AS is_admitted
    FROM marked
),
claimed AS (
    UPDATE execution_queue AS q
    SET attempt = q.attempt + 1,
        status = 'RUNNING',
        ready = false,
        worker_id = :worker_id,
        visible_at = :lease_until
    FROM decided
    WHERE q.tenant_id = decided.tenant_id
        AND q.execution_id = decided.execution_id
        AND decided.is_admitted
)
-- Not joined with what was updated, which is just what is admitted: its rows are locked.
SELECT
    tenant_id,
    execution_id,
    is_admitted AS admitted,
    attempt + 1 AS attempt,
    failures,
    max_attempts,
    :lease_until::timestamptz AS visible_at,
    woken_by,
    concurrency_key
FROM decided
ORDER BY priority DESC, decided.visible_at, execution_id;

-- name: delete(execution_id, tenant_id)$
-- Remove one ended execution with its node results; whole periods go by dropping partitions instead.
-- returns: int
-- repeat: safe
WITH deleted AS (
    DELETE FROM workflow_executions AS e
    WHERE e.tenant_id = :tenant_id
        AND e.execution_id = :execution_id
        AND e.status IN ('SUCCESS', 'ERROR', 'CANCELED')
    RETURNING e.tenant_id, e.execution_id, e.workflow_id, e.status, e.start_time, e.end_time
),
counted AS (
    INSERT INTO execution_stats AS s (
        tenant_id, workflow_id, hour, status, slot, executions, duration_ms, durations
    )
    SELECT
        ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status, mod(pg_backend_pid(), 1024), -1,
        coalesce(-ended.duration, 0), wfstore_histogram(ARRAY[ended.duration], -1)
    FROM (
        SELECT
            deleted.tenant_id, deleted.workflow_id, wfstore_uuid7_hour(deleted.execution_id) AS hour, deleted.status,
            wfstore_duration(deleted.start_time, deleted.end_time) AS duration
        FROM deleted
    ) AS ended
    CROSS JOIN LATERAL wfstore_counts_for(ended.workflow_id, ended.hour) AS counts_for (workflow_id, hour)
    ORDER BY ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status
    ON CONFLICT (tenant_id, workflow_id, hour, status, slot) DO UPDATE
    SET executions = s.executions + excluded.executions,
        duration_ms = s.duration_ms + excluded.duration_ms,
        durations = wfstore_add_histograms(s.durations, excluded.durations)
)
SELECT count(*) FROM deleted;

-- name: enqueue_many(concurrency_keys, concurrency_limits, execution_ids, idempotency_keys, key_expirations, max_attempts, metadata, modes, now, parent_execution_ids, priorities, queues, retry_factors, retry_ofs, retry_wait_maxs, retry_waits, tenant_id, triggered_bys, visible_ats, workflow_ids, workflow_revisions)
-- Write executions to history and to the queue, one for each place of the arrays, at the workflow's present version
-- where none is named. An id that is there already, or an idempotency key that is in use, creates nothing.
-- returns: ExecutionCreated        rows: one for each place
-- raises: NotFound
-- repeat: safe
-- not-null: execution_id (a row of history without one is refused)
-- not-null: workflow_id (a row of history without one is refused)
WITH item AS (
    SELECT i.*
    FROM unnest(
        :execution_ids::uuid[], :workflow_ids::uuid[], :workflow_revisions::bigint[], :modes::text[],
        :triggered_bys::text[], :parent_execution_ids::uuid[], :retry_ofs::uuid[], :metadata::jsonb[], :queues::text[],
        :priorities::integer[], :visible_ats::timestamptz[], :max_attempts::integer[],
        :retry_waits::double precision[], :retry_factors::double precision[], :retry_wait_maxs::double precision[],
        :concurrency_keys::text[], :concurrency_limits::integer[], :idempotency_keys::text[],
        :key_expirations::timestamptz[]
    ) WITH ORDINALITY AS i (
        execution_id, workflow_id, workflow_revision, mode, triggered_by, parent_execution_id, retry_of, metadata,
        queue, priority, visible_at, max_attempts, retry_wait, retry_factor, retry_wait_max, concurrency_key,
        concurrency_limit, idempotency_key, key_expires_at, ordinal
    )
),
-- In one order, here and below: two calls that meet at several keys wait for each other in turn, not in a ring.
keyed AS (
    INSERT INTO execution_keys AS k (tenant_id, idempotency_key, execution_id, expires_at)
    SELECT DISTINCT ON (item.idempotency_key)
        :tenant_id::uuid, item.idempotency_key, item.execution_id, item.key_expires_at
    FROM item
    WHERE item.idempotency_key IS NOT NULL
    ORDER BY item.idempotency_key, item.ordinal
    ON CONFLICT (tenant_id, idempotency_key) DO UPDATE
    SET execution_id = excluded.execution_id,
        expires_at = excluded.expires_at
    -- an expired key may be used anew, and this very call may be repeated
    WHERE k.expires_at <= :now OR k.execution_id = excluded.execution_id
    RETURNING k.idempotency_key, k.execution_id
),
limited AS (
    INSERT INTO concurrency_limits AS l (tenant_id, concurrency_key, max_running)
    SELECT :tenant_id::uuid, item.concurrency_key, max(item.concurrency_limit)
    FROM item
    WHERE item.concurrency_key IS NOT NULL
    GROUP BY item.concurrency_key
    ORDER BY item.concurrency_key
    ON CONFLICT (tenant_id, concurrency_key) DO NOTHING
),
versioned AS (
    -- Where there is no such workflow the foreign key refuses the whole call.
    -- LATERAL and LIMIT: each by its key, never all the tenant's workflows for the sake of a few.
    SELECT
        item.*,
        :tenant_id::uuid AS tenant_id,
        coalesce(item.workflow_revision, w.content_revision, 0) AS content_revision,
        item.idempotency_key IS NULL
        OR (item.idempotency_key, item.execution_id) IN (
            SELECT keyed.idempotency_key, keyed.execution_id
            FROM keyed
        ) AS wanted
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
        tenant_id, execution_id, workflow_id, workflow_revision, mode, triggered_by, parent_execution_id,
        retry_of_execution_id, metadata
    )
    SELECT
        v.tenant_id, v.execution_id, v.workflow_id, v.content_revision, v.mode, v.triggered_by,
        v.parent_execution_id, v.retry_of, v.metadata
    FROM versioned AS v
    WHERE v.wanted
    ON CONFLICT (tenant_id, execution_id) DO NOTHING
    RETURNING e.tenant_id, e.execution_id
),
queued AS (
    INSERT INTO execution_queue AS q (
        tenant_id, execution_id, workflow_id, parent_execution_id, queue, priority, visible_at, ready, max_attempts,
        retry_wait, retry_factor, retry_wait_max, concurrency_key
    )
    SELECT
        v.tenant_id, v.execution_id, v.workflow_id, v.parent_execution_id, v.queue, v.priority, v.visible_at,
        v.visible_at <= :now, v.max_attempts, v.retry_wait, v.retry_factor, v.retry_wait_max, v.concurrency_key
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

-- name: fail_many(attempts, error_details, error_messages, execution_ids, jitters, now, retries, tenant_ids, waits)
-- Fail executions, one for each place of the arrays, whose lease the worker still has. Each is retried after its
-- back-off (or the wait given in seconds), or is given up for good where it may not be retried or has failed too often.
-- returns: ExecutionFailed         rows: 0..n
-- locks: their execution_queue rows; concurrency_limits rows: lock_many, before, in the order of their keys
WITH outcome AS (
    SELECT
        held.tenant_id, held.execution_id, held.attempt, held.queue, held.priority, held.concurrency_key,
        held.workflow_id, held.failures + 1 AS failures, leased.error_message, leased.error_details,
        leased.retry AND held.failures + 1 < held.max_attempts AS retried,
        :now::timestamptz + make_interval(
            secs => coalesce(
                leased.wait,
                -- by way of the logarithm, and far below what would overflow
                least(held.retry_wait_max, held.retry_wait * exp(least(held.failures * ln(held.retry_factor), 500)))
                -- downwards: the longest wait is one
                * (1 - leased.jitter)
            )
        ) AS visible_at
    FROM (
        SELECT i.*
        FROM unnest(
            :tenant_ids::uuid[], :execution_ids::uuid[], :attempts::integer[], :retries::boolean[],
            :waits::double precision[], :jitters::double precision[], :error_messages::text[], :error_details::jsonb[]
        ) AS i (tenant_id, execution_id, attempt, retry, wait, jitter, error_message, error_details)
        ORDER BY i.tenant_id, i.execution_id
        -- No limit at all; but the planner, who cannot know that, takes these for few and goes by their keys.
        LIMIT (SELECT NULL::bigint)
    ) AS leased
    -- LATERAL and LIMIT, for the same: a plan made for a tenant with little in the queue must suit one with much.
    CROSS JOIN LATERAL (
        SELECT
            queued.tenant_id, queued.execution_id, queued.attempt, queued.concurrency_key, queued.failures,
            queued.max_attempts, queued.retry_wait, queued.retry_factor, queued.retry_wait_max, queued.queue,
            queued.priority, queued.workflow_id
        FROM execution_queue AS queued
        WHERE queued.tenant_id = leased.tenant_id
            AND queued.execution_id = leased.execution_id
            AND queued.attempt = leased.attempt
            AND queued.status = 'RUNNING'
        LIMIT 1
    ) AS held
),
-- The fence, here and below: what was read of a lease holds for as long as it does.
requeued AS (
    UPDATE execution_queue AS q
    SET status = 'NEW',
        ready = false,
        worker_id = NULL,
        failures = outcome.failures,
        visible_at = outcome.visible_at
    FROM outcome
    WHERE q.tenant_id = outcome.tenant_id
        AND q.execution_id = outcome.execution_id
        AND q.attempt = outcome.attempt
        AND q.status = 'RUNNING'
        AND outcome.retried
    RETURNING outcome.*
),
released AS (
    DELETE FROM execution_queue AS q
    USING outcome
    WHERE q.tenant_id = outcome.tenant_id
        AND q.execution_id = outcome.execution_id
        AND q.attempt = outcome.attempt
        AND q.status = 'RUNNING'
        AND NOT outcome.retried
    RETURNING outcome.*
),
failed AS (
    SELECT requeued.*
    FROM requeued
    UNION ALL
    SELECT released.*
    FROM released
),
buried AS (
    INSERT INTO dead_letters AS d (
        tenant_id, execution_id, workflow_id, queue, priority, concurrency_key, failures, reason, died_at
    )
    SELECT
        o.tenant_id, o.execution_id, o.workflow_id, o.queue, o.priority, o.concurrency_key, o.failures,
        coalesce(o.error_message, ''), :now
    FROM released AS o
    ON CONFLICT (tenant_id, execution_id) DO NOTHING
),
written AS (
    UPDATE workflow_executions AS e
    SET status = CASE WHEN failed.retried THEN 'NEW' ELSE 'ERROR' END,
        end_time = CASE
            WHEN NOT failed.retried
                THEN greatest(trunc(extract(epoch FROM :now::timestamptz) * 1000)::bigint, e.start_time)
        END,
        error_message = failed.error_message,
        error_details = failed.error_details
    FROM failed
    WHERE e.tenant_id = failed.tenant_id
        AND e.execution_id = failed.execution_id
    RETURNING
        e.tenant_id, e.execution_id, e.workflow_id, e.status, e.start_time, e.end_time,
        failed.retried, failed.failures, failed.visible_at
),
counted AS (
    INSERT INTO execution_stats AS s (
        tenant_id, workflow_id, hour, status, slot, executions, duration_ms, durations
    )
    SELECT
        ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status, mod(pg_backend_pid(), 1024),
        sum(ended.executions)::bigint, sum(ended.duration_ms)::bigint, wfstore_sum_histograms(ended.durations)
    FROM (
        -- First by workflow and hour, so that it is these few, and not each execution, that count three times.
        SELECT
            written.tenant_id, written.workflow_id, wfstore_uuid7_hour(written.execution_id) AS hour, written.status,
            count(*) AS executions,
            coalesce(sum(wfstore_duration(written.start_time, written.end_time)), 0) AS duration_ms,
            wfstore_histogram(array_agg(wfstore_duration(written.start_time, written.end_time))) AS durations
        FROM written
        WHERE NOT written.retried
        GROUP BY written.tenant_id, written.workflow_id, 3, written.status
    ) AS ended
    CROSS JOIN LATERAL wfstore_counts_for(ended.workflow_id, ended.hour) AS counts_for (workflow_id, hour)
    GROUP BY ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status
    -- In one order: two connections that share a slot wait for each other in turn, not in a ring.
    ORDER BY ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status
    ON CONFLICT (tenant_id, workflow_id, hour, status, slot) DO UPDATE
    SET executions = s.executions + excluded.executions,
        duration_ms = s.duration_ms + excluded.duration_ms,
        durations = wfstore_add_histograms(s.durations, excluded.durations)
)
SELECT
    tenant_id, execution_id, retried, failures,
    CASE WHEN retried THEN visible_at END AS visible_at
FROM written;

-- name: finish_many(attempts, end_times, error_details, error_messages, execution_ids, run_data, start_times, statuses, tenant_ids)
-- End executions, one for each place of the arrays, whose lease the worker still has; the others are not returned.
-- returns: UUID            rows: 0..n
-- locks: their execution_queue rows, in the order of their keys; concurrency_limits rows: lock_many, before, in theirs
WITH released AS (
    DELETE FROM execution_queue AS q
    USING (
        SELECT i.*
        FROM unnest(
            :tenant_ids::uuid[], :execution_ids::uuid[], :attempts::integer[], :statuses::text[],
            :start_times::bigint[], :end_times::bigint[], :run_data::jsonb[], :error_messages::text[],
            :error_details::jsonb[]
        ) AS i (
            tenant_id, execution_id, attempt, status, start_time, end_time, run_data, error_message, error_details
        )
        ORDER BY i.tenant_id, i.execution_id
        -- No limit at all; but the planner, who cannot know that, takes these for few and goes by their keys.
        LIMIT (SELECT NULL::bigint)
    ) AS item
    WHERE q.tenant_id = item.tenant_id
        AND q.execution_id = item.execution_id
        AND q.attempt = item.attempt
        AND q.status = 'RUNNING'
    RETURNING
        q.tenant_id, q.execution_id, item.status, item.start_time, item.end_time, item.run_data,
        item.error_message, item.error_details
),
finished AS (
    UPDATE workflow_executions AS e
    SET status = released.status,
        start_time = coalesce(released.start_time, e.start_time),
        -- a worker whose clock is behind ends it no earlier than it began
        end_time = greatest(released.end_time, coalesce(released.start_time, e.start_time)),
        run_data = released.run_data,
        error_message = released.error_message,
        error_details = released.error_details
    FROM released
    -- By key, each in its period. Besides that the array would be sorted anew for every one of them.
    WHERE e.tenant_id = released.tenant_id
        AND e.execution_id = released.execution_id
    RETURNING e.tenant_id, e.execution_id, e.workflow_id, e.status, e.start_time, e.end_time
),
counted AS (
    INSERT INTO execution_stats AS s (
        tenant_id, workflow_id, hour, status, slot, executions, duration_ms, durations
    )
    SELECT
        ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status, mod(pg_backend_pid(), 1024),
        sum(ended.executions)::bigint, sum(ended.duration_ms)::bigint, wfstore_sum_histograms(ended.durations)
    FROM (
        -- First by workflow and hour, so that it is these few, and not each execution, that count three times.
        SELECT
            finished.tenant_id, finished.workflow_id, wfstore_uuid7_hour(finished.execution_id) AS hour, finished.status,
            count(*) AS executions,
            coalesce(sum(wfstore_duration(finished.start_time, finished.end_time)), 0) AS duration_ms,
            wfstore_histogram(array_agg(wfstore_duration(finished.start_time, finished.end_time))) AS durations
        FROM finished
        GROUP BY finished.tenant_id, finished.workflow_id, 3, finished.status
    ) AS ended
    CROSS JOIN LATERAL wfstore_counts_for(ended.workflow_id, ended.hour) AS counts_for (workflow_id, hour)
    GROUP BY ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status
    -- In one order: two connections that share a slot wait for each other in turn, not in a ring.
    ORDER BY ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status
    ON CONFLICT (tenant_id, workflow_id, hour, status, slot) DO UPDATE
    SET executions = s.executions + excluded.executions,
        duration_ms = s.duration_ms + excluded.duration_ms,
        durations = wfstore_add_histograms(s.durations, excluded.durations)
)
SELECT execution_id
FROM finished;

-- name: get(execution_id, tenant_id)^
-- One execution, whole.
-- returns: Execution       rows: 0..1
SELECT
    tenant_id, execution_id, workflow_id, workflow_revision, status, mode, start_time, end_time, error_message,
    created_at,
    triggered_by, parent_execution_id, retry_of_execution_id, run_data, metadata, error_details
FROM workflow_executions
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id;

-- name: get_many(execution_ids, tenant_id)
-- Executions, whole; those that are not there are left out.
-- returns: Execution       rows: 0..n
-- index: workflow_executions_pkey
SELECT
    e.tenant_id, e.execution_id, e.workflow_id, e.workflow_revision, e.status, e.mode, e.start_time, e.end_time,
    e.error_message, e.created_at, e.triggered_by, e.parent_execution_id, e.retry_of_execution_id, e.run_data,
    e.metadata, e.error_details
FROM (SELECT DISTINCT unnest(:execution_ids::uuid[]) AS execution_id) AS wanted
-- LATERAL and LIMIT: one execution after the other, each in its period; the array itself would search all periods.
CROSS JOIN LATERAL (
    SELECT
        stored.tenant_id, stored.execution_id, stored.workflow_id, stored.workflow_revision, stored.status,
        stored.mode, stored.start_time, stored.end_time, stored.error_message, stored.created_at,
        stored.triggered_by, stored.parent_execution_id, stored.retry_of_execution_id, stored.run_data,
        stored.metadata, stored.error_details
    FROM workflow_executions AS stored
    WHERE stored.tenant_id = :tenant_id
        AND stored.execution_id = wanted.execution_id
    LIMIT 1
) AS e;

-- name: get_queue_entry(execution_id, tenant_id)^
-- How the queue sees an execution; no row once it has ended.
-- returns: QueueEntry      rows: 0..1
SELECT
    tenant_id, execution_id, workflow_id, queue, status, priority, visible_at, ready, parked_by, attempt, failures,
    max_attempts, worker_id, concurrency_key, wait_signal, wait_children
FROM execution_queue
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id;

-- name: heartbeat_many(attempts, execution_ids, lease_until, tenant_ids)
-- Prolong leases, one for each place of the arrays; those that are lost are not returned.
-- not-null: visible_at (the end of the lease, a parameter)
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
            AND queued.status = 'RUNNING'
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

-- name: lock(execution_id, tenant_id)$
-- Lock an execution that has not ended, so that what follows in this transaction sees its last state; its status.
-- returns: str|None
-- locks: its execution_queue row
SELECT q.status
FROM execution_queue AS q
WHERE q.tenant_id = :tenant_id
    AND q.execution_id = :execution_id
FOR UPDATE;

-- name: lock_many(attempts, execution_ids, tenant_ids)$
-- Lock the queue rows of leases, one for each place of the arrays, that are held, then the limits of their keys: each in
-- the order of their keys, so that no two workers who give back several wait in a ring. Returns how many are held.
-- A statement of its own: PostgreSQL 18 (18.6, at least) may read freed memory where one locks rows and chooses partitions.
-- returns: int
-- locks: execution_queue rows, then concurrency_limits rows, in the order of their keys
WITH held AS (
    SELECT q.tenant_id, q.concurrency_key
    FROM (
        SELECT DISTINCT i.tenant_id, i.execution_id, i.attempt
        FROM unnest(:tenant_ids::uuid[], :execution_ids::uuid[], :attempts::integer[])
            AS i (tenant_id, execution_id, attempt)
        ORDER BY i.tenant_id, i.execution_id
        -- No limit at all; but the planner, who cannot know that, takes these for few and goes by their keys.
        LIMIT (SELECT NULL::bigint)
    ) AS leased
    -- LATERAL and LIMIT, for the same: a plan made for a tenant with little in the queue must suit one with much.
    CROSS JOIN LATERAL (
        SELECT queued.tenant_id, queued.concurrency_key
        FROM execution_queue AS queued
        WHERE queued.tenant_id = leased.tenant_id
            AND queued.execution_id = leased.execution_id
            AND queued.attempt = leased.attempt
            AND queued.status = 'RUNNING'
        LIMIT 1
        FOR UPDATE
    ) AS q
),
-- The places are returned by triggers, row by row; locked in one order here.
places AS (
    SELECT l.concurrency_key
    FROM (
        SELECT DISTINCT held.tenant_id, held.concurrency_key
        FROM held
        WHERE held.concurrency_key IS NOT NULL
        ORDER BY held.tenant_id, held.concurrency_key
        LIMIT (SELECT NULL::bigint)
    ) AS returned
    CROSS JOIN LATERAL (
        SELECT locked.concurrency_key
        FROM concurrency_limits AS locked
        WHERE locked.tenant_id = returned.tenant_id
            AND locked.concurrency_key = returned.concurrency_key
        LIMIT 1
        FOR UPDATE
    ) AS l
)
SELECT count(*)
FROM held
WHERE (SELECT count(*) FROM places) >= 0; -- the places, too

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

-- name: page_active(before_id, limit, status, tenant_id)
-- Executions that have not ended and have this status in the queue, without their payload, latest first. Once a wait
-- is over they are NEW there, and WAITING in history until a worker has them.
-- returns: ExecutionSummary        rows: 0..limit
-- index: execution_queue_pkey
SELECT
    e.tenant_id, e.execution_id, e.workflow_id, e.workflow_revision, active.status, e.mode, e.start_time, e.end_time,
    e.error_message, e.created_at
FROM (
    SELECT q.execution_id, q.status
    FROM execution_queue AS q
    WHERE q.tenant_id = :tenant_id
        AND q.status = :status
        AND q.execution_id < :before_id
    ORDER BY q.execution_id DESC
    LIMIT :limit
) AS active
-- LATERAL and LIMIT: one execution after the other, each in its period.
CROSS JOIN LATERAL (
    SELECT
        stored.tenant_id, stored.execution_id, stored.workflow_id, stored.workflow_revision, stored.mode,
        stored.start_time, stored.end_time, stored.error_message, stored.created_at
    FROM workflow_executions AS stored
    WHERE stored.tenant_id = :tenant_id
        AND stored.execution_id = active.execution_id
    LIMIT 1
) AS e
ORDER BY e.execution_id DESC;

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

-- name: page_canceled(before_id, limit, tenant_id)
-- Executions that were canceled, without their payload, latest first.
-- returns: ExecutionSummary        rows: 0..limit
-- index: workflow_executions_rare_idx
-- unseen: end_time (what has ended has one)
SELECT
    tenant_id, execution_id, workflow_id, workflow_revision, status, mode, start_time, end_time, error_message,
    created_at
FROM workflow_executions
WHERE tenant_id = :tenant_id
    AND rare_status = 'CANCELED'
    AND execution_id < :before_id
ORDER BY execution_id DESC
LIMIT :limit;

-- name: page_children(after_id, limit, parent_execution_id, tenant_id)
-- What an execution has started, ended or not, without its payload, oldest first. Children are younger than their
-- parent: an :after_id a little below the parent's own leaves older periods unread.
-- returns: ExecutionSummary        rows: 0..limit
-- index: workflow_executions_parent_idx
SELECT
    tenant_id, execution_id, workflow_id, workflow_revision, status, mode, start_time, end_time, error_message,
    created_at
FROM workflow_executions
WHERE tenant_id = :tenant_id
    AND parent_execution_id = :parent_execution_id
    AND execution_id > :after_id
ORDER BY execution_id
LIMIT :limit;

-- name: page_failed(before_id, limit, tenant_id)
-- Executions that ended in ERROR, without their payload, latest first.
-- returns: ExecutionSummary        rows: 0..limit
-- index: workflow_executions_rare_idx
-- unseen: end_time (what has ended has one)
SELECT
    tenant_id, execution_id, workflow_id, workflow_revision, status, mode, start_time, end_time, error_message,
    created_at
FROM workflow_executions
WHERE tenant_id = :tenant_id
    AND rare_status = 'ERROR'
    AND execution_id < :before_id
ORDER BY execution_id DESC
LIMIT :limit;

-- name: page_queue(after_id, limit, queue, tenant_id)
-- What has not ended in one queue, by id.
-- returns: QueueEntry      rows: 0..limit
-- index: execution_queue_pkey
SELECT
    tenant_id, execution_id, workflow_id, queue, status, priority, visible_at, ready, parked_by, attempt, failures,
    max_attempts, worker_id, concurrency_key, wait_signal, wait_children
FROM execution_queue
WHERE tenant_id = :tenant_id
    AND queue = :queue
    AND execution_id > :after_id
ORDER BY execution_id
LIMIT :limit;

-- name: start_many(execution_ids, start_time, tenant_ids)
-- Write into history that these executions, one for each place of the arrays, which the caller has just claimed, are
-- running. Each answer names its place in the arrays.
-- returns: StartedExecution        rows: 0..n
-- index: workflow_executions_pkey
-- not-null: start_time (it is set here)
UPDATE workflow_executions AS e
SET status = 'RUNNING',
    start_time = coalesce(e.start_time, :start_time::bigint)
FROM (
    SELECT i.*
    FROM unnest(:tenant_ids::uuid[], :execution_ids::uuid[])
        WITH ORDINALITY AS i (tenant_id, execution_id, ordinal)
    -- No limit at all; but the planner, who cannot know that, takes these for few and goes by their keys.
    LIMIT (SELECT NULL::bigint)
) AS claimed
-- By key, each in its period: an array whose elements the plan does not know would be looked for in all periods.
WHERE e.tenant_id = claimed.tenant_id
    AND e.execution_id = claimed.execution_id
    AND e.status IN ('NEW', 'RUNNING', 'WAITING')
RETURNING
    claimed.ordinal, e.workflow_id, e.workflow_revision, e.mode, e.parent_execution_id, e.retry_of_execution_id,
    e.metadata, e.start_time;

-- name: suspend(attempt, children, execution_id, now, signal, tenant_id, wake_at)^
-- Let an execution that this transaction has locked wait under its lease, unless what it waits for is there already.
-- returns: Suspended       rows: 0..1
WITH fact AS (
    SELECT
        q.tenant_id,
        q.execution_id,
        :signal::text IS NOT NULL
        AND EXISTS (
            SELECT
            FROM execution_signals AS s
            WHERE s.tenant_id = :tenant_id
                AND s.execution_id = :execution_id
                AND s.name = :signal::text
                AND s.consumed_at IS NULL
                AND (s.expires_at IS NULL OR s.expires_at > :now)
        ) AS signaled,
        :children::boolean
        AND NOT EXISTS (
            SELECT
            FROM execution_queue AS child
            WHERE child.tenant_id = :tenant_id
                AND child.parent_execution_id = :execution_id
        ) AS childless
    FROM execution_queue AS q
    WHERE q.tenant_id = :tenant_id
        AND q.execution_id = :execution_id
        AND q.attempt = :attempt
        AND q.status = 'RUNNING'
),
waiting AS (
    UPDATE execution_queue AS q
    SET status = 'WAITING',
        worker_id = NULL,
        visible_at = :wake_at::timestamptz,
        wait_signal = :signal::text,
        wait_children = :children::boolean,
        woken_by = NULL
    FROM fact
    WHERE q.tenant_id = :tenant_id
        AND q.execution_id = :execution_id
        AND NOT fact.signaled
        AND NOT fact.childless
    RETURNING q.tenant_id, q.execution_id
),
written AS (
    UPDATE workflow_executions AS e
    SET status = 'WAITING'
    WHERE e.tenant_id = :tenant_id
        AND e.execution_id = :execution_id
        AND EXISTS (SELECT FROM waiting)
)
SELECT
    fact.tenant_id,
    fact.execution_id,
    waiting.execution_id IS NOT NULL AS suspended
FROM fact
LEFT JOIN waiting
    ON waiting.tenant_id = fact.tenant_id
    AND waiting.execution_id = fact.execution_id;

-- name: unfinished(execution_ids, tenant_id)
-- Which of these executions have not ended, as the queue sees them.
-- returns: QueueEntry      rows: 0..n
-- index: execution_queue_pkey
SELECT
    q.tenant_id, q.execution_id, q.workflow_id, q.queue, q.status, q.priority, q.visible_at, q.ready, q.parked_by,
    q.attempt, q.failures, q.max_attempts, q.worker_id, q.concurrency_key, q.wait_signal, q.wait_children
FROM (SELECT DISTINCT unnest(:execution_ids::uuid[]) AS execution_id) AS wanted
-- LATERAL and LIMIT: each by its key, never all that the tenant has in the queue for the sake of many.
CROSS JOIN LATERAL (
    SELECT
        queued.tenant_id, queued.execution_id, queued.workflow_id, queued.queue, queued.status, queued.priority,
        queued.visible_at, queued.ready, queued.parked_by, queued.attempt, queued.failures, queued.max_attempts,
        queued.worker_id, queued.concurrency_key, queued.wait_signal, queued.wait_children
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

-- name: wake_due(limit, now, queue, tenant_ids)$
-- Make ready what time has made due in a queue: scheduled starts, waits that time out, leases that ran out. A lease
-- lost is a failure; after too many the execution is given up. Returns how many rows it saw.
-- returns: int
-- locks: execution_queue rows, SKIP LOCKED
-- index: execution_queue_due_idx
WITH due AS (
    SELECT
        q.tenant_id, q.execution_id, q.concurrency_key,
        q.status = 'RUNNING' AND q.failures + 1 >= q.max_attempts AS exhausted
    FROM execution_queue AS q
    WHERE q.tenant_id = ANY(:tenant_ids::uuid[])
        AND q.queue = :queue
        AND NOT q.ready
        AND q.parked_by IS NULL
        AND q.visible_at <= :now
    ORDER BY q.visible_at
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
),
-- Their keys' places are returned by triggers, row by row; locked in one order here, no two claims wait in a ring.
places AS (
    SELECT l.concurrency_key
    FROM (
        SELECT DISTINCT due.tenant_id, due.concurrency_key
        FROM due
        WHERE due.concurrency_key IS NOT NULL
        ORDER BY due.tenant_id, due.concurrency_key
        LIMIT (SELECT NULL::bigint)
    ) AS returned
    CROSS JOIN LATERAL (
        SELECT locked.concurrency_key
        FROM concurrency_limits AS locked
        WHERE locked.tenant_id = returned.tenant_id
            AND locked.concurrency_key = returned.concurrency_key
        LIMIT 1
        FOR UPDATE
    ) AS l
),
woken AS (
    UPDATE execution_queue AS q
    SET status = 'NEW',
        ready = true,
        failures = q.failures + (q.status = 'RUNNING')::integer,
        worker_id = NULL,
        wait_signal = NULL,
        wait_children = false,
        woken_by = CASE q.status WHEN 'WAITING' THEN 'TIME' ELSE q.woken_by END
    FROM due
    WHERE q.tenant_id = due.tenant_id
        AND q.execution_id = due.execution_id
        AND NOT due.exhausted
        AND (SELECT count(*) FROM places) >= 0 -- the places first
    RETURNING q.execution_id
),
-- A function, so that history is not written by the statement that locks rows: see there. After the others are woken: a
-- parent among them would be woken by its child's end, too, and no statement may change a row that its trigger changed.
given_up AS (
    SELECT wfstore_give_up(exhausted.tenant_ids, exhausted.execution_ids, :now::timestamptz) AS executions
    FROM (
        SELECT array_agg(due.tenant_id) AS tenant_ids, array_agg(due.execution_id) AS execution_ids
        FROM due
        WHERE due.exhausted
    ) AS exhausted
    WHERE exhausted.tenant_ids IS NOT NULL
        AND (SELECT count(*) FROM woken) >= 0
)
SELECT count(*)
FROM due
WHERE (SELECT count(*) FROM given_up) >= 0; -- it is called, too

-- name: wake_signaled(execution_id, now, signal, tenant_id)$
-- Wake an execution that this transaction has locked, if it waits for this signal and one is there for it; its queue.
-- returns: str|None
-- repeat: safe
UPDATE execution_queue
SET status = 'NEW',
    ready = true,
    wait_signal = NULL,
    wait_children = false,
    visible_at = :now,
    woken_by = 'SIGNAL'
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id
    AND status = 'WAITING'
    AND wait_signal = :signal
    -- sent a second time, it may have been consumed long ago
    AND EXISTS (
        SELECT
        FROM execution_signals AS s
        WHERE s.tenant_id = :tenant_id
            AND s.execution_id = :execution_id
            AND s.name = :signal
            AND s.consumed_at IS NULL
            AND (s.expires_at IS NULL OR s.expires_at > :now)
    )
RETURNING queue;
