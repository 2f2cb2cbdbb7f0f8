-- Workflow definitions. A save is several of these in one round trip: see wfstore's store.workflows.save.

-- name: create(content_hash, description, id, is_template, name, pin_data, settings, static_data, tags, template_category, tenant_id, user_id, version, workflow_data)^
-- Add a workflow at revision 1; the document's settings, static and pinned data are the columns' first values.
-- returns: WorkflowRevision rows: 1
-- raises: AlreadyExists
INSERT INTO workflows (
    tenant_id, id, user_id, name, description, workflow_data, settings, static_data, pin_data, version,
    content_hash, tags, is_template, template_category
)
VALUES (
    :tenant_id, :id, :user_id::uuid, :name, :description, :workflow_data::jsonb, :settings::jsonb, :static_data::jsonb,
    :pin_data::jsonb, :version, :content_hash, :tags::text[], :is_template, :template_category::text
)
RETURNING id, revision, content_revision, content_hash;

-- name: delete(id, tenant_id)!
-- Remove a workflow that has no executions in history, with its versions, nodes, connections and terms.
-- returns: int
-- raises: StillReferenced
-- repeat: safe
DELETE FROM workflows
WHERE tenant_id = :tenant_id
    AND id = :id;

-- name: get(id, tenant_id)^
-- One workflow with its document.
-- returns: Workflow        rows: 0..1
SELECT
    tenant_id, id, user_id, name, description, active, version, revision, content_revision,
    tags, is_template, template_category, created_at, updated_at,
    workflow_data, settings, static_data, pin_data, content_hash
FROM workflows
WHERE tenant_id = :tenant_id
    AND id = :id;

-- name: lock(id, revision, tenant_id)$
-- Lock a workflow for a save, if it still is at this revision.
-- returns: int
-- raises: NotFound, RevisionConflict
-- not-null: wfstore_lock_workflow (it returns the revision, or raises)
SELECT wfstore_lock_workflow(:tenant_id::uuid, :id::uuid, :revision::bigint);

-- name: names(ids, tenant_id)
-- What workflows are called; those that are not there are left out.
-- returns: WorkflowName    rows: 0..n
-- index: workflows_pkey
SELECT w.id, w.name
FROM (SELECT DISTINCT unnest(:ids::uuid[]) AS id) AS wanted
-- LATERAL and LIMIT: each by its key, never all the tenant's workflows for the sake of a few.
CROSS JOIN LATERAL (
    SELECT stored.id, stored.name
    FROM workflows AS stored
    WHERE stored.tenant_id = :tenant_id
        AND stored.id = wanted.id
    LIMIT 1
) AS w;

-- name: page(before_id, limit, tenant_id)
-- Workflows without their documents, latest id first.
-- returns: WorkflowSummary rows: 0..limit
SELECT
    tenant_id, id, user_id, name, description, active, version, revision, content_revision,
    tags, is_template, template_category, created_at, updated_at
FROM workflows
WHERE tenant_id = :tenant_id
    AND id < :before_id
ORDER BY id DESC
LIMIT :limit;

-- name: page_by_terms(before_id, kinds, limit, sample, tenant_id, terms)
-- Workflows that have all these terms, one for each place of the arrays, latest id first.
-- Those with the rarest term are gone through until the page is full. To find it at most :sample workflows are
-- counted of each; where they are as many the earlier place counts as rarer.
-- returns: WorkflowSummary rows: 0..limit
-- index: workflow_terms_pkey
WITH wanted AS (
    SELECT item.kind, item.term, item.place
    FROM unnest(:kinds::text[], :terms::text[]) WITH ORDINALITY AS item (kind, term, place)
),
rarest AS (
    SELECT wanted.kind, wanted.term, wanted.place
    FROM wanted
    CROSS JOIN LATERAL (
        SELECT count(*) AS workflows
        FROM (
            SELECT 1
            FROM workflow_terms AS t
            WHERE t.tenant_id = :tenant_id
                AND t.kind = wanted.kind
                AND t.term = wanted.term
                AND t.workflow_id < :before_id
            LIMIT :sample
        ) AS sampled
    ) AS counted
    ORDER BY counted.workflows, wanted.place
    LIMIT 1
)
SELECT
    w.tenant_id, w.id, w.user_id, w.name, w.description, w.active, w.version, w.revision, w.content_revision,
    w.tags, w.is_template, w.template_category, w.created_at, w.updated_at
