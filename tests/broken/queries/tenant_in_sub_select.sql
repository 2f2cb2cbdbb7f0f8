-- expect: tenant-unbound 10:14
-- name: count(tenant_id)$
-- A sentence.
-- returns: int
SELECT count(*)
FROM users AS u
WHERE u.tenant_id = :tenant_id
    AND EXISTS (
        SELECT
        FROM workflows AS w
        WHERE w.user_id = u.id
    );
