-- expect: misread 5:8
-- name: one()$
-- A sentence.
-- returns: int
SELECT /* one */ 1 AS one;
