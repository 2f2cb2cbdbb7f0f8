-- expect: nested-clock 9:18
-- name: set(name)!
-- A sentence.
-- returns: int
-- role: owner
INSERT INTO retention_policies (table_name)
VALUES (:name)
ON CONFLICT (table_name) DO UPDATE
SET updated_at = now();
