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
    workflow_id uuid NOT NULL,
    parent_execution_id uuid,
    queue text NOT NULL DEFAULT 'default' CONSTRAINT execution_queue_queue_check CHECK (queue <> ''),
    status text NOT NULL DEFAULT 'NEW'
        CONSTRAINT execution_queue_status_check CHECK (status IN ('NEW', 'RUNNING', 'WAITING')),
    priority integer NOT NULL DEFAULT 0,
    visible_at timestamptz DEFAULT now(),
    ready boolean NOT NULL DEFAULT true,
    parked_by text CONSTRAINT execution_queue_parked_by_check CHECK (parked_by IN ('CONCURRENCY', 'WORKFLOW')),
    attempt integer NOT NULL DEFAULT 0 CONSTRAINT execution_queue_attempt_check CHECK (attempt >= 0),
    failures integer NOT NULL DEFAULT 0 CONSTRAINT execution_queue_failures_check CHECK (failures >= 0),
    max_attempts integer NOT NULL DEFAULT 20
        CONSTRAINT execution_queue_max_attempts_check CHECK (max_attempts >= 1),
    retry_wait double precision NOT NULL DEFAULT 1
        CONSTRAINT execution_queue_retry_wait_check CHECK (retry_wait >= 0),
    retry_factor double precision NOT NULL DEFAULT 2
        CONSTRAINT execution_queue_retry_factor_check CHECK (retry_factor >= 1),
    retry_wait_max double precision NOT NULL DEFAULT 3600
        CONSTRAINT execution_queue_retry_wait_max_check CHECK (retry_wait_max >= 0),
    worker_id text,
    concurrency_key text,
    wait_signal text,
    wait_children boolean NOT NULL DEFAULT false,
    woken_by text CONSTRAINT execution_queue_woken_by_check CHECK (woken_by IN ('TIME', 'SIGNAL', 'CHILDREN')),
    CONSTRAINT execution_queue_pkey PRIMARY KEY (tenant_id, execution_id),
    CONSTRAINT execution_queue_ready_check CHECK (NOT ready OR (status = 'NEW' AND parked_by IS NULL)),
    CONSTRAINT execution_queue_parked_check CHECK (parked_by IS NULL OR status = 'NEW'),
    CONSTRAINT execution_queue_worker_check CHECK ((status = 'RUNNING') = (worker_id IS NOT NULL)),
    CONSTRAINT execution_queue_wait_check
        CHECK (status = 'WAITING' OR (wait_signal IS NULL AND NOT wait_children)),
    -- a wait that time does not end is ended by something else
    CONSTRAINT execution_queue_wake_check
        CHECK (visible_at IS NOT NULL OR (status = 'WAITING' AND (wait_signal IS NOT NULL OR wait_children)))
)
-- Room for updates on the same page, and a vacuum that does not wait for a fifth of the table.
WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

-- What can be claimed now, and nothing else: leased, waiting, scheduled and parked rows are in no claim's way. Does
-- not lead with the tenant: a claim serves many at once, most urgent first.
CREATE INDEX execution_queue_ready_idx ON execution_queue (queue, priority DESC, visible_at, execution_id) WHERE ready;
-- What time will make claimable: scheduled starts, leases that end, waits that time out.
CREATE INDEX execution_queue_due_idx ON execution_queue (queue, visible_at) WHERE NOT ready AND parked_by IS NULL;
-- Who has or could take one of a key's places, and who is next in line for one.
CREATE INDEX execution_queue_active_idx ON execution_queue (concurrency_key, tenant_id, status)
    WHERE concurrency_key IS NOT NULL AND (ready OR status = 'RUNNING');
CREATE INDEX execution_queue_parked_idx
    ON execution_queue (concurrency_key, tenant_id, queue, priority DESC, visible_at, execution_id)
    WHERE parked_by = 'CONCURRENCY';
