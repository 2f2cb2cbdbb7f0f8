-- expect: tenant-unbound 6:6
-- name: count(tenant_id)$
-- A sentence.
-- returns: int
SELECT count(*)
FROM users AS u
LEFT JOIN workflows AS w
    ON w.tenant_id = :tenant_id
    AND u.tenant_id = :tenant_id
    AND w.user_id = u.id;
