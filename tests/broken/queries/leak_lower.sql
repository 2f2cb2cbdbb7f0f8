-- expect: not-leakproof 8:9
-- name: get(email, tenant_id)^
-- A sentence.
-- returns: UUID|None
SELECT id
FROM users
WHERE tenant_id = :tenant_id
    AND lower(email) = lower(:email::text);
