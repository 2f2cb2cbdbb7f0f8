-- expect: header 2:15
-- name: one()?
-- A sentence.
-- returns: int
SELECT 1 AS one;
