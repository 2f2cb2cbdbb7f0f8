-- What operators look at. Windows begin at an id: a UUIDv7 carries its time, so old partitions are not read.

-- name: active_by_status(tenant_id)
-- How many executions have not ended, by status; from the queue, which holds no others.
-- returns: StatusCount     rows: 0..3
-- allow: no-cap (a row for each status, and the queue has three)
SELECT status, count(*) AS executions
FROM execution_queue
WHERE tenant_id = :tenant_id
GROUP BY status
ORDER BY status;

-- name: by_status(since_id, tenant_id)
-- How many executions have each status, exactly, since the full hour in which :since_id lies: the ended ones from the
-- roll-up, the others from the queue. Once a wait is over they are NEW there, and WAITING in history until a worker
-- has them.
-- returns: StatusCount     rows: 0..6
-- allow: no-cap (a row for each status, of which there are six)
WITH ended AS (
    -- Hours up to the next midnight, from there days: hours alone are thousands.
    SELECT s.status, s.executions
    FROM execution_stats AS s
    WHERE s.tenant_id = :tenant_id
        AND s.workflow_id = '00000000-0000-0000-0000-000000000000'
        AND s.hour >= wfstore_uuid7_hour(:since_id::uuid)
        AND s.hour < wfstore_uuid7_midnight(:since_id::uuid)
    UNION ALL
    SELECT s.status, s.executions
    FROM execution_stats AS s
    WHERE s.tenant_id = :tenant_id
        AND s.workflow_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
        AND s.hour >= wfstore_uuid7_midnight(:since_id::uuid)
),
counted AS (
    SELECT ended.status, sum(ended.executions)::bigint AS executions
    FROM ended
    GROUP BY ended.status
    UNION ALL
    SELECT q.status, count(*) AS executions
    FROM execution_queue AS q
    WHERE q.tenant_id = :tenant_id
        AND q.execution_id >= wfstore_uuid7_floor(wfstore_uuid7_hour(:since_id::uuid))
    GROUP BY q.status
)
SELECT counted.status, counted.executions
FROM counted
WHERE counted.executions <> 0 -- what was deleted is counted back
ORDER BY counted.status;

-- name: failing_nodes(limit, since_id, tenant_id)
-- The nodes that failed most often in the window.
-- returns: NodeFailures    rows: 0..limit
SELECT
    e.workflow_id,
    n.node_id,
    count(*) AS runs,
    count(*) FILTER (WHERE n.status = 'ERROR') AS failures
FROM node_executions AS n
-- LATERAL and LIMIT: by its key. A join that was planned for a tenant of few executions compares each with each of
-- one that has many.
CROSS JOIN LATERAL (
    SELECT found.workflow_id
    FROM workflow_executions AS found
    WHERE found.tenant_id = :tenant_id
        AND found.execution_id = n.execution_id
    LIMIT 1
) AS e
WHERE n.tenant_id = :tenant_id
    AND n.execution_id >= :since_id
GROUP BY e.workflow_id, n.node_id
HAVING count(*) FILTER (WHERE n.status = 'ERROR') > 0
ORDER BY failures DESC, e.workflow_id, n.node_id
LIMIT :limit;

-- name: performance(since_id, tenant_id)^
-- How long the finished executions took since the full hour in which :since_id lies. Count and average are exact; a
-- percentile is that of a histogram whose buckets double: never more than twice or less than half the true one.
-- returns: Performance     rows: 1
WITH ended AS (
    -- Hours up to the next midnight, from there days: hours alone are thousands.
    SELECT s.status, s.duration_ms, s.durations
    FROM execution_stats AS s
    WHERE s.tenant_id = :tenant_id
        AND s.workflow_id = '00000000-0000-0000-0000-000000000000'
        AND s.hour >= wfstore_uuid7_hour(:since_id::uuid)
        AND s.hour < wfstore_uuid7_midnight(:since_id::uuid)
    UNION ALL
    SELECT s.status, s.duration_ms, s.durations
    FROM execution_stats AS s
    WHERE s.tenant_id = :tenant_id
        AND s.workflow_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
        AND s.hour >= wfstore_uuid7_midnight(:since_id::uuid)
)
SELECT
    coalesce(wfstore_histogram_size(wfstore_sum_histograms(ended.durations)), 0) AS executions,
    (
        sum(ended.duration_ms) / nullif(wfstore_histogram_size(wfstore_sum_histograms(ended.durations)), 0)
    )::double precision AS average_ms,
    wfstore_percentile(wfstore_sum_histograms(ended.durations), 0.5) AS p50_ms,
    wfstore_percentile(wfstore_sum_histograms(ended.durations), 0.95) AS p95_ms,
    wfstore_percentile(wfstore_sum_histograms(ended.durations), 0.99) AS p99_ms
FROM ended
WHERE ended.status IN ('SUCCESS', 'ERROR');

