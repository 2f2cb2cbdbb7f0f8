-- expect: syntax 6:1
-- name: one()$
-- A sentence.
-- returns: str
SELECT 'äöü' AS one
FORM tenants;
