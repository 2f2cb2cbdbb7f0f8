-- expect: no-cap 6:6
-- name: all(execution_ids, tenant_id)
-- A sentence.
-- returns: str
SELECT n.node_id
FROM node_executions AS n
WHERE n.tenant_id = :tenant_id
    AND n.execution_id = ANY(:execution_ids::uuid[]);
