-- expect: catch-all 8:10
-- name: count(role, tenant_id)$
-- A sentence.
-- returns: int
SELECT count(*)
FROM users
WHERE tenant_id = :tenant_id
    AND (:role::text IS NULL OR role = :role);
