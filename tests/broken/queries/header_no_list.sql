-- expect: header 2:1
-- name: get^
-- A sentence.
-- returns: int
SELECT 1;
