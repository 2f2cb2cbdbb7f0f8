-- expect: volatile-update 6:12
-- name: rename(id, tenant_id)!
-- A sentence.
-- returns: int
UPDATE users
SET name = gen_random_uuid()::text
WHERE tenant_id = :tenant_id
    AND id = :id;
