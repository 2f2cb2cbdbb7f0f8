-- expect: tenant-unbound 6:6
-- name: get(id)^
-- A sentence.
-- returns: str|None
SELECT name
FROM users
WHERE id = :id;
