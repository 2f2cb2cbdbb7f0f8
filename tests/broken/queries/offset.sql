-- expect: offset 9:10
-- name: page(tenant_id)
-- A sentence.
-- returns: UUID
SELECT id
FROM users
WHERE tenant_id = :tenant_id
ORDER BY id
LIMIT 10 OFFSET 20;
