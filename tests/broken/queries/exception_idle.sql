-- expect: bad-exception 5:11
-- name: one()$
-- A sentence.
-- returns: int
-- allow: no-cap (it is small)
SELECT 1 AS one;
