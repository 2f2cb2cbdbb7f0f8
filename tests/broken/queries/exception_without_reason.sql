-- expect: bad-exception 5:17
-- name: one()$
-- A sentence.
-- returns: int
-- allow: no-cap
SELECT 1 AS one;
