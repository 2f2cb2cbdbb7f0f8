-- expect: tenant-unbound 6:6
-- name: count(tenant_id)$
-- A sentence.
-- returns: int
SELECT count(*)
FROM users
WHERE tenant_id = :tenant_id
    OR is_active;
