-- The results of nodes. Written under the fence of a lease; final ones are immutable.

-- name: copy_results(except_node_ids, from_execution_id, tenant_id, to_execution_id)!
-- Give an execution that has not begun the successful results of another one, but for those nodes.
-- returns: int
-- index: node_executions_pkey
-- repeat: safe
INSERT INTO node_executions AS n (
    tenant_id, execution_id, node_id, run_index, node_type, status, start_time, end_time, input_data, output_data,
    error_data, retry_count, max_retries
)
SELECT
    o.tenant_id, :to_execution_id::uuid, o.node_id, o.run_index, o.node_type, o.status, o.start_time, o.end_time,
    o.input_data, o.output_data, o.error_data, o.retry_count, o.max_retries
FROM node_executions AS o
WHERE o.tenant_id = :tenant_id
    AND o.execution_id = :from_execution_id
    AND o.status IN ('SUCCESS', 'SKIPPED')
    AND o.node_id <> ALL(:except_node_ids::text[])
ON CONFLICT (tenant_id, execution_id, node_id, run_index) DO NOTHING;

-- name: count_by_execution(execution_id, tenant_id)$
-- How many node results an execution has.
-- returns: int
SELECT count(*)
FROM node_executions
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id;

-- name: get(execution_id, node_id, run_index, tenant_id)^
-- One node's run, whole.
-- returns: NodeExecution   rows: 0..1
SELECT
    tenant_id, execution_id, node_id, run_index, node_type, status, start_time, end_time, retry_count, max_retries,
    input_data, output_data, error_data
FROM node_executions
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id
    AND node_id = :node_id
    AND run_index = :run_index;

-- name: get_many(execution_ids, node_ids, tenant_ids)
-- Runs of any of these nodes in any of these executions, whole.
-- returns: NodeExecution   rows: 0..n
-- index: node_executions_pkey
-- allow: no-cap (the passes of nodes that the caller names, because it has just written them)
SELECT
    n.tenant_id, n.execution_id, n.node_id, n.run_index, n.node_type, n.status, n.start_time, n.end_time,
    n.retry_count, n.max_retries, n.input_data, n.output_data, n.error_data
FROM (SELECT DISTINCT unnest(:execution_ids::uuid[]) AS execution_id) AS wanted
-- LATERAL and LIMIT: one execution after the other, each in its period; the array itself would search all periods.
CROSS JOIN LATERAL (
    SELECT
        stored.tenant_id, stored.execution_id, stored.node_id, stored.run_index, stored.node_type, stored.status,
        stored.start_time, stored.end_time, stored.retry_count, stored.max_retries, stored.input_data,
        stored.output_data, stored.error_data
    FROM node_executions AS stored
    WHERE stored.tenant_id = ANY(:tenant_ids::uuid[])
        AND stored.execution_id = wanted.execution_id
        AND stored.node_id = ANY(:node_ids::text[])
    LIMIT ALL
) AS n;

-- name: page_by_execution(after_node_id, after_run_index, execution_id, limit, tenant_id)
-- An execution's node runs without their payload, by node and pass.
-- returns: NodeExecutionSummary    rows: 0..limit
-- index: node_executions_pkey
SELECT
    tenant_id, execution_id, node_id, run_index, node_type, status, start_time, end_time, retry_count, max_retries
FROM node_executions
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id
    AND (node_id, run_index) > (:after_node_id, :after_run_index)
ORDER BY node_id, run_index
LIMIT :limit;

-- name: page_results(after_node_id, after_run_index, execution_id, limit, tenant_id)
-- An execution's node runs, whole, by node and pass.
-- returns: NodeExecution   rows: 0..limit
-- index: node_executions_pkey
SELECT
    tenant_id, execution_id, node_id, run_index, node_type, status, start_time, end_time, retry_count, max_retries,
    input_data, output_data, error_data
FROM node_executions
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id
    AND (node_id, run_index) > (:after_node_id, :after_run_index)
