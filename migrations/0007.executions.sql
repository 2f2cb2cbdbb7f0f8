-- depends: 0006.nodes
-- why:   History: executions and their node results, in weekly partitions that go by DROP, never by DELETE.
--        The id is a UUIDv7, so its range is a range of time and the key alone finds the partition.
-- phase: expand      lock: SHARE ROW EXCLUSIVE on workflows, for the foreign key
-- undo:  0007.executions.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';
SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

CREATE TABLE workflow_executions (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL
        CONSTRAINT workflow_executions_execution_id_check CHECK (wfstore_is_uuid7(execution_id)),
    workflow_id uuid NOT NULL,
    workflow_revision bigint NOT NULL,
    status text NOT NULL DEFAULT 'NEW' CONSTRAINT workflow_executions_status_check
        CHECK (status IN ('NEW', 'RUNNING', 'WAITING', 'SUCCESS', 'ERROR', 'CANCELED')),
    mode text NOT NULL DEFAULT 'MANUAL' CONSTRAINT workflow_executions_mode_check
        CHECK (mode IN ('MANUAL', 'TRIGGER', 'WEBHOOK', 'RETRY')),
    triggered_by text,
    parent_execution_id uuid,
    retry_of_execution_id uuid,
    start_time bigint,
    end_time bigint,
    run_data jsonb,
    metadata jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT workflow_executions_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    error_message text,
    error_details jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    rare_status text GENERATED ALWAYS AS (CASE WHEN status IN ('ERROR', 'CANCELED') THEN status END) STORED,
    CONSTRAINT workflow_executions_pkey PRIMARY KEY (tenant_id, execution_id),
    CONSTRAINT workflow_executions_workflow_fkey
        FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id),
    CONSTRAINT workflow_executions_times_check CHECK (end_time >= start_time),
    CONSTRAINT workflow_executions_end_check
        CHECK ((status IN ('SUCCESS', 'ERROR', 'CANCELED')) = (end_time IS NOT NULL))
) PARTITION BY RANGE (execution_id);
COMMENT ON TABLE workflow_executions IS 'Every execution, one row each; partitioned by the time in its id.';
COMMENT ON COLUMN workflow_executions.tenant_id IS 'The tenant.';
COMMENT ON COLUMN workflow_executions.execution_id IS 'UUIDv7, made by the client; its time decides the partition.';
COMMENT ON COLUMN workflow_executions.workflow_id IS 'The workflow that runs.';
COMMENT ON COLUMN workflow_executions.workflow_revision IS 'Its version: a revision in workflow_versions.';
COMMENT ON COLUMN workflow_executions.status IS 'NEW, RUNNING, WAITING; SUCCESS, ERROR and CANCELED are final.';
COMMENT ON COLUMN workflow_executions.mode IS 'What started it: MANUAL, TRIGGER, WEBHOOK or RETRY.';
COMMENT ON COLUMN workflow_executions.triggered_by IS 'Who or what started it, in the engine''s terms.';
COMMENT ON COLUMN workflow_executions.parent_execution_id IS 'The execution that started this one; no foreign key: it may have expired.';
COMMENT ON COLUMN workflow_executions.retry_of_execution_id IS 'The ended execution that this one repeats, from some node on.';
COMMENT ON COLUMN workflow_executions.start_time IS 'Unix milliseconds.';
COMMENT ON COLUMN workflow_executions.end_time IS 'Unix milliseconds; set when, and only when, the status is final.';
COMMENT ON COLUMN workflow_executions.run_data IS 'What the engine keeps of the run as a whole.';
COMMENT ON COLUMN workflow_executions.metadata IS 'What the caller gave along, a JSON object.';
COMMENT ON COLUMN workflow_executions.error_message IS 'Why it failed, for people.';
COMMENT ON COLUMN workflow_executions.error_details IS 'Why it failed, for programs.';
COMMENT ON COLUMN workflow_executions.created_at IS 'When the row was written.';
COMMENT ON COLUMN workflow_executions.rare_status IS 'The status, if it is ERROR or CANCELED: what is looked for, and rare.';

