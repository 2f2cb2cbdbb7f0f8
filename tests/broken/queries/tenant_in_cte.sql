-- expect: tenant-unbound 7:10
-- name: count(tenant_id)$
-- A sentence.
-- returns: int
WITH busy AS (
    SELECT w.user_id
    FROM workflows AS w
    WHERE w.active
)
SELECT count(*)
FROM users AS u
JOIN busy ON busy.user_id = u.id
WHERE u.tenant_id = :tenant_id;
