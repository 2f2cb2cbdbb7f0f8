-- expect: bad-exception 6:11
-- name: all()
-- A sentence.
-- returns: UUID
-- allow: no-cap (it is small)
-- allow: no-cap (it really is)
SELECT id
FROM tenants;
