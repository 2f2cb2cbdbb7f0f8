-- expect: misread 5:15
-- name: one()$
-- A sentence.
-- returns: int
SELECT 1 -- it's one
    AS one;
