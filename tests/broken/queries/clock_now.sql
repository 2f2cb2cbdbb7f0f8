-- expect: clock 8:23
-- name: due(tenant_id)$
-- A sentence.
-- returns: int
SELECT count(*)
FROM execution_queue
WHERE tenant_id = :tenant_id
    AND visible_at <= now();
