-- expect: catch-all 8:23
-- name: count(everyone, tenant_id)$
-- A sentence.
-- returns: int
SELECT count(*)
FROM users
WHERE tenant_id = :tenant_id
    AND (is_active OR :everyone::boolean);
