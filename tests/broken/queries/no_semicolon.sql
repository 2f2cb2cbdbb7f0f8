-- expect: one-statement 5:8
-- name: one()$
-- A sentence.
-- returns: int
SELECT 1
