-- Executions that were given up, until somebody has dealt with them.

-- name: delete_many(execution_ids, tenant_id)
-- Take executions off the list; those that were on it.
-- plan: custom
-- returns: ExecutionKey    rows: 0..n
-- repeat: safe
DELETE FROM dead_letters AS d
WHERE (d.tenant_id, d.execution_id) IN (
    SELECT listed.tenant_id, listed.execution_id
    FROM (
        SELECT DISTINCT :tenant_id::uuid AS tenant_id, item.execution_id
        FROM unnest(:execution_ids::uuid[]) AS item (execution_id)
        -- No limit at all; but the planner, who cannot know that, takes these for few and goes by their keys.
        LIMIT (SELECT NULL::bigint)
    ) AS wanted
    -- LATERAL and LIMIT, for the same.
    CROSS JOIN LATERAL (
        SELECT found.tenant_id, found.execution_id
        FROM dead_letters AS found
        WHERE found.tenant_id = wanted.tenant_id
            AND found.execution_id = wanted.execution_id
        LIMIT 1
    ) AS listed
)
RETURNING d.tenant_id, d.execution_id;

-- name: get(execution_id, tenant_id)^
-- One of them.
-- returns: DeadLetter      rows: 0..1
SELECT tenant_id, execution_id, workflow_id, queue, priority, concurrency_key, failures, reason, died_at
FROM dead_letters
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id;

-- name: page(before_id, limit, tenant_id)
-- Dead letters, latest execution first.
-- returns: DeadLetter      rows: 0..limit
SELECT tenant_id, execution_id, workflow_id, queue, priority, concurrency_key, failures, reason, died_at
FROM dead_letters
WHERE tenant_id = :tenant_id
    AND execution_id < :before_id
ORDER BY execution_id DESC
LIMIT :limit;
