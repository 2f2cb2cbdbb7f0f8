-- expect: insert-select 5:13
-- name: copy(id, tenant_id)^
-- A sentence.
-- returns: str|None
INSERT INTO workflow_terms (tenant_id, kind, term, workflow_id)
SELECT w.tenant_id, 'TAG', w.name, w.id
FROM workflows AS w
WHERE w.tenant_id = :tenant_id
    AND w.id = :id
RETURNING term;
