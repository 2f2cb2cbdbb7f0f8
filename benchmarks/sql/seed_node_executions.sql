-- Three node results for each execution of the time from %(since)s to %(until)s, with small payloads.
INSERT INTO node_executions (
    tenant_id, execution_id, node_id, run_index, node_type, status, start_time, end_time, input_data, output_data
)
SELECT
    e.tenant_id, e.execution_id, 'node-' || node.n, 0, 'ACTION', 'SUCCESS', e.start_time, e.start_time + node.n,
    '{"n": 1}', '{"n": 2}'
FROM workflow_executions AS e
CROSS JOIN generate_series(1, 3) AS node (n)
WHERE e.execution_id >= wfstore_uuid7_floor(%(since)s)
    AND e.execution_id < wfstore_uuid7_floor(%(until)s)
