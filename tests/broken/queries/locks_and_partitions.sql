-- expect: locks-and-partitions 12:8
-- name: end_locked(execution_ids, tenant_id)!
-- A sentence.
-- returns: int
WITH held AS (
    SELECT q.tenant_id, q.execution_id
    FROM execution_queue AS q
    WHERE q.tenant_id = :tenant_id
        AND q.execution_id = ANY(:execution_ids::uuid[])
    FOR UPDATE
)
UPDATE workflow_executions AS e
SET status = 'RUNNING'
FROM held
WHERE e.tenant_id = held.tenant_id
    AND e.execution_id = held.execution_id;
