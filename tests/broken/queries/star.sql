-- expect: select-star 5:8
-- name: get(id)^
-- A sentence.
-- returns: Tenant
SELECT *
FROM tenants
WHERE id = :id;