CREATE INDEX execution_queue_paused_idx ON execution_queue (workflow_id, tenant_id) WHERE parked_by = 'WORKFLOW';
-- The children that have not ended.
CREATE INDEX execution_queue_parent_idx ON execution_queue (parent_execution_id, tenant_id)
    WHERE parent_execution_id IS NOT NULL;

COMMENT ON TABLE execution_queue IS 'Executions that have not ended. Workers claim from here; the row goes when the execution ends.';
COMMENT ON COLUMN execution_queue.tenant_id IS 'The tenant.';
COMMENT ON COLUMN execution_queue.execution_id IS 'The execution.';
COMMENT ON COLUMN execution_queue.workflow_id IS 'Its workflow, which can be paused.';
COMMENT ON COLUMN execution_queue.parent_execution_id IS 'The execution that started it and may wait for it.';
COMMENT ON COLUMN execution_queue.queue IS 'The queue that workers of one kind serve.';
COMMENT ON COLUMN execution_queue.status IS 'NEW (also before a retry and after a wait), RUNNING or WAITING.';
COMMENT ON COLUMN execution_queue.priority IS 'Higher runs first.';
COMMENT ON COLUMN execution_queue.visible_at IS 'NEW: not before; RUNNING: the end of the lease; WAITING: when the wait times out, empty for never.';
COMMENT ON COLUMN execution_queue.ready IS 'May be claimed. A claim first makes ready what time has made due.';
COMMENT ON COLUMN execution_queue.parked_by IS 'What a claim found in its way: CONCURRENCY, all places of its key were taken; WORKFLOW, its workflow is paused.';
COMMENT ON COLUMN execution_queue.attempt IS 'Counts claims; the fence that every write of a worker must present.';
COMMENT ON COLUMN execution_queue.failures IS 'Counts attempts that failed or whose lease ran out.';
COMMENT ON COLUMN execution_queue.max_attempts IS 'After so many failures it is a dead letter.';
COMMENT ON COLUMN execution_queue.retry_wait IS 'Seconds before the first retry.';
COMMENT ON COLUMN execution_queue.retry_factor IS 'By which the wait grows with each failure.';
COMMENT ON COLUMN execution_queue.retry_wait_max IS 'Seconds that a wait never exceeds.';
COMMENT ON COLUMN execution_queue.worker_id IS 'The worker that has it.';
COMMENT ON COLUMN execution_queue.concurrency_key IS 'Executions of one key share a limit, see concurrency_limits.';
COMMENT ON COLUMN execution_queue.wait_signal IS 'The signal that ends the wait.';
COMMENT ON COLUMN execution_queue.wait_children IS 'The wait ends when the last child has ended.';
COMMENT ON COLUMN execution_queue.woken_by IS 'What ended the last wait.';

-- Each state and the ways out of it, whoever writes.
CREATE FUNCTION wfstore_refuse_transition() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'WF007',
        MESSAGE = format('%s of execution %s: %s cannot become %s', TG_ARGV[0], OLD.execution_id, OLD.status, NEW.status),
        HINT = 'An execution goes NEW, RUNNING, then WAITING, NEW again, or to its end; an end is final.';
END
$$;
COMMENT ON FUNCTION wfstore_refuse_transition() IS 'Row trigger: refuse a change of status; its WHEN says which.';
CREATE TRIGGER execution_queue_transition AFTER UPDATE ON execution_queue
    FOR EACH ROW WHEN (
        NEW.attempt <> OLD.attempt + (OLD.status = 'NEW' AND NEW.status = 'RUNNING')::integer
        OR NEW.failures < OLD.failures
        OR (OLD.status = 'NEW' AND NEW.status = 'WAITING')
        OR (OLD.status = 'WAITING' AND NEW.status = 'RUNNING')
    )
    EXECUTE FUNCTION wfstore_refuse_transition('the queue row');

CREATE POLICY execution_queue_tenant ON execution_queue
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
ALTER TABLE execution_queue ENABLE ROW LEVEL SECURITY;
ALTER TABLE execution_queue FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON execution_queue TO wfstore_app, wfstore_worker;
GRANT SELECT ON execution_queue TO wfstore_readonly;
