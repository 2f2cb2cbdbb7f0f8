-- depends: 0008.execution_queue
-- why:   What governs the queue: limits of concurrency keys, pauses, parents that wait for their children.
-- phase: expand      lock: SHARE ROW EXCLUSIVE on execution_queue, for its triggers
-- undo:  0009.execution_control.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';
SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

CREATE TABLE concurrency_limits (
    tenant_id uuid NOT NULL,
    concurrency_key text NOT NULL CONSTRAINT concurrency_limits_concurrency_key_check CHECK (concurrency_key <> ''),
    max_running integer NOT NULL DEFAULT 1
        CONSTRAINT concurrency_limits_max_running_check CHECK (max_running >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT concurrency_limits_pkey PRIMARY KEY (tenant_id, concurrency_key)
);
COMMENT ON TABLE concurrency_limits IS 'How many executions of one key may run at once. Its row is also the lock under which places are given and returned.';
COMMENT ON COLUMN concurrency_limits.tenant_id IS 'The tenant.';
COMMENT ON COLUMN concurrency_limits.concurrency_key IS 'The key, in the words of who enqueues.';
COMMENT ON COLUMN concurrency_limits.max_running IS 'Places; 0 lets none run.';
COMMENT ON COLUMN concurrency_limits.created_at IS 'When the row was written.';
COMMENT ON COLUMN concurrency_limits.updated_at IS 'When the row last changed.';
CREATE TRIGGER concurrency_limits_touch BEFORE UPDATE ON concurrency_limits
    FOR EACH ROW EXECUTE FUNCTION wfstore_touch_updated_at();
CREATE POLICY concurrency_limits_tenant ON concurrency_limits
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
ALTER TABLE concurrency_limits ENABLE ROW LEVEL SECURITY;
ALTER TABLE concurrency_limits FORCE ROW LEVEL SECURITY;
-- The worker changes none; but who locks a row must be allowed to update it.
GRANT SELECT, INSERT, UPDATE, DELETE ON concurrency_limits TO wfstore_app, wfstore_worker;
GRANT SELECT ON concurrency_limits TO wfstore_readonly;

CREATE TABLE execution_pauses (
    tenant_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT execution_pauses_kind_check CHECK (kind IN ('QUEUE', 'WORKFLOW')),
    name text NOT NULL CONSTRAINT execution_pauses_name_check CHECK (name <> ''),
    reason text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT execution_pauses_pkey PRIMARY KEY (tenant_id, kind, name)
);
-- A claim asks which of many tenants have paused its queue.
CREATE INDEX execution_pauses_name_idx ON execution_pauses (name, kind, tenant_id);
COMMENT ON TABLE execution_pauses IS 'Queues and workflows of which nothing is handed out; what runs already goes on.';
COMMENT ON COLUMN execution_pauses.tenant_id IS 'The tenant.';
COMMENT ON COLUMN execution_pauses.kind IS 'QUEUE or WORKFLOW.';
COMMENT ON COLUMN execution_pauses.name IS 'The queue, or the id of the workflow.';
COMMENT ON COLUMN execution_pauses.reason IS 'Why, for people.';
COMMENT ON COLUMN execution_pauses.created_at IS 'Since when.';
CREATE POLICY execution_pauses_tenant ON execution_pauses
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
ALTER TABLE execution_pauses ENABLE ROW LEVEL SECURITY;
ALTER TABLE execution_pauses FORCE ROW LEVEL SECURITY;
-- The worker changes none; but who locks a row must be allowed to update it.
GRANT SELECT, INSERT, UPDATE, DELETE ON execution_pauses TO wfstore_app;
GRANT SELECT, UPDATE ON execution_pauses TO wfstore_worker;
GRANT SELECT ON execution_pauses TO wfstore_readonly;

-- A claim has locked these rows. Each statement in here sees what was committed before it began, the lock it waited
-- for included: in the claim's own statement a count could be older than the lock.
CREATE FUNCTION wfstore_admit(of_tenants uuid[], candidates uuid[])
RETURNS TABLE (admitted_tenant uuid, admitted uuid)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan -- by keys all of it: planning anew for each would cost more than running
SET search_path = public, pg_temp
AS $$
BEGIN
    -- Everything in here goes by keys, LATERAL and with a limit, though there is none: these plans are kept, whatever
    -- tenant comes next, and a join could read all that it has in the queue.
    -- Who resumes a workflow waits until what is parked here can be seen.
    PERFORM FROM (
        SELECT DISTINCT q.tenant_id, q.workflow_id
        FROM unnest(of_tenants, candidates) AS wanted (tenant_id, execution_id)
        CROSS JOIN LATERAL (
            SELECT queued.tenant_id, queued.workflow_id
            FROM execution_queue AS queued
            WHERE queued.tenant_id = wanted.tenant_id AND queued.execution_id = wanted.execution_id
            LIMIT 1
        ) AS q
        ORDER BY q.tenant_id, q.workflow_id
        LIMIT (SELECT NULL::bigint)
    ) AS meant
    CROSS JOIN LATERAL (
        SELECT FROM execution_pauses AS p
        WHERE p.tenant_id = meant.tenant_id AND p.kind = 'WORKFLOW' AND p.name = meant.workflow_id::text
        LIMIT 1
        FOR SHARE
    ) AS pause;
    -- In one order, so that two claims do not wait for each other.
    PERFORM FROM (
        SELECT DISTINCT q.tenant_id, q.concurrency_key
        FROM unnest(of_tenants, candidates) AS wanted (tenant_id, execution_id)
        CROSS JOIN LATERAL (
            SELECT queued.tenant_id, queued.concurrency_key
            FROM execution_queue AS queued
            WHERE queued.tenant_id = wanted.tenant_id AND queued.execution_id = wanted.execution_id
            LIMIT 1
        ) AS q
        WHERE q.concurrency_key IS NOT NULL
        ORDER BY q.tenant_id, q.concurrency_key
        LIMIT (SELECT NULL::bigint)
    ) AS meant
    CROSS JOIN LATERAL (
        SELECT FROM concurrency_limits AS l
        WHERE l.tenant_id = meant.tenant_id AND l.concurrency_key = meant.concurrency_key
        LIMIT 1
        FOR UPDATE
    ) AS place;
    RETURN QUERY
    WITH candidate AS MATERIALIZED (
        SELECT
            q.tenant_id, q.execution_id, q.concurrency_key, q.priority, q.visible_at, pause.name IS NOT NULL AS paused
        FROM (
            SELECT each.tenant_id, each.execution_id
            FROM unnest(of_tenants, candidates) AS each (tenant_id, execution_id)
            LIMIT (SELECT NULL::bigint)
        ) AS wanted
        CROSS JOIN LATERAL (
            SELECT queued.*
            FROM execution_queue AS queued
            WHERE queued.tenant_id = wanted.tenant_id AND queued.execution_id = wanted.execution_id
            LIMIT 1
        ) AS q
        LEFT JOIN LATERAL (
            SELECT p.name
            FROM execution_pauses AS p
            WHERE p.tenant_id = q.tenant_id AND p.kind = 'WORKFLOW' AND p.name = q.workflow_id::text
            LIMIT 1
            -- Again: it may be a later one than above, and who ends it would not see what is parked here for it.
            FOR SHARE
        ) AS pause ON true
    ),
    keyed AS (
        SELECT
            c.tenant_id, c.concurrency_key,
            array_agg(c.execution_id ORDER BY c.priority DESC, c.visible_at, c.execution_id) AS execution_ids
        FROM candidate AS c
        WHERE NOT c.paused
        GROUP BY c.tenant_id, c.concurrency_key
    ),
    -- Without a key or without a limit there are no places, and all are let in.
    let_in AS MATERIALIZED (
        SELECT k.tenant_id, next.execution_id
        FROM keyed AS k
        LEFT JOIN LATERAL (
            SELECT
                l.max_running - (
                    SELECT count(*)
                    FROM execution_queue AS q
                    WHERE q.tenant_id = l.tenant_id
                        AND q.concurrency_key = l.concurrency_key
                        AND q.status = 'RUNNING'
                ) AS places
            FROM concurrency_limits AS l
            WHERE l.tenant_id = k.tenant_id AND l.concurrency_key = k.concurrency_key
            LIMIT 1
        ) AS free ON true
        CROSS JOIN LATERAL unnest(k.execution_ids) WITH ORDINALITY AS next (execution_id, place)
        WHERE free.places IS NULL OR next.place <= free.places
    ),
    parked AS (
        UPDATE execution_queue AS q
        SET ready = false,
            parked_by = CASE WHEN c.paused THEN 'WORKFLOW' ELSE 'CONCURRENCY' END
        FROM candidate AS c
        WHERE q.tenant_id = c.tenant_id
            AND q.execution_id = c.execution_id
            AND (c.tenant_id, c.execution_id) NOT IN (SELECT let_in.tenant_id, let_in.execution_id FROM let_in)
    )
    SELECT let_in.tenant_id, let_in.execution_id FROM let_in;
END
$$;
COMMENT ON FUNCTION wfstore_admit(uuid[], uuid[]) IS
    'Which of these queue rows, that a claim has locked, may run by their keys'' limits and workflows'' pauses; the others are parked.';
REVOKE ALL ON FUNCTION wfstore_admit(uuid[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wfstore_admit(uuid[], uuid[]) TO wfstore_worker;

-- Told by who made it ready, after the commit: a NOTIFY in here would make all commits that have one wait for each
-- other's disk.
CREATE FUNCTION wfstore_woken(of_queue text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog
AS $$
    SELECT set_config(
        'wfstore.woken',
        (
            coalesce(nullif(current_setting('wfstore.woken', true), ''), '{}')::jsonb || jsonb_build_object(of_queue, true)
        )::text,
        true
    )
$$;
COMMENT ON FUNCTION wfstore_woken(text) IS 'Note, until the transaction ends, that a trigger made something ready in this queue.';
REVOKE ALL ON FUNCTION wfstore_woken(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wfstore_woken(text) TO wfstore_app, wfstore_worker;

CREATE FUNCTION wfstore_refill(of_tenant uuid, of_key text) RETURNS integer
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan -- by keys all of it: planning anew for each would cost more than running
SET search_path = public, pg_temp
AS $$
DECLARE
    places integer;
    active integer;
    unparked integer;
    in_all integer := 0;
    of_queue text := '';
BEGIN
    SELECT l.max_running INTO places
    FROM concurrency_limits AS l
    WHERE l.tenant_id = of_tenant
        AND l.concurrency_key = of_key
    FOR UPDATE;
    -- Queue by queue: what is ready in one that is paused, or that nobody serves, must not keep the others waiting.
    LOOP
        SELECT q.queue INTO of_queue
        FROM execution_queue AS q
        WHERE q.tenant_id = of_tenant
            AND q.concurrency_key = of_key
            AND q.parked_by = 'CONCURRENCY'
            AND q.queue > of_queue
        ORDER BY q.queue
        LIMIT 1;
        EXIT WHEN NOT FOUND;
        SELECT count(*) INTO active
        FROM (
            SELECT FROM execution_queue AS q
            WHERE q.tenant_id = of_tenant
                AND q.concurrency_key = of_key
                AND (q.ready OR q.status = 'RUNNING')
                AND (q.status = 'RUNNING' OR q.queue = of_queue)
            LIMIT places
        ) AS found;
        -- Without a limit nobody is parked for long: no places is NULL, and LIMIT NULL is no limit.
        -- The next ones as a CTE: a subquery may be run once for each row, and lets in more each time.
        WITH next AS MATERIALIZED (
            SELECT q.tenant_id, q.execution_id
            FROM execution_queue AS q
            WHERE q.tenant_id = of_tenant
                AND q.concurrency_key = of_key
                AND q.parked_by = 'CONCURRENCY'
                AND q.queue = of_queue
            ORDER BY q.priority DESC, q.visible_at, q.execution_id
            LIMIT places - active
            -- Waits for who has one of them locked: it may be a signal, which leaves it parked, and nobody would come
            -- back for it.
            FOR UPDATE
        )
        UPDATE execution_queue AS q
        SET ready = true,
            parked_by = NULL
        FROM next
        WHERE q.tenant_id = next.tenant_id
            AND q.execution_id = next.execution_id;
        GET DIAGNOSTICS unparked = ROW_COUNT;
        IF unparked > 0 THEN
            PERFORM wfstore_woken(of_queue);
        END IF;
        in_all := in_all + unparked;
    END LOOP;
    RETURN in_all;
END
$$;
COMMENT ON FUNCTION wfstore_refill(uuid, text) IS 'Make ready the next parked executions of a key, as many as its free places; returns how many.';
REVOKE ALL ON FUNCTION wfstore_refill(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wfstore_refill(uuid, text) TO wfstore_app, wfstore_worker;

CREATE FUNCTION wfstore_return_place() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM wfstore_refill(OLD.tenant_id, OLD.concurrency_key);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION wfstore_return_place() IS 'Row trigger: the place of an execution that stopped running, or will not run, goes to the next of its key.';
CREATE TRIGGER execution_queue_stopped AFTER UPDATE ON execution_queue
    FOR EACH ROW WHEN (OLD.concurrency_key IS NOT NULL AND OLD.status = 'RUNNING' AND NEW.status <> 'RUNNING')
    EXECUTE FUNCTION wfstore_return_place();
CREATE TRIGGER execution_queue_gone AFTER DELETE ON execution_queue
    FOR EACH ROW WHEN (OLD.concurrency_key IS NOT NULL AND (OLD.ready OR OLD.status = 'RUNNING'))
    EXECUTE FUNCTION wfstore_return_place();
-- Parked for another reason, it may have been the one that was to take a free place.
CREATE TRIGGER execution_queue_paused AFTER UPDATE ON execution_queue
    FOR EACH ROW WHEN (OLD.concurrency_key IS NOT NULL AND OLD.ready AND NEW.parked_by = 'WORKFLOW')
    EXECUTE FUNCTION wfstore_return_place();

CREATE FUNCTION wfstore_child_ended() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    of_queue text;
BEGIN
    -- The lock first: of two last children the second sees that the first has gone.
    PERFORM FROM execution_queue AS q
    WHERE q.tenant_id = OLD.tenant_id
        AND q.execution_id = OLD.parent_execution_id
    FOR NO KEY UPDATE;
    UPDATE execution_queue AS q
    SET status = 'NEW',
        ready = true,
        wait_signal = NULL,
        wait_children = false,
        -- a wait without an end would else be the last in line
        visible_at = least(q.visible_at, now()),
        woken_by = 'CHILDREN'
    WHERE q.tenant_id = OLD.tenant_id
        AND q.execution_id = OLD.parent_execution_id
        AND q.wait_children
        AND NOT EXISTS (
            SELECT FROM execution_queue AS child
            WHERE child.tenant_id = OLD.tenant_id
                AND child.parent_execution_id = OLD.parent_execution_id
        )
    RETURNING q.queue INTO of_queue;
    IF FOUND THEN
        PERFORM wfstore_woken(of_queue);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION wfstore_child_ended() IS 'Row trigger: the last child to end wakes a parent that waits for its children.';
CREATE TRIGGER execution_queue_child_ended AFTER DELETE ON execution_queue
    FOR EACH ROW WHEN (OLD.parent_execution_id IS NOT NULL)
    EXECUTE FUNCTION wfstore_child_ended();