-- Serves executions.page_by_workflow and the foreign key. Does not lead with the tenant: the planner would take it
-- for as good as the primary key, and read a tenant's whole index to find one execution.
CREATE INDEX workflow_executions_workflow_idx ON workflow_executions (workflow_id, tenant_id, execution_id);
-- What went wrong is what people look for, and rare. By a column of its own: an index that names the status, if only in
-- its predicate, makes every change of the status write to all indexes; this one does not change from NEW to SUCCESS.
CREATE INDEX workflow_executions_rare_idx ON workflow_executions (tenant_id, rare_status, execution_id)
    WHERE rare_status IS NOT NULL;
-- What an execution started, also when all of it has ended; most were started by none.
CREATE INDEX workflow_executions_parent_idx ON workflow_executions (parent_execution_id, tenant_id, execution_id)
    WHERE parent_execution_id IS NOT NULL;

CREATE FUNCTION wfstore_refuse_history() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
BEGIN
    IF TG_ARGV[0] = 'node' THEN
        RAISE EXCEPTION USING ERRCODE = 'WF006',
            MESSAGE = format('execution %s: node %L, run %s, has a final result', OLD.execution_id, OLD.node_id, OLD.run_index),
            HINT = 'A final result is immutable; the next pass of a loop takes the next run_index.';
    ELSIF OLD.status IN ('SUCCESS', 'ERROR', 'CANCELED') THEN
        RAISE EXCEPTION USING ERRCODE = 'WF002',
            MESSAGE = format('execution %s has ended with %s', OLD.execution_id, OLD.status),
            HINT = 'An end is final; retry it as a new execution.';
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'WF007',
        MESSAGE = format('execution %s: %s cannot become %s', OLD.execution_id, OLD.status, NEW.status),
        HINT = 'An execution goes NEW, RUNNING, then WAITING, NEW again, or to its end.';
END
$$;
COMMENT ON FUNCTION wfstore_refuse_history() IS 'Row trigger: refuse to rewrite history; its WHEN says what that is.';
-- What the caller keeps along with it may change for ever; nothing else of an execution that has ended.
-- AFTER, here and below: before an update each row would be locked once more for the trigger to see.
CREATE TRIGGER workflow_executions_transition AFTER UPDATE ON workflow_executions
    -- Written out: what pg_dump makes of comparisons of whole rows is not read again as it was.
    FOR EACH ROW WHEN (
        (OLD.status = 'NEW' AND NEW.status IN ('WAITING', 'SUCCESS', 'ERROR'))
        OR (OLD.status = 'WAITING' AND NEW.status IN ('NEW', 'SUCCESS', 'ERROR'))
        OR (
            OLD.status IN ('SUCCESS', 'ERROR', 'CANCELED')
            AND (
                OLD.status <> NEW.status
                OR OLD.start_time IS DISTINCT FROM NEW.start_time
                OR OLD.end_time IS DISTINCT FROM NEW.end_time
                OR OLD.run_data IS DISTINCT FROM NEW.run_data
                OR OLD.error_message IS DISTINCT FROM NEW.error_message
                OR OLD.error_details IS DISTINCT FROM NEW.error_details
            )
        )
        OR OLD.tenant_id <> NEW.tenant_id
        OR OLD.execution_id <> NEW.execution_id
        OR OLD.workflow_id <> NEW.workflow_id
        OR OLD.workflow_revision <> NEW.workflow_revision
        OR OLD.mode <> NEW.mode
        OR OLD.triggered_by IS DISTINCT FROM NEW.triggered_by
        OR OLD.parent_execution_id IS DISTINCT FROM NEW.parent_execution_id
        OR OLD.retry_of_execution_id IS DISTINCT FROM NEW.retry_of_execution_id
        OR OLD.created_at <> NEW.created_at
    )
    EXECUTE FUNCTION wfstore_refuse_history('execution');
CREATE POLICY workflow_executions_tenant ON workflow_executions
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
ALTER TABLE workflow_executions ENABLE ROW LEVEL SECURITY;
ALTER TABLE workflow_executions FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON workflow_executions TO wfstore_app;
-- A worker inserts the executions that its handlers start.
GRANT SELECT, INSERT ON workflow_executions TO wfstore_worker;
-- Nobody moves a row: from one period to another it would pass by the trigger.
GRANT UPDATE (status, start_time, end_time, run_data, metadata, error_message, error_details)
    ON workflow_executions TO wfstore_app, wfstore_worker;
GRANT SELECT ON workflow_executions TO wfstore_readonly;

