-- expect: untyped-parameter 8:39
-- name: pair(a, kind, tenant_id)$
-- A sentence.
-- returns: int
SELECT count(*)
FROM workflow_terms
WHERE tenant_id = :tenant_id
    AND (kind, lower(term)) = (:kind, :a);
