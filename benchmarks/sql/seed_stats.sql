-- What the roll-up knows of the executions of the time from %(since)s to %(until)s: of each workflow, and of the tenant.
INSERT INTO execution_stats (tenant_id, workflow_id, hour, status, slot, executions, duration_ms, durations)
SELECT
    e.tenant_id, counts_for.workflow_id, counts_for.hour, e.status, %(slot)s, count(*),
    sum(e.end_time - e.start_time), wfstore_histogram(array_agg(e.end_time - e.start_time))
FROM workflow_executions AS e
CROSS JOIN LATERAL wfstore_counts_for(e.workflow_id, wfstore_uuid7_hour(e.execution_id)) AS counts_for (workflow_id, hour)
WHERE e.execution_id >= wfstore_uuid7_floor(%(since)s)
    AND e.execution_id < wfstore_uuid7_floor(%(until)s)
GROUP BY 1, 2, 3, 4
