-- expect: misread 5:12
-- name: one()$
-- A sentence.
-- returns: str
SELECT E'it\'s' AS one;