ORDER BY node_id, run_index
LIMIT :limit;

-- name: record_many(attempts, end_times, error_data, execution_ids, input_data, max_retries, node_ids, node_types, output_data, retry_counts, run_indexes, start_times, statuses, tenant_ids)
-- Write node results, one for each place of the arrays, where the lease is held and no final result is stored.
-- The queue row is locked and the fence compared in this very statement: without the lock an old worker's row
-- could commit after the execution was taken over.
-- Returns what was refused, which is little as a rule: no row for what was written.
-- returns: RecordRefusal   rows: 0..n
-- locks: execution_queue rows FOR SHARE, in the order of their keys
-- repeat: safe
WITH item AS (
    SELECT i.*
    FROM unnest(
        :tenant_ids::uuid[], :execution_ids::uuid[], :attempts::integer[], :node_ids::text[], :run_indexes::integer[],
        :node_types::text[], :statuses::text[], :start_times::bigint[], :end_times::bigint[], :input_data::jsonb[],
        :output_data::jsonb[], :error_data::jsonb[], :retry_counts::integer[], :max_retries::integer[]
    ) WITH ORDINALITY AS i (
        tenant_id, execution_id, attempt, node_id, run_index, node_type, status, start_time, end_time, input_data,
        output_data, error_data, retry_count, max_retries, ordinal
    )
),
held AS (
    SELECT q.tenant_id, q.execution_id, q.attempt
    FROM (
        SELECT DISTINCT item.tenant_id, item.execution_id, item.attempt
        FROM item
        ORDER BY item.tenant_id, item.execution_id
    ) AS leased
    -- LATERAL and LIMIT: each by its key. As a join, a plan made for a tenant with little in the queue reads all that
    -- another one has there.
    CROSS JOIN LATERAL (
        SELECT queued.tenant_id, queued.execution_id, queued.attempt
        FROM execution_queue AS queued
        WHERE queued.tenant_id = leased.tenant_id
            AND queued.execution_id = leased.execution_id
            AND queued.attempt = leased.attempt
            AND queued.status = 'RUNNING'
        LIMIT 1
        FOR SHARE
    ) AS q
),
written AS (
    INSERT INTO node_executions AS n (
        tenant_id, execution_id, node_id, run_index, node_type, status, start_time, end_time, input_data,
        output_data, error_data, retry_count, max_retries
    )
    SELECT
        item.tenant_id, item.execution_id, item.node_id, item.run_index, item.node_type, item.status,
        item.start_time, item.end_time, item.input_data, item.output_data, item.error_data, item.retry_count,
        item.max_retries
    FROM item
    JOIN held
        ON held.tenant_id = item.tenant_id
        AND held.execution_id = item.execution_id
        AND held.attempt = item.attempt
    ON CONFLICT (tenant_id, execution_id, node_id, run_index) DO UPDATE
    SET node_type = excluded.node_type,
        status = excluded.status,
        start_time = excluded.start_time,
        end_time = excluded.end_time,
        input_data = excluded.input_data,
        output_data = excluded.output_data,
        error_data = excluded.error_data,
        retry_count = excluded.retry_count,
        max_retries = excluded.max_retries
    WHERE n.status IN ('PENDING', 'RUNNING', 'WAITING')
    RETURNING n.tenant_id, n.execution_id, n.node_id, n.run_index
)
SELECT
    item.ordinal,
    held.execution_id IS NOT NULL AS held
FROM item
LEFT JOIN held
    ON held.tenant_id = item.tenant_id
    AND held.execution_id = item.execution_id
    AND held.attempt = item.attempt
LEFT JOIN written
    ON written.tenant_id = item.tenant_id
    AND written.execution_id = item.execution_id
    AND written.node_id = item.node_id
    AND written.run_index = item.run_index
WHERE written.execution_id IS NULL
ORDER BY item.ordinal;
