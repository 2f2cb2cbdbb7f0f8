-- depends: 0009.execution_control
-- why:   What wakes a waiting execution, what makes enqueuing happen once, and what was given up.
-- phase: expand      lock: none
-- undo:  0010.execution_signals.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';
SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

CREATE TABLE execution_signals (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL CONSTRAINT execution_signals_name_check CHECK (name <> ''),
    payload jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    consumed_at timestamptz,
    consumed_by text,
    CONSTRAINT execution_signals_pkey PRIMARY KEY (tenant_id, execution_id, id),
    CONSTRAINT execution_signals_consumed_check CHECK ((consumed_at IS NULL) = (consumed_by IS NULL))
);
COMMENT ON TABLE execution_signals IS 'What people and other systems told an execution; each is consumed once. No foreign key: history goes by period.';
COMMENT ON COLUMN execution_signals.tenant_id IS 'The tenant.';
COMMENT ON COLUMN execution_signals.execution_id IS 'The execution.';
COMMENT ON COLUMN execution_signals.id IS 'UUIDv7, made by the client: sent twice it is there once.';
COMMENT ON COLUMN execution_signals.name IS 'What it says, in the engine''s words: approved.';
COMMENT ON COLUMN execution_signals.payload IS 'What came along.';
COMMENT ON COLUMN execution_signals.created_at IS 'When it came; the first is consumed first.';
COMMENT ON COLUMN execution_signals.expires_at IS 'From when on it counts no more; empty: never.';
COMMENT ON COLUMN execution_signals.consumed_at IS 'When the execution took it.';
COMMENT ON COLUMN execution_signals.consumed_by IS 'Which wait took it, as node and pass: the same wait gets the same signal again after a crash.';
CREATE POLICY execution_signals_tenant ON execution_signals
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
ALTER TABLE execution_signals ENABLE ROW LEVEL SECURITY;
ALTER TABLE execution_signals FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON execution_signals TO wfstore_app;
GRANT SELECT, INSERT, UPDATE ON execution_signals TO wfstore_worker;
GRANT SELECT ON execution_signals TO wfstore_readonly;

CREATE TABLE execution_keys (
    tenant_id uuid NOT NULL,
    idempotency_key text NOT NULL CONSTRAINT execution_keys_idempotency_key_check CHECK (idempotency_key <> ''),
    execution_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT execution_keys_pkey PRIMARY KEY (tenant_id, idempotency_key)
);
-- Serves execution_keys.delete_expired. Does not lead with the tenant: for one of few keys the planner would take it
-- for as good as the primary key.
CREATE INDEX execution_keys_expires_idx ON execution_keys (expires_at, tenant_id);
COMMENT ON TABLE execution_keys IS 'Which execution came of a key that its caller chose: enqueued again it is the same one.';
COMMENT ON COLUMN execution_keys.tenant_id IS 'The tenant.';
COMMENT ON COLUMN execution_keys.idempotency_key IS 'The caller''s key.';
COMMENT ON COLUMN execution_keys.execution_id IS 'The execution.';
COMMENT ON COLUMN execution_keys.expires_at IS 'From when on the key may be used anew.';
CREATE POLICY execution_keys_tenant ON execution_keys
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
ALTER TABLE execution_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE execution_keys FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON execution_keys TO wfstore_app, wfstore_worker;
GRANT SELECT ON execution_keys TO wfstore_readonly;

CREATE TABLE dead_letters (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    queue text NOT NULL,
    failures integer NOT NULL,
    reason text NOT NULL,
    died_at timestamptz NOT NULL,
    priority integer NOT NULL DEFAULT 0,
    concurrency_key text,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (tenant_id, execution_id)
);
COMMENT ON TABLE dead_letters IS 'Executions that were given up and that somebody should look at; history has how they ended. The row goes when it is replayed or dismissed.';
COMMENT ON COLUMN dead_letters.tenant_id IS 'The tenant.';
COMMENT ON COLUMN dead_letters.execution_id IS 'The execution.';
COMMENT ON COLUMN dead_letters.workflow_id IS 'Its workflow.';
COMMENT ON COLUMN dead_letters.queue IS 'The queue it came from.';
COMMENT ON COLUMN dead_letters.failures IS 'How many attempts failed or lost their lease.';
COMMENT ON COLUMN dead_letters.reason IS 'The last error.';
COMMENT ON COLUMN dead_letters.died_at IS 'When it was given up.';
COMMENT ON COLUMN dead_letters.priority IS 'The priority that it had there.';
COMMENT ON COLUMN dead_letters.concurrency_key IS 'Its concurrency key.';
CREATE POLICY dead_letters_tenant ON dead_letters
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY;
ALTER TABLE dead_letters FORCE ROW LEVEL SECURITY;
GRANT SELECT, DELETE ON dead_letters TO wfstore_app;
GRANT SELECT, INSERT ON dead_letters TO wfstore_worker;
GRANT SELECT ON dead_letters TO wfstore_readonly;