CREATE TABLE node_executions (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    node_id text NOT NULL,
    run_index integer NOT NULL DEFAULT 0 CONSTRAINT node_executions_run_index_check CHECK (run_index >= 0),
    node_type text NOT NULL CONSTRAINT node_executions_node_type_check
        CHECK (node_type IN ('TRIGGER', 'AI_AGENT', 'EXTERNAL_ACTION', 'ACTION', 'FLOW', 'HUMAN_IN_THE_LOOP', 'TOOL', 'MEMORY')),
    status text NOT NULL CONSTRAINT node_executions_status_check
        CHECK (status IN ('PENDING', 'RUNNING', 'WAITING', 'SUCCESS', 'ERROR', 'SKIPPED', 'CANCELED')),
    start_time bigint,
    end_time bigint,
    input_data jsonb,
    output_data jsonb,
    error_data jsonb,
    retry_count integer NOT NULL DEFAULT 0 CONSTRAINT node_executions_retry_count_check CHECK (retry_count >= 0),
    max_retries integer NOT NULL DEFAULT 0 CONSTRAINT node_executions_max_retries_check CHECK (max_retries >= 0),
    CONSTRAINT node_executions_pkey PRIMARY KEY (tenant_id, execution_id, node_id, run_index),
    CONSTRAINT node_executions_times_check CHECK (end_time >= start_time)
) PARTITION BY RANGE (execution_id);
COMMENT ON TABLE node_executions IS 'Every result of a node, one row for each pass; each partition refers to its sibling of workflow_executions.';
COMMENT ON COLUMN node_executions.tenant_id IS 'The tenant.';
COMMENT ON COLUMN node_executions.execution_id IS 'The execution; its time decides the partition.';
COMMENT ON COLUMN node_executions.node_id IS 'The node''s id in the version that runs.';
COMMENT ON COLUMN node_executions.run_index IS 'Pass of a loop, from 0.';
COMMENT ON COLUMN node_executions.node_type IS 'One of the eight node types.';
COMMENT ON COLUMN node_executions.status IS 'PENDING, RUNNING, WAITING; SUCCESS, ERROR, SKIPPED and CANCELED are final.';
COMMENT ON COLUMN node_executions.start_time IS 'Unix milliseconds.';
COMMENT ON COLUMN node_executions.end_time IS 'Unix milliseconds.';
COMMENT ON COLUMN node_executions.input_data IS 'What the node was given.';
COMMENT ON COLUMN node_executions.output_data IS 'What it returned.';
COMMENT ON COLUMN node_executions.error_data IS 'Why it failed.';
COMMENT ON COLUMN node_executions.retry_count IS 'Repetitions under this run_index so far.';
COMMENT ON COLUMN node_executions.max_retries IS 'Repetitions allowed.';
CREATE TRIGGER node_executions_transition AFTER UPDATE ON node_executions
    FOR EACH ROW WHEN (OLD.status IN ('SUCCESS', 'ERROR', 'SKIPPED', 'CANCELED'))
    EXECUTE FUNCTION wfstore_refuse_history('node');
CREATE POLICY node_executions_tenant ON node_executions
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
ALTER TABLE node_executions ENABLE ROW LEVEL SECURITY;
ALTER TABLE node_executions FORCE ROW LEVEL SECURITY;
-- INSERT: a retry takes over results of the execution that it repeats.
GRANT SELECT, INSERT ON node_executions TO wfstore_app;
GRANT SELECT ON node_executions TO wfstore_readonly;
GRANT SELECT, INSERT ON node_executions TO wfstore_worker;
GRANT UPDATE (
    node_type, status, start_time, end_time, input_data, output_data, error_data, retry_count, max_retries
) ON node_executions TO wfstore_worker;

CREATE FUNCTION wfstore_create_partition(at timestamptz) RETURNS text
LANGUAGE plpgsql
SET search_path = public, pg_temp
SET row_security = on -- the foreign keys are validated over new, empty tables: there is no row to be filtered
AS $$
DECLARE
    span interval := (SELECT partition_interval FROM retention_policies WHERE table_name = 'workflow_executions');
    -- A Monday. In UTC a day is always 24 hours, so the arithmetic does not depend on the session's time zone.
    lower timestamptz := date_bin(span, at, timestamptz '2024-01-01 00:00:00+00');
    upper timestamptz := (lower AT TIME ZONE 'UTC' + span) AT TIME ZONE 'UTC';
    suffix text := 'p' || to_char(lower AT TIME ZONE 'UTC', 'YYYYMMDD');
    executions text := 'workflow_executions_' || suffix;
    results text := 'node_executions_' || suffix;
