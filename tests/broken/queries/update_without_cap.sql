-- expect: no-cap 5:8
-- name: deactivate(tenant_id)
-- A sentence.
-- returns: UUID
UPDATE users AS u
SET is_active = false
WHERE u.tenant_id = :tenant_id
RETURNING u.id;
