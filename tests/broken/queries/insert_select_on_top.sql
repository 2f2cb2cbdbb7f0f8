-- expect: insert-select 11:13
-- name: move(id, tenant_id)!
-- A sentence.
-- returns: int
WITH gone AS (
    DELETE FROM workflows AS w
    WHERE w.tenant_id = :tenant_id
        AND w.id = :id
    RETURNING w.tenant_id, w.id
)
INSERT INTO workflow_terms AS t (tenant_id, kind, term, workflow_id)
SELECT gone.tenant_id, 'TAG', 'gone', gone.id
FROM gone
ON CONFLICT (tenant_id, kind, term, workflow_id) DO NOTHING;
