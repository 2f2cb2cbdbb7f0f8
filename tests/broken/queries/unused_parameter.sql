-- expect: unused-parameter 2:17
-- name: add(a, b)$
-- A sentence.
-- returns: int
SELECT :a::int AS sum;
