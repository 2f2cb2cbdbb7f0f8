-- expect: not-leakproof 8:14
-- name: count(pattern, tenant_id)$
-- A sentence.
-- returns: int
SELECT count(*)
FROM users
WHERE tenant_id = :tenant_id
    AND name LIKE :pattern;
