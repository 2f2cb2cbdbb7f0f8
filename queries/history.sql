-- Executions that ended elsewhere, on their way into history: many at once, by way of tables of the session's own.

-- name: present(execution_ids, tenant_id)
-- Which of these executions are in history.
-- returns: UUID            rows: 0..as many as named
-- index: workflow_executions_pkey
SELECT e.execution_id
FROM (SELECT DISTINCT unnest(:execution_ids::uuid[]) AS execution_id) AS wanted
-- LATERAL and LIMIT: one execution after the other, each in its period; the array itself would read all the tenant has.
CROSS JOIN LATERAL (
    SELECT stored.execution_id
    FROM workflow_executions AS stored
    WHERE stored.tenant_id = :tenant_id
        AND stored.execution_id = wanted.execution_id
    LIMIT 1
) AS e;

-- name: stage_executions()!
-- Make the table that executions are copied into; it goes with the transaction.
-- returns: int
-- binding: client
CREATE TEMPORARY TABLE wfstore_staged_executions (
    execution_id uuid,
    workflow_id uuid,
    workflow_revision bigint,
    status text,
    mode text,
    triggered_by text,
    parent_execution_id uuid,
    retry_of_execution_id uuid,
    start_time bigint,
    end_time bigint,
    run_data jsonb,
    metadata jsonb,
    error_message text,
    error_details jsonb,
    created_at timestamptz
) ON COMMIT DROP;

-- name: stage_node_runs()!
-- Make the table that their node runs are copied into; it goes with the transaction.
-- returns: int
-- binding: client
CREATE TEMPORARY TABLE wfstore_staged_node_executions (
    execution_id uuid,
    node_id text,
    run_index integer,
    node_type text,
    status text,
    start_time bigint,
    end_time bigint,
    input_data jsonb,
    output_data jsonb,
    error_data jsonb,
    retry_count integer,
    max_retries integer
) ON COMMIT DROP;

-- name: copy_executions()!
-- Copy executions, in the order of the columns that wfstore.history_rows writes.
-- returns: int
-- binding: client
COPY pg_temp.wfstore_staged_executions (
    execution_id, workflow_id, workflow_revision, status, mode, triggered_by, parent_execution_id,
    retry_of_execution_id, start_time, end_time, run_data, metadata, error_message, error_details, created_at
) FROM STDIN (FORMAT binary);

-- name: copy_node_runs()!
-- Copy node runs, in the order of the columns that wfstore.history_rows writes.
-- returns: int
-- binding: client
COPY pg_temp.wfstore_staged_node_executions (
    execution_id, node_id, run_index, node_type, status, start_time, end_time, input_data, output_data, error_data,
    retry_count, max_retries
) FROM STDIN (FORMAT binary);

-- name: take_in(tenant_id)^
-- Put what was copied into history; executions that are there stay as they are, with the node runs that they have.
-- returns: TakenIn         rows: 1
-- locks: their rows of workflows FOR KEY SHARE, for the foreign key
-- repeat: safe
-- not-null: executions (a count)
-- not-null: node_runs (a count)
SELECT executions, node_runs
FROM wfstore_take_in(:tenant_id::uuid);
