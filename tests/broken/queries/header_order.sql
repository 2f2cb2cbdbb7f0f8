-- expect: header 2:14
-- name: one(b, a)$
-- A sentence.
-- returns: int
SELECT :a::int + :b::int AS one;
