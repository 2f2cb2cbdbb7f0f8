-- depends: 0004.users
-- why:   Definitions: the document of record, its versions, and the terms it is found by.
-- phase: expand      lock: SHARE ROW EXCLUSIVE on tenants and users, for the foreign keys
-- undo:  0005.workflows.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';
SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

CREATE TABLE workflows (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid,
    name text NOT NULL CONSTRAINT workflows_name_check CHECK (name <> ''),
    description text NOT NULL DEFAULT '',
    active boolean NOT NULL DEFAULT false,
    workflow_data jsonb NOT NULL
        CONSTRAINT workflows_workflow_data_check CHECK (jsonb_typeof(workflow_data) = 'object'),
    settings jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT workflows_settings_check CHECK (jsonb_typeof(settings) = 'object'),
    static_data jsonb,
    pin_data jsonb,
    version text NOT NULL DEFAULT '',
    revision bigint NOT NULL DEFAULT 1 CONSTRAINT workflows_revision_check CHECK (revision >= 1),
    content_revision bigint NOT NULL DEFAULT 1,
    content_hash bytea NOT NULL
        CONSTRAINT workflows_content_hash_check CHECK (octet_length(content_hash) = 32),
    tags text[] NOT NULL DEFAULT '{}',
    is_template boolean NOT NULL DEFAULT false,
    template_category text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT workflows_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT workflows_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT workflows_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT workflows_content_revision_check CHECK (content_revision BETWEEN 1 AND revision)
);
COMMENT ON TABLE workflows IS 'Workflow definitions; workflow_data is the definition of record, nodes and node_connections and workflow_terms are its projections.';
COMMENT ON COLUMN workflows.tenant_id IS 'The tenant; the system tenant''s templates can be read by all.';
COMMENT ON COLUMN workflows.id IS 'Made by the client.';
COMMENT ON COLUMN workflows.user_id IS 'Who owns it; NULL for system templates and what an operator imported.';
COMMENT ON COLUMN workflows.name IS 'Name as shown, as in the document.';
COMMENT ON COLUMN workflows.description IS 'What it is for, as in the document.';
COMMENT ON COLUMN workflows.active IS 'Whether its triggers run.';
COMMENT ON COLUMN workflows.workflow_data IS 'The whole Workflow document as JSON.';
COMMENT ON COLUMN workflows.settings IS 'Settings at run time; the document''s own are their first value.';
COMMENT ON COLUMN workflows.static_data IS 'What triggers and nodes remember between runs; changes without making a version.';
COMMENT ON COLUMN workflows.pin_data IS 'Recorded sample output of nodes; changes without making a version.';
COMMENT ON COLUMN workflows.version IS 'The author''s label of the version, as in the document.';
COMMENT ON COLUMN workflows.revision IS 'Counts saves; a save names the revision it read, and is refused if it is no longer that.';
COMMENT ON COLUMN workflows.content_revision IS 'The last save that changed the document: what versions and executions refer to.';
COMMENT ON COLUMN workflows.content_hash IS 'SHA-256 of the document in canonical form (sorted keys, no spaces, UTF-8).';
COMMENT ON COLUMN workflows.tags IS 'Tags, as in the document; search them through workflow_terms.';
COMMENT ON COLUMN workflows.is_template IS 'Whether it is there to be copied.';
COMMENT ON COLUMN workflows.template_category IS 'Where a template is shown.';
COMMENT ON COLUMN workflows.created_at IS 'When the row was written.';
COMMENT ON COLUMN workflows.updated_at IS 'When the row last changed.';

-- Serves workflows.page_by_user and the foreign key to users. Does not lead with the tenant: the planner would
-- take it for as good as the primary key, and read a tenant's whole index to find one id.
CREATE INDEX workflows_user_idx ON workflows (user_id, tenant_id, id);

-- Serves workflows.page_templates.
CREATE INDEX workflows_template_idx ON workflows (tenant_id, id) WHERE is_template;

CREATE TRIGGER workflows_touch BEFORE UPDATE ON workflows
    FOR EACH ROW EXECUTE FUNCTION wfstore_touch_updated_at();
CREATE POLICY workflows_tenant ON workflows
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
CREATE POLICY workflows_system ON workflows FOR SELECT
    USING (tenant_id = '00000000-0000-0000-0000-000000000000' AND nullif(current_setting('wfstore.tenant_id', true), '') IS NOT NULL);
ALTER TABLE workflows ENABLE ROW LEVEL SECURITY;
ALTER TABLE workflows FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON workflows TO wfstore_app;
GRANT SELECT ON workflows TO wfstore_worker, wfstore_readonly;

