-- The documents that workflows have had. Written by saves, never updated, gone with the workflow.

-- name: create(change_summary, created_by, tenant_id, workflow_id)!
-- Keep the workflow's document as a version, if the save of this transaction has changed it.
-- returns: int
INSERT INTO workflow_versions AS v (
    tenant_id, workflow_id, revision, version, workflow_data, content_hash, change_summary, created_by
)
SELECT
    w.tenant_id, w.id, w.content_revision, w.version, w.workflow_data, w.content_hash, :change_summary::text,
    :created_by::uuid
FROM workflows AS w
WHERE w.tenant_id = :tenant_id
    AND w.id = :workflow_id
    AND w.content_revision = w.revision
ON CONFLICT (tenant_id, workflow_id, revision) DO NOTHING;

-- name: get(revision, tenant_id, workflow_id)^
-- One version with its document.
-- returns: WorkflowVersion rows: 0..1
SELECT
    tenant_id, workflow_id, revision, version, change_summary, created_by, created_at, workflow_data, content_hash
FROM workflow_versions
WHERE tenant_id = :tenant_id
    AND workflow_id = :workflow_id
    AND revision = :revision;

-- name: page(before_revision, limit, tenant_id, workflow_id)
-- A workflow's versions without their documents, latest first.
-- returns: WorkflowVersionSummary rows: 0..limit
SELECT tenant_id, workflow_id, revision, version, change_summary, created_by, created_at
FROM workflow_versions
WHERE tenant_id = :tenant_id
    AND workflow_id = :workflow_id
    AND revision < :before_revision
ORDER BY revision DESC
LIMIT :limit;
