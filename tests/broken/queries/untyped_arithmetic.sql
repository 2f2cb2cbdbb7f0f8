-- expect: untyped-parameter 8:49
-- name: later(tenant_id, wait)$
-- A sentence.
-- returns: int
SELECT count(*)
FROM execution_queue
WHERE tenant_id = :tenant_id
    AND visible_at > timestamptz '2026-01-01' + :wait;
