-- expect: select-star 6:12
-- name: get(id)^
-- A sentence.
-- returns: UUID|None
WITH found AS (
    SELECT t.*
    FROM tenants AS t
    WHERE t.id = :id
)
SELECT id
FROM found;
