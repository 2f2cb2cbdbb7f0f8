-- expect: header 2:1
-- name: getUser(id)^
-- A sentence.
-- returns: int
SELECT 1;