-- name: performance_by_workflow(limit, since_id, tenant_id)
-- The same for each workflow, those with most executions first.
-- returns: WorkflowPerformance     rows: 0..limit
-- not-null: executions (of workflows that have none there is no row)
-- not-null: average_ms (the same)
-- not-null: p50_ms (the same)
-- not-null: p95_ms (the same)
-- not-null: p99_ms (the same)
WITH taken AS (
    SELECT
        s.workflow_id,
        sum(s.duration_ms) AS duration_ms,
        wfstore_sum_histograms(s.durations) AS durations
    FROM execution_stats AS s
    WHERE s.tenant_id = :tenant_id
        AND s.workflow_id > '00000000-0000-0000-0000-000000000000'
        AND s.workflow_id < 'ffffffff-ffff-ffff-ffff-ffffffffffff'
        AND s.hour >= wfstore_uuid7_hour(:since_id::uuid)
        AND s.status IN ('SUCCESS', 'ERROR')
    GROUP BY s.workflow_id
),
busiest AS (
    SELECT
        taken.workflow_id, taken.duration_ms, taken.durations, wfstore_histogram_size(taken.durations) AS executions
    FROM taken
    WHERE wfstore_histogram_size(taken.durations) > 0
    ORDER BY executions DESC, taken.workflow_id
    LIMIT :limit
)
SELECT
    b.workflow_id,
    w.name,
    b.executions,
    (b.duration_ms / b.executions)::double precision AS average_ms,
    wfstore_percentile(b.durations, 0.5) AS p50_ms,
    wfstore_percentile(b.durations, 0.95) AS p95_ms,
    wfstore_percentile(b.durations, 0.99) AS p99_ms
FROM busiest AS b
JOIN workflows AS w
    ON w.tenant_id = :tenant_id
    AND w.id = b.workflow_id
ORDER BY b.executions DESC, b.workflow_id;

-- name: queue_depth(now, tenant_id)
-- What is in each queue, and since when the oldest ready execution waits for a worker.
-- returns: QueueDepth      rows: one for each queue in use
-- allow: no-cap (a row for each queue; operators name them, and look at all of them)
SELECT
    q.queue,
    count(*) FILTER (WHERE q.ready OR (q.status = 'NEW' AND q.parked_by IS NULL AND q.visible_at <= :now)) AS ready,
    count(*) FILTER (WHERE q.status = 'NEW' AND q.parked_by IS NULL AND NOT q.ready AND q.visible_at > :now) AS scheduled,
    count(*) FILTER (WHERE q.status = 'RUNNING' AND q.visible_at > :now) AS running,
    count(*) FILTER (WHERE q.status = 'RUNNING' AND q.visible_at <= :now) AS expired,
    count(*) FILTER (WHERE q.status = 'WAITING') AS waiting,
    count(*) FILTER (WHERE q.parked_by IS NOT NULL) AS parked,
    EXISTS (
        SELECT
        FROM execution_pauses AS p
        WHERE p.tenant_id = :tenant_id
            AND p.kind = 'QUEUE'
            AND p.name = q.queue
    ) AS paused,
    min(q.visible_at) FILTER (WHERE q.ready OR (q.status = 'NEW' AND q.parked_by IS NULL AND q.visible_at <= :now))
        AS oldest_ready_at
FROM execution_queue AS q
WHERE q.tenant_id = :tenant_id
GROUP BY q.queue
ORDER BY q.queue;

-- name: slowest_nodes(limit, since_id, tenant_id)
-- The nodes whose runs in the window took longest on average.
-- returns: NodeDurations   rows: 0..limit
SELECT
    e.workflow_id,
    n.node_id,
    count(*) AS runs,
    avg(n.end_time - n.start_time)::double precision AS average_ms,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY n.end_time - n.start_time) AS p95_ms,
    max(n.end_time - n.start_time) AS max_ms
FROM node_executions AS n
-- LATERAL and LIMIT: by its key, as in failing_nodes.
CROSS JOIN LATERAL (
    SELECT found.workflow_id
    FROM workflow_executions AS found
    WHERE found.tenant_id = :tenant_id
        AND found.execution_id = n.execution_id
    LIMIT 1
) AS e
WHERE n.tenant_id = :tenant_id
    AND n.execution_id >= :since_id
    AND n.start_time IS NOT NULL
    AND n.end_time IS NOT NULL
GROUP BY e.workflow_id, n.node_id
ORDER BY average_ms DESC, e.workflow_id, n.node_id
LIMIT :limit;

-- name: storage(limit)
-- What each table takes on disk, partitions summed to their parent, largest first.
-- returns: TableStorage    rows: 0..limit
WITH piece AS (
    SELECT
        coalesce(parent.relname, piece.relname)::text AS table_name,
        piece.relkind = 'p' AS is_parent,
        parent.oid IS NOT NULL AS is_partition,
        piece.reltuples,
        pg_relation_size(piece.oid) AS table_bytes,
        pg_indexes_size(piece.oid) AS index_bytes,
        coalesce(pg_total_relation_size(nullif(piece.reltoastrelid, 0)), 0) AS toast_bytes,
        pg_total_relation_size(piece.oid) AS total_bytes
    FROM pg_catalog.pg_class AS piece
    LEFT JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhrelid = piece.oid
    LEFT JOIN pg_catalog.pg_class AS parent ON parent.oid = inherits.inhparent
    WHERE piece.relkind IN ('r', 'p')
        AND piece.relnamespace = 'public'::regnamespace
        AND pg_get_userbyid(piece.relowner) = 'wfstore_owner'
)
SELECT
    table_name,
    count(*) FILTER (WHERE is_partition) AS partitions,
    -- A parent's own estimate repeats its partitions'. -1 is: never analysed; then nobody knows.
    CASE
        WHEN bool_or(NOT is_parent AND reltuples < 0 AND table_bytes > 0) THEN NULL
        ELSE coalesce(sum(reltuples) FILTER (WHERE NOT is_parent AND reltuples > 0), 0)::bigint
    END AS rows_estimate,
    -- A table that is dropped meanwhile has no size.
    coalesce(sum(table_bytes), 0)::bigint AS table_bytes,
    coalesce(sum(index_bytes), 0)::bigint AS index_bytes,
    sum(toast_bytes)::bigint AS toast_bytes,
    coalesce(sum(total_bytes), 0)::bigint AS total_bytes
FROM piece
GROUP BY table_name
ORDER BY total_bytes DESC, table_name
LIMIT :limit;
