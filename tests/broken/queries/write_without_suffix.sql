-- expect: write-suffix 2:1
-- name: remove(id)
-- A sentence.
-- returns: int
DELETE FROM tenants
WHERE id = :id;
