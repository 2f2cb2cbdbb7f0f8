-- expect: undeclared-parameter 6:7
-- name: add(a)$
-- A sentence.
-- returns: int
SELECT :a::int
    + :b::int AS sum;
