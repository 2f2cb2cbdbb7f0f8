-- expect: no-cap 6:12
-- name: drain(tenant_id)!
-- A sentence.
-- returns: int
WITH due AS (
    SELECT tenant_id, execution_id
    FROM execution_queue
    WHERE tenant_id = :tenant_id
    FOR UPDATE SKIP LOCKED
)
DELETE FROM execution_queue AS q
USING due
WHERE q.tenant_id = due.tenant_id
    AND q.execution_id = due.execution_id;
