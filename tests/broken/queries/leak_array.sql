-- expect: not-leakproof 8:14
-- name: count(tags, tenant_id)$
-- A sentence.
-- returns: int
SELECT count(*)
FROM workflows
WHERE tenant_id = :tenant_id
    AND tags @> :tags::text[];
