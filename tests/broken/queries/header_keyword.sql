-- expect: header 2:10
-- name: import()$
-- A sentence.
-- returns: int
SELECT 1 AS one;