FROM rarest
CROSS JOIN LATERAL (
    SELECT t.workflow_id
    FROM workflow_terms AS t
    -- Counted in a join of its own: NOT EXISTS may read all the tenant's terms, and behind a filter that looks as
    -- costly as this count the planner sorts all the workflows that have the rarest term.
    CROSS JOIN LATERAL (
        SELECT 1
        FROM wanted
        CROSS JOIN LATERAL (
            SELECT 1
            FROM workflow_terms AS other
            WHERE other.tenant_id = :tenant_id
                AND other.kind = wanted.kind
                AND other.term = wanted.term
                AND other.workflow_id = t.workflow_id
            LIMIT 1
        ) AS had
        WHERE wanted.place <> rarest.place
        HAVING count(*) = cardinality(:terms::text[]) - 1
    ) AS had_all
    WHERE t.tenant_id = :tenant_id
        AND t.kind = rarest.kind
        AND t.term = rarest.term
        AND t.workflow_id < :before_id
    ORDER BY t.workflow_id DESC
    LIMIT :limit
) AS page
-- LATERAL and LIMIT: first the page, then its rows by their keys; as a join it may read all the tenant's workflows.
CROSS JOIN LATERAL (
    SELECT
        found.tenant_id, found.id, found.user_id, found.name, found.description, found.active, found.version,
        found.revision, found.content_revision, found.tags, found.is_template, found.template_category,
        found.created_at, found.updated_at
    FROM workflows AS found
    WHERE found.tenant_id = :tenant_id
        AND found.id = page.workflow_id
    LIMIT 1
) AS w
ORDER BY w.id DESC;

-- name: page_by_user(before_id, limit, tenant_id, user_id)
-- A user's workflows, latest id first.
-- returns: WorkflowSummary rows: 0..limit
-- index: workflows_user_idx
-- unseen: user_id (it is the one asked for)
SELECT
    tenant_id, id, user_id, name, description, active, version, revision, content_revision,
    tags, is_template, template_category, created_at, updated_at
FROM workflows
WHERE tenant_id = :tenant_id
    AND user_id = :user_id
    AND id < :before_id
ORDER BY id DESC
LIMIT :limit;

-- name: page_templates(before_id, limit, tenant_id)
-- A tenant's templates, latest id first.
-- returns: WorkflowSummary rows: 0..limit
-- index: workflows_template_idx
SELECT
    tenant_id, id, user_id, name, description, active, version, revision, content_revision,
    tags, is_template, template_category, created_at, updated_at
FROM workflows
WHERE tenant_id = :tenant_id
    AND is_template
    AND id < :before_id
ORDER BY id DESC
LIMIT :limit;

-- name: revision(id, tenant_id)^
-- Where a workflow stands, without its document.
-- returns: WorkflowRevision rows: 0..1
SELECT id, revision, content_revision, content_hash
FROM workflows
WHERE tenant_id = :tenant_id
    AND id = :id;

-- name: save(content_hash, description, id, name, pin_data, settings, static_data, tags, tenant_id, version, workflow_data)^
-- Write a document over a workflow that this transaction has locked; the content revision moves if it differs.
-- Settings, static and pinned data follow the document where it has others than the document before, and else stay.
-- returns: WorkflowRevision rows: 0..1
UPDATE workflows
SET name = :name,
    description = :description,
    workflow_data = :workflow_data::jsonb,
    -- As text, since 1 and 1.0 differ; null is as good as absent. The hash spares reading the document before.
    settings = CASE
        WHEN content_hash = :content_hash::bytea THEN settings
        WHEN coalesce(nullif(workflow_data -> 'settings', 'null'), '{}')::text = :settings::jsonb::text THEN settings
        ELSE :settings::jsonb
    END,
    static_data = CASE
        WHEN content_hash = :content_hash::bytea THEN static_data
        WHEN nullif(workflow_data -> 'static_data', 'null')::text IS NOT DISTINCT FROM :static_data::jsonb::text
            THEN static_data
        ELSE :static_data::jsonb
    END,
    pin_data = CASE
        WHEN content_hash = :content_hash::bytea THEN pin_data
        WHEN nullif(workflow_data -> 'pin_data', 'null')::text IS NOT DISTINCT FROM :pin_data::jsonb::text
            THEN pin_data
        ELSE :pin_data::jsonb
    END,
    version = :version,
    tags = :tags::text[],
    revision = revision + 1,
    content_revision = CASE WHEN content_hash = :content_hash::bytea THEN content_revision ELSE revision + 1 END,
    content_hash = :content_hash::bytea
WHERE tenant_id = :tenant_id
    AND id = :id
RETURNING id, revision, content_revision, content_hash;

-- name: set_active(active, id, tenant_id)!
-- Let a workflow's triggers run, or not; makes no version.
-- returns: int
-- repeat: safe
UPDATE workflows
SET active = :active
WHERE tenant_id = :tenant_id
    AND id = :id;

-- name: set_pin_data(id, pin_data, tenant_id)!
-- Replace the pinned data; makes no version.
-- returns: int
-- repeat: safe
UPDATE workflows
SET pin_data = :pin_data::jsonb
WHERE tenant_id = :tenant_id
    AND id = :id;

-- name: set_settings(id, settings, tenant_id)!
-- Replace the settings; makes no version.
-- returns: int
-- repeat: safe
UPDATE workflows
SET settings = :settings::jsonb
WHERE tenant_id = :tenant_id
    AND id = :id;

-- name: set_static_data(id, static_data, tenant_id)!
-- Replace what triggers and nodes remember between runs; makes no version.
-- returns: int
-- repeat: safe
UPDATE workflows
SET static_data = :static_data::jsonb
WHERE tenant_id = :tenant_id
    AND id = :id;
