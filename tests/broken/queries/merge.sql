-- expect: merge 5:1
-- name: put(id, name)!
-- A sentence.
-- returns: int
MERGE INTO tenants AS t
USING (SELECT :id::uuid AS id) AS s ON s.id = t.id
WHEN MATCHED THEN UPDATE SET name = :name::text;
