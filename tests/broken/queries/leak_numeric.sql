-- expect: not-leakproof 8:22
-- name: count(tenant_id, version)$
-- A sentence.
-- returns: int
SELECT count(*)
FROM nodes
WHERE tenant_id = :tenant_id
    AND type_version = :version;
