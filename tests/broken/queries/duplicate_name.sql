-- expect: duplicate-name 7:10
-- name: one()$
-- A sentence.
-- returns: int
SELECT 1 AS one;

-- name: one()$
-- A sentence.
-- returns: int
SELECT 2 AS two;
