-- expect: one-statement 6:1
-- name: two()$
-- A sentence.
-- returns: int
SELECT 1;
SELECT 2;
