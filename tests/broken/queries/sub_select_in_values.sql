-- expect: sub-select 6:26
-- name: add(id, tenant_id)!
-- A sentence.
-- returns: int
INSERT INTO users (tenant_id, id, email)
VALUES (:tenant_id, :id, (SELECT 'a@b'));
