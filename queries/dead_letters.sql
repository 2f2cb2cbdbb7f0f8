-- Executions that were given up, until somebody has dealt with them.

-- name: delete_many(execution_ids, tenant_id)
-- Take executions off the list; those that were on it.
-- returns: ExecutionKey    rows: 0..n
-- repeat: safe
DELETE FROM dead_letters
WHERE tenant_id = :tenant_id
    AND execution_id = ANY(:execution_ids::uuid[])
RETURNING tenant_id, execution_id;

-- name: get(execution_id, tenant_id)^
-- One of them.
-- returns: DeadLetter      rows: 0..1
SELECT tenant_id, execution_id, workflow_id, queue, failures, reason, died_at
FROM dead_letters
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id;

-- name: page(before_id, limit, tenant_id)
-- Dead letters, latest execution first.
-- returns: DeadLetter      rows: 0..limit
SELECT tenant_id, execution_id, workflow_id, queue, failures, reason, died_at
FROM dead_letters
WHERE tenant_id = :tenant_id
    AND execution_id < :before_id
ORDER BY execution_id DESC
LIMIT :limit;
