-- expect: misread 5:13
-- name: one()$
-- A sentence.
-- returns: str
SELECT $$ a :word $$ AS one;
