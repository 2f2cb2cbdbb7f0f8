-- expect: missing-returns 2:1
-- name: one()$
-- A sentence.
SELECT 1 AS one;
