-- expect: percent 5:16
-- name: odd(n)$
-- A sentence.
-- returns: int
SELECT :n::int % 2 AS odd;
