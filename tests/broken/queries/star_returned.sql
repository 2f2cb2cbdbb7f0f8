-- expect: select-star 8:11
-- name: activate(id)^
-- A sentence.
-- returns: Tenant
UPDATE tenants AS t
SET is_active = true
WHERE t.id = :id
RETURNING t.*;