BEGIN
    IF to_regclass(format('public.%I', results)) IS NOT NULL THEN
        RETURN suffix;
    END IF;
    -- One at a time: two CREATEs of one name meet in the catalogues at a table, a type or an index, as chance has it.
    -- A table lock: a row's would not make to_regclass forget what it has just seen. It stops neither reads nor writes.
    LOCK TABLE retention_policies IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass(format('public.%I', results)) IS NOT NULL THEN
        RETURN suffix; -- somebody made it meanwhile
    END IF;
    PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', true);
    -- CREATE by LIKE, then ATTACH: CREATE ... PARTITION OF stalls all writers behind the oldest reader.
    -- Room for what an execution becomes: started and ended on the page where it was enqueued, as no index names what
    -- changes then. Of 10,000 such updates 6,900 stay on their page with 60, 3,400 with 100; it takes 14 % more space.
    EXECUTE format('CREATE TABLE %I (LIKE workflow_executions INCLUDING ALL) WITH (fillfactor = 60)', executions);
    EXECUTE format('CREATE TABLE %I (LIKE node_executions INCLUDING ALL)', results);
    -- A superuser's call, too, leaves partitions that the owner can drop.
    EXECUTE format('ALTER TABLE %I OWNER TO wfstore_owner', executions);
    EXECUTE format('ALTER TABLE %I OWNER TO wfstore_owner', results);
    -- Sibling to sibling, not parent to parent: an expired period goes by dropping both, with no scan.
    EXECUTE format(
        'ALTER TABLE %I ADD CONSTRAINT %I FOREIGN KEY (tenant_id, execution_id)'
        ' REFERENCES %I (tenant_id, execution_id) ON DELETE CASCADE',
        results, results || '_execution_fkey', executions
    );
    -- Nobody is granted a partition; without a policy it shows nothing even to its owner.
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', executions);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', executions);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', results);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', results);
    EXECUTE format(
        'ALTER TABLE workflow_executions ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        executions, wfstore_uuid7_floor(lower), wfstore_uuid7_floor(upper)
    );
    EXECUTE format(
        'ALTER TABLE node_executions ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        results, wfstore_uuid7_floor(lower), wfstore_uuid7_floor(upper)
    );
    RETURN suffix;
END
$$;
COMMENT ON FUNCTION wfstore_create_partition(timestamptz) IS 'Make the pair of sibling partitions that holds this time, where it is missing; returns their suffix. For the owner: any time.';
REVOKE ALL ON FUNCTION wfstore_create_partition(timestamptz) FROM PUBLIC;

CREATE FUNCTION wfstore_make_partition(at timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET lock_timeout = '2s'
AS $$
BEGIN
    IF at NOT BETWEEN now() - interval '35 days' AND now() + interval '35 days' THEN
        RAISE EXCEPTION USING ERRCODE = 'WF005',
            MESSAGE = format('%s lies more than 35 days from now; a write may not make its partition', at),
            HINT = 'The id of an execution carries its time. An operator makes other partitions with wfstore_create_partition.';
    END IF;
    RETURN wfstore_create_partition(at);
END
$$;
COMMENT ON FUNCTION wfstore_make_partition(timestamptz) IS 'What a write that found no partition may call, in a transaction of its own: runs as the owner, within 35 days of now (WF005 beyond).';
REVOKE ALL ON FUNCTION wfstore_make_partition(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wfstore_make_partition(timestamptz) TO wfstore_app, wfstore_worker;

CREATE FUNCTION wfstore_make_partitions_ahead(at timestamptz) RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    policy record;
BEGIN
    SELECT partition_interval, partitions_ahead INTO STRICT policy
    FROM retention_policies
    WHERE table_name = 'workflow_executions';
    FOR step IN 0..policy.partitions_ahead LOOP
        RETURN NEXT wfstore_create_partition(at + step * policy.partition_interval);
    END LOOP;
END
$$;
COMMENT ON FUNCTION wfstore_make_partitions_ahead(timestamptz) IS 'Make the partition of this time and as many after it as the retention policy says.';
REVOKE ALL ON FUNCTION wfstore_make_partitions_ahead(timestamptz) FROM PUBLIC;

DO $$
BEGIN
    PERFORM wfstore_make_partitions_ahead(now());
END
$$;
