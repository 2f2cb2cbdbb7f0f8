-- expect: no-cap 6:6
-- name: all(tenant_id)
-- A sentence.
-- returns: UUID
SELECT id
FROM users
WHERE tenant_id = :tenant_id
ORDER BY id;
