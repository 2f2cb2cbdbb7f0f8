-- expect: nested-clock 6:43
-- name: touch(id, tenant_id)!
-- A sentence.
-- returns: int
UPDATE users
SET created_at = CASE WHEN is_active THEN now() ELSE created_at END
WHERE tenant_id = :tenant_id
    AND id = :id;
