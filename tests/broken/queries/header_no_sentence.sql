-- expect: header 2:1
-- name: one()$
-- returns: int
SELECT 1 AS one;
