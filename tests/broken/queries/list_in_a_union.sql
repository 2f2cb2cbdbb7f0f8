-- expect: no-cap 11:6
-- name: all(id, tenant_id)
-- A sentence.
-- returns: UUID
SELECT id
FROM users
WHERE tenant_id = :tenant_id
    AND id = :id
UNION ALL
SELECT w.id
FROM workflows AS w
WHERE w.tenant_id = :tenant_id;
