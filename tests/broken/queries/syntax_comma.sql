-- expect: syntax 6:1
-- name: get(id)^
-- A sentence.
-- returns: UUID
SELECT id,
FROM tenants
WHERE id = :id;
