-- What workflows are found by: a projection of their documents. Search with workflows.page_by_terms.

-- name: add_many(kinds, tenant_id, terms, workflow_id)!
-- Add terms of one workflow, one for each place of the arrays.
-- returns: int
-- repeat: safe
INSERT INTO workflow_terms AS t (tenant_id, kind, term, workflow_id)
SELECT :tenant_id::uuid, item.kind, item.term, :workflow_id::uuid
FROM unnest(:kinds::text[], :terms::text[]) AS item (kind, term)
ON CONFLICT (tenant_id, kind, term, workflow_id) DO NOTHING;

-- name: page_by_workflow(after_kind, after_term, limit, tenant_id, workflow_id)
-- A workflow's terms by kind and term.
-- returns: WorkflowTerm    rows: 0..limit
-- index: workflow_terms_workflow_idx
SELECT kind, term
FROM workflow_terms
WHERE tenant_id = :tenant_id
    AND workflow_id = :workflow_id
    AND (kind, term) > (:after_kind, :after_term)
ORDER BY kind, term
LIMIT :limit;

-- name: remove_others(kinds, tenant_id, terms, workflow_id)!
-- Remove the terms of one workflow that are not in the arrays.
-- returns: int
-- index: workflow_terms_workflow_idx
-- repeat: safe
DELETE FROM workflow_terms AS t
WHERE t.tenant_id = :tenant_id
    AND t.workflow_id = :workflow_id
    AND (t.kind, t.term) NOT IN (
        SELECT item.kind, item.term
        FROM unnest(:kinds::text[], :terms::text[]) AS item (kind, term)
    );
