-- expect: unreadable-file 1:1
-- name: one()$
-- A sentence.
-- returns: int
SELECT 1 AS one;
