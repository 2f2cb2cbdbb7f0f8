-- depends: 0005.workflows
-- why:   The graph of each workflow as rows: projections of workflow_data, written in the same transaction.
-- phase: expand      lock: SHARE ROW EXCLUSIVE on workflows, for the foreign key
-- undo:  0006.nodes.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';
SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

CREATE TABLE nodes (
    tenant_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    node_id text NOT NULL CONSTRAINT nodes_node_id_check CHECK (node_id <> ''),
    node_type text NOT NULL CONSTRAINT nodes_node_type_check
        CHECK (node_type IN ('TRIGGER', 'AI_AGENT', 'EXTERNAL_ACTION', 'ACTION', 'FLOW', 'HUMAN_IN_THE_LOOP', 'TOOL', 'MEMORY')),
    node_subtype text NOT NULL DEFAULT '',
    integration text NOT NULL DEFAULT '',
    type_version numeric NOT NULL DEFAULT 1,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    disabled boolean NOT NULL DEFAULT false,
    position_x double precision NOT NULL DEFAULT 0,
    position_y double precision NOT NULL DEFAULT 0,
    parameters jsonb NOT NULL DEFAULT '{}',
    credentials jsonb NOT NULL DEFAULT '{}',
    error_handling text NOT NULL DEFAULT 'STOP_WORKFLOW_ON_ERROR' CONSTRAINT nodes_error_handling_check
        CHECK (error_handling IN ('STOP_WORKFLOW_ON_ERROR', 'CONTINUE_REGULAR_OUTPUT_ON_ERROR', 'CONTINUE_ERROR_OUTPUT_ON_ERROR')),
    max_retries integer NOT NULL DEFAULT 0 CONSTRAINT nodes_max_retries_check CHECK (max_retries >= 0),
    retry_wait_time integer NOT NULL DEFAULT 0 CONSTRAINT nodes_retry_wait_time_check CHECK (retry_wait_time >= 0),
    notes text NOT NULL DEFAULT '',
    webhooks text[] NOT NULL DEFAULT '{}',
    ordinal integer NOT NULL,
    CONSTRAINT nodes_pkey PRIMARY KEY (tenant_id, workflow_id, node_id),
    CONSTRAINT nodes_workflow_fkey
        FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE nodes IS 'The nodes of each workflow: a projection of workflow_data.';
COMMENT ON COLUMN nodes.tenant_id IS 'The tenant.';
COMMENT ON COLUMN nodes.workflow_id IS 'The workflow.';
COMMENT ON COLUMN nodes.node_id IS 'The node''s id inside the workflow, as in the document.';
COMMENT ON COLUMN nodes.node_type IS 'One of the eight node types.';
COMMENT ON COLUMN nodes.node_subtype IS 'What kind of that type; the engine''s name.';
COMMENT ON COLUMN nodes.integration IS 'Which outside service it talks to; empty: none.';
COMMENT ON COLUMN nodes.type_version IS 'Version of the subtype; fractions occur.';
COMMENT ON COLUMN nodes.name IS 'Name as shown.';
COMMENT ON COLUMN nodes.description IS 'What it is for.';
COMMENT ON COLUMN nodes.disabled IS 'Whether runs pass it by.';
COMMENT ON COLUMN nodes.position_x IS 'Place on the canvas.';
COMMENT ON COLUMN nodes.position_y IS 'Place on the canvas.';
COMMENT ON COLUMN nodes.parameters IS 'Parameters, free form.';
COMMENT ON COLUMN nodes.credentials IS 'References to credentials, never secrets.';
COMMENT ON COLUMN nodes.error_handling IS 'What an error of this node does to the run.';
COMMENT ON COLUMN nodes.max_retries IS 'How often a failed run of the node is repeated.';
COMMENT ON COLUMN nodes.retry_wait_time IS 'Milliseconds between repetitions.';
COMMENT ON COLUMN nodes.notes IS 'The author''s notes.';
COMMENT ON COLUMN nodes.webhooks IS 'Ids of the webhooks it answers.';
COMMENT ON COLUMN nodes.ordinal IS 'Place in the document''s list of nodes.';
CREATE POLICY nodes_tenant ON nodes
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
CREATE POLICY nodes_system ON nodes FOR SELECT
    USING (tenant_id = '00000000-0000-0000-0000-000000000000' AND nullif(current_setting('wfstore.tenant_id', true), '') IS NOT NULL);
ALTER TABLE nodes ENABLE ROW LEVEL SECURITY;
ALTER TABLE nodes FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON nodes TO wfstore_app;
GRANT SELECT ON nodes TO wfstore_worker, wfstore_readonly;

CREATE TABLE node_connections (
    tenant_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    ordinal integer NOT NULL,
    source_node_id text NOT NULL,
    source_index integer NOT NULL DEFAULT 0 CONSTRAINT node_connections_source_index_check CHECK (source_index >= 0),
    target_node_id text NOT NULL,
    target_index integer NOT NULL DEFAULT 0 CONSTRAINT node_connections_target_index_check CHECK (target_index >= 0),
    connection_type text NOT NULL DEFAULT 'MAIN' CONSTRAINT node_connections_connection_type_check
        CHECK (connection_type IN (
            'MAIN', 'AI_AGENT', 'AI_CHAIN', 'AI_DOCUMENT', 'AI_EMBEDDING', 'AI_LANGUAGE_MODEL', 'AI_MEMORY',
            'AI_OUTPUT_PARSER', 'AI_RETRIEVER', 'AI_RERANKER', 'AI_TEXT_SPLITTER', 'AI_TOOL', 'AI_VECTOR_STORE'
        )),
    label text NOT NULL DEFAULT '',
    conditions jsonb,
    CONSTRAINT node_connections_pkey PRIMARY KEY (tenant_id, workflow_id, ordinal),
    -- Both foreign keys are served by the primary key: one workflow's connections are few.
    CONSTRAINT node_connections_source_fkey
        FOREIGN KEY (tenant_id, workflow_id, source_node_id)
        REFERENCES nodes (tenant_id, workflow_id, node_id) ON DELETE CASCADE,
    CONSTRAINT node_connections_target_fkey
        FOREIGN KEY (tenant_id, workflow_id, target_node_id)
        REFERENCES nodes (tenant_id, workflow_id, node_id) ON DELETE CASCADE
);
COMMENT ON TABLE node_connections IS 'The edges of each workflow: a projection of workflow_data.';
COMMENT ON COLUMN node_connections.tenant_id IS 'The tenant.';
COMMENT ON COLUMN node_connections.workflow_id IS 'The workflow.';
COMMENT ON COLUMN node_connections.ordinal IS 'Place in the document''s list of connections.';
COMMENT ON COLUMN node_connections.source_node_id IS 'Where it comes from.';
COMMENT ON COLUMN node_connections.source_index IS 'Output of the source, from 0.';
COMMENT ON COLUMN node_connections.target_node_id IS 'Where it goes to.';
COMMENT ON COLUMN node_connections.target_index IS 'Input of the target, from 0.';
COMMENT ON COLUMN node_connections.connection_type IS 'What flows: items (MAIN), or what an AI node is served with.';
COMMENT ON COLUMN node_connections.label IS 'Label as shown.';
COMMENT ON COLUMN node_connections.conditions IS 'When it is taken, free form; NULL: always.';
CREATE POLICY node_connections_tenant ON node_connections
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
CREATE POLICY node_connections_system ON node_connections FOR SELECT
    USING (tenant_id = '00000000-0000-0000-0000-000000000000' AND nullif(current_setting('wfstore.tenant_id', true), '') IS NOT NULL);
ALTER TABLE node_connections ENABLE ROW LEVEL SECURITY;
ALTER TABLE node_connections FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON node_connections TO wfstore_app;
GRANT SELECT ON node_connections TO wfstore_worker, wfstore_readonly;
