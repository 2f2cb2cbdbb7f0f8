-- depends: 0007.executions
-- why:   The hot table, apart from history: small, narrow, no foreign keys; a row lives while its execution does.
-- phase: expand      lock: none
-- undo:  0008.execution_queue.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';
SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

CREATE TABLE execution_queue (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    queue text NOT NULL DEFAULT 'default' CONSTRAINT execution_queue_queue_check CHECK (queue <> ''),
    status text NOT NULL DEFAULT 'NEW'
        CONSTRAINT execution_queue_status_check CHECK (status IN ('NEW', 'RUNNING', 'WAITING')),
    priority integer NOT NULL DEFAULT 0,
    visible_at timestamptz NOT NULL DEFAULT now(),
    attempt integer NOT NULL DEFAULT 0 CONSTRAINT execution_queue_attempt_check CHECK (attempt >= 0),
    max_attempts integer NOT NULL DEFAULT 20
        CONSTRAINT execution_queue_max_attempts_check CHECK (max_attempts >= 1),
    worker_id text,
    concurrency_key text,
    CONSTRAINT execution_queue_pkey PRIMARY KEY (tenant_id, execution_id)
)
-- Room for updates on the same page, and a vacuum that does not wait for a fifth of the table.
WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE execution_queue IS 'Executions that have not ended. Workers claim from here; the row goes when the execution ends.';
COMMENT ON COLUMN execution_queue.tenant_id IS 'The tenant.';
COMMENT ON COLUMN execution_queue.execution_id IS 'The execution.';
COMMENT ON COLUMN execution_queue.queue IS 'The queue that workers of one kind serve.';
COMMENT ON COLUMN execution_queue.status IS 'NEW, RUNNING or WAITING, as in workflow_executions.';
COMMENT ON COLUMN execution_queue.priority IS 'Higher runs first.';
COMMENT ON COLUMN execution_queue.visible_at IS 'When it may be claimed: its due time, or the end of the lease of the worker that has it.';
COMMENT ON COLUMN execution_queue.attempt IS 'Counts claims; the fence that every write of a worker must present.';
COMMENT ON COLUMN execution_queue.max_attempts IS 'It is not handed out again after so many claims.';
COMMENT ON COLUMN execution_queue.worker_id IS 'The worker that claimed it last.';
COMMENT ON COLUMN execution_queue.concurrency_key IS 'Executions of one key share a limit.';

-- Does not lead with the tenant: a claim serves many at once, most urgent first.
CREATE INDEX execution_queue_due_idx ON execution_queue (queue, priority DESC, visible_at, execution_id)
    WHERE status <> 'WAITING' AND attempt < max_attempts;
CREATE POLICY execution_queue_tenant ON execution_queue
    USING (tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
ALTER TABLE execution_queue ENABLE ROW LEVEL SECURITY;
ALTER TABLE execution_queue FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON execution_queue TO wfstore_app, wfstore_worker;
GRANT SELECT ON execution_queue TO wfstore_readonly;
