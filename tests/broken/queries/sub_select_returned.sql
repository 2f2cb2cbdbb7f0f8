-- expect: sub-select 8:11
-- name: rename(id, name)^
-- A sentence.
-- returns: str|None
UPDATE tenants AS t
SET name = :name
WHERE t.id = :id
RETURNING (SELECT t.slug) AS slug;
