-- The single-row form of node_executions.record_many: same columns, fence (FOR SHARE of the queue row), conflict rule.
-- $1 tenant, $2 execution, $3 attempt, $4 node, $5 input, $6 output. No row: the lease is lost, or the result is final.
WITH held AS (
    SELECT q.tenant_id, q.execution_id
    FROM execution_queue AS q
    WHERE q.tenant_id = $1::uuid
        AND q.execution_id = $2::uuid
        AND q.attempt = $3::integer
        AND q.status = 'RUNNING'
    FOR SHARE
)
INSERT INTO node_executions AS n (
    tenant_id, execution_id, node_id, run_index, node_type, status, start_time, end_time, input_data, output_data,
    error_data, retry_count, max_retries
)
SELECT
    held.tenant_id, held.execution_id, $4::text, 0, 'ACTION', 'SUCCESS', 1700000000000, 1700000000010, $5::jsonb,
    $6::jsonb, NULL, 0, 0
FROM held
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
RETURNING n.run_index
