-- expect: percent 9:23
-- name: cats(tenant_id)$
-- A sentence.
-- returns: int
SELECT count(*)
FROM users
WHERE tenant_id = :tenant_id
    AND name >= 'a'
    AND name LIKE 'cat%';