CREATE TABLE workflow_versions (
    tenant_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    revision bigint NOT NULL CONSTRAINT workflow_versions_revision_check CHECK (revision >= 1),
    version text NOT NULL DEFAULT '',
    workflow_data jsonb NOT NULL
        CONSTRAINT workflow_versions_workflow_data_check CHECK (jsonb_typeof(workflow_data) = 'object'),
    content_hash bytea NOT NULL
        CONSTRAINT workflow_versions_content_hash_check CHECK (octet_length(content_hash) = 32),
    change_summary text NOT NULL DEFAULT '',
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT workflow_versions_pkey PRIMARY KEY (tenant_id, workflow_id, revision),
    CONSTRAINT workflow_versions_workflow_fkey
        FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE workflow_versions IS 'Every document that a workflow has had; never updated, and gone only with the workflow.';
COMMENT ON COLUMN workflow_versions.tenant_id IS 'The tenant.';
COMMENT ON COLUMN workflow_versions.workflow_id IS 'The workflow.';
COMMENT ON COLUMN workflow_versions.revision IS 'The save that made it: a content_revision of the workflow.';
COMMENT ON COLUMN workflow_versions.version IS 'The author''s label.';
COMMENT ON COLUMN workflow_versions.workflow_data IS 'The document as saved.';
COMMENT ON COLUMN workflow_versions.content_hash IS 'SHA-256 of the document in canonical form.';
COMMENT ON COLUMN workflow_versions.change_summary IS 'What changed, in the author''s words.';
COMMENT ON COLUMN workflow_versions.created_by IS 'The user who saved it, if known; no foreign key: history outlives people.';
COMMENT ON COLUMN workflow_versions.created_at IS 'When it was saved.';
CREATE POLICY workflow_versions_tenant ON workflow_versions
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
CREATE POLICY workflow_versions_system ON workflow_versions FOR SELECT
    USING (tenant_id = '00000000-0000-0000-0000-000000000000' AND nullif(current_setting('wfstore.tenant_id', true), '') IS NOT NULL);
ALTER TABLE workflow_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE workflow_versions FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON workflow_versions TO wfstore_app;
GRANT SELECT ON workflow_versions TO wfstore_worker, wfstore_readonly;

CREATE TABLE workflow_terms (
    tenant_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT workflow_terms_kind_check
        CHECK (kind IN ('NAME', 'TAG', 'NODE_TYPE', 'NODE_SUBTYPE', 'INTEGRATION', 'CREDENTIAL')),
    term text NOT NULL,
    workflow_id uuid NOT NULL,
    CONSTRAINT workflow_terms_pkey PRIMARY KEY (tenant_id, kind, term, workflow_id),
    CONSTRAINT workflow_terms_workflow_fkey
        FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE workflow_terms IS 'What workflows are found by. Plain equality: under row-level security no GIN index on tags or documents could be used.';
COMMENT ON COLUMN workflow_terms.tenant_id IS 'The tenant.';
COMMENT ON COLUMN workflow_terms.kind IS 'NAME, TAG, NODE_TYPE, NODE_SUBTYPE, INTEGRATION or CREDENTIAL.';
COMMENT ON COLUMN workflow_terms.term IS 'The tag, type or integration, a credential''s type, id or name, as in the document; the name and its words folded. Long ones are cut.';
COMMENT ON COLUMN workflow_terms.workflow_id IS 'A workflow that has it.';

-- Serves workflow_terms.page_by_workflow, the replacement of one workflow's terms and the foreign key.
CREATE INDEX workflow_terms_workflow_idx ON workflow_terms (workflow_id, tenant_id, kind, term);
CREATE POLICY workflow_terms_tenant ON workflow_terms
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
CREATE POLICY workflow_terms_system ON workflow_terms FOR SELECT
    USING (tenant_id = '00000000-0000-0000-0000-000000000000' AND nullif(current_setting('wfstore.tenant_id', true), '') IS NOT NULL);
ALTER TABLE workflow_terms ENABLE ROW LEVEL SECURITY;
ALTER TABLE workflow_terms FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON workflow_terms TO wfstore_app;
GRANT SELECT ON workflow_terms TO wfstore_worker, wfstore_readonly;

CREATE FUNCTION wfstore_lock_workflow(of_tenant uuid, wanted uuid, expected bigint) RETURNS bigint
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    actual bigint;
BEGIN
    SELECT workflows.revision INTO actual
    FROM workflows
    WHERE workflows.tenant_id = of_tenant
        AND workflows.id = wanted
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'WF004', MESSAGE = format('workflow %s is not there', wanted);
    END IF;
    IF actual <> expected THEN
        RAISE EXCEPTION USING ERRCODE = 'WF003',
            MESSAGE = format('workflow %s is at revision %s, not %s', wanted, actual, expected),
            HINT = 'Read it again and repeat the change.';
    END IF;
    RETURN actual;
END
$$;
COMMENT ON FUNCTION wfstore_lock_workflow(uuid, uuid, bigint) IS 'Lock the workflow and check its revision, so that the statements behind it in the same round trip need not: WF004 not there, WF003 another revision.';
REVOKE ALL ON FUNCTION wfstore_lock_workflow(uuid, uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wfstore_lock_workflow(uuid, uuid, bigint) TO wfstore_app;
