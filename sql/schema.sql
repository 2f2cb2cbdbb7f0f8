-- The schema of wfstore in one file: generated from migrations/, never edited.
--     python -m wfstore.migrate.schema_file
--
-- Into an empty database of PostgreSQL 15 or later, as whoever may migrate:
--     psql -X -q -v ON_ERROR_STOP=1 -f sql/schema.sql "$(wfstore url --role admin)"
-- It leaves what `wfstore migrate` leaves, its marks included: nothing is pending afterwards.

BEGIN;

-- why:   The four roles of wfstore. Roles belong to the whole server and must be committed before anything is
--        granted to them, so they come first and are created only where they are missing. Whoever migrates
--        may act as each of them: objects are made as the owner, and the store never works as anything else.
-- phase: expand      lock: none
-- undo:  0001.roles.rollback.sql revokes, and leaves the roles: other databases of the server may use them.
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';

DO $$
DECLARE
    role record;
BEGIN
    FOR role IN
        SELECT wanted.name, wanted.attribute
        FROM (
            VALUES
                ('wfstore_owner', 'NOLOGIN'),
                ('wfstore_app', 'LOGIN'),
                ('wfstore_worker', 'LOGIN'),
                ('wfstore_readonly', 'LOGIN')
        ) AS wanted (name, attribute)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role.name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I %s', role.name, role.attribute);
            EXCEPTION
                -- another database of this server is being migrated at the same moment
                WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
        IF NOT pg_has_role(current_user, role.name, 'USAGE') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', role.name);
        END IF;
    END LOOP;
END
$$;

GRANT USAGE, CREATE ON SCHEMA public TO wfstore_owner;
GRANT USAGE ON SCHEMA public TO wfstore_app, wfstore_worker, wfstore_readonly;

COMMIT;

BEGIN;

SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SET LOCAL search_path = '';
SET LOCAL check_function_bodies = false;
SET LOCAL client_min_messages = warning;
SET LOCAL default_tablespace = '';
SET LOCAL default_table_access_method = heap;
SET LOCAL row_security = off;
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL ROLE wfstore_owner;

CREATE FUNCTION public.wfstore_add_histograms(one bigint[], other bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    RETURN ARRAY[
        one[1] + other[1], one[2] + other[2], one[3] + other[3], one[4] + other[4],
        one[5] + other[5], one[6] + other[6], one[7] + other[7], one[8] + other[8],
        one[9] + other[9], one[10] + other[10], one[11] + other[11], one[12] + other[12],
        one[13] + other[13], one[14] + other[14], one[15] + other[15], one[16] + other[16],
        one[17] + other[17], one[18] + other[18], one[19] + other[19], one[20] + other[20],
        one[21] + other[21], one[22] + other[22], one[23] + other[23], one[24] + other[24],
        one[25] + other[25], one[26] + other[26], one[27] + other[27], one[28] + other[28],
        one[29] + other[29], one[30] + other[30], one[31] + other[31], one[32] + other[32]
    ];
END
$$;

COMMENT ON FUNCTION public.wfstore_add_histograms(one bigint[], other bigint[]) IS 'The sum of two histograms, bucket by bucket.';

CREATE FUNCTION public.wfstore_admit(of_tenants uuid[], candidates uuid[]) RETURNS TABLE(admitted_tenant uuid, admitted uuid)
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
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

COMMENT ON FUNCTION public.wfstore_admit(of_tenants uuid[], candidates uuid[]) IS 'Which of these queue rows, that a claim has locked, may run by their keys'' limits and workflows'' pauses; the others are parked.';

CREATE FUNCTION public.wfstore_child_ended() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
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

COMMENT ON FUNCTION public.wfstore_child_ended() IS 'Row trigger: the last child to end wakes a parent that waits for its children.';

CREATE FUNCTION public.wfstore_counts_for(workflow uuid, hour timestamp with time zone) RETURNS TABLE(counted_workflow_id uuid, counted_hour timestamp with time zone)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT counted.column1,
     counted.column2
    FROM ( VALUES (wfstore_counts_for.workflow,wfstore_counts_for.hour), ('00000000-0000-0000-0000-000000000000'::uuid,wfstore_counts_for.hour), ('ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid,date_bin('1 day'::interval, wfstore_counts_for.hour, '2000-01-01 00:00:00+00'::timestamp with time zone))) counted;
END;

COMMENT ON FUNCTION public.wfstore_counts_for(workflow uuid, hour timestamp with time zone) IS 'What an execution of a workflow and an hour counts for in execution_stats: the workflow, the whole tenant (nil UUID), the tenant''s day (UUID of ones).';

CREATE FUNCTION public.wfstore_create_partition(at timestamp with time zone) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET row_security TO 'on'
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

COMMENT ON FUNCTION public.wfstore_create_partition(at timestamp with time zone) IS 'Make the pair of sibling partitions that holds this time, where it is missing; returns their suffix. For the owner: any time.';

CREATE FUNCTION public.wfstore_drop_partition(suffix text) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET row_security TO 'on'
    SET lock_timeout TO '200ms'
    AS $$
DECLARE
    executions text := 'workflow_executions_' || suffix;
    results text := 'node_executions_' || suffix;
    bounds text[];
    tenant uuid;
BEGIN
    SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.*)''\) TO \(''(.*)''\)') INTO bounds
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid
    WHERE i.inhparent = 'workflow_executions'::regclass
        AND c.relname = executions;
    IF bounds IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_table',
            MESSAGE = format('there is no period %s', suffix);
    END IF;
    PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', true);
    -- First what stops no writer: an autovacuum of this period ends itself when somebody has waited a second for it.
    PERFORM set_config('lock_timeout', '5s', true);
    EXECUTE format('LOCK TABLE ONLY %I, ONLY %I IN SHARE UPDATE EXCLUSIVE MODE', executions, results);
    PERFORM set_config('lock_timeout', '200ms', true);
    -- Before the queue is looked at: from here on nobody enqueues what would lie in this period.
    LOCK TABLE ONLY workflow_executions, ONLY node_executions IN ACCESS EXCLUSIVE MODE;
    FOR tenant IN SELECT tenants.id FROM tenants LOOP
        PERFORM set_config('wfstore.tenant_id', tenant::text, true);
        IF EXISTS (
            SELECT FROM execution_queue AS q
            WHERE q.tenant_id = tenant
                AND q.execution_id >= bounds[1]::uuid
                AND q.execution_id < bounds[2]::uuid
        ) THEN
            RAISE EXCEPTION USING ERRCODE = 'object_in_use',
                MESSAGE = format('the period %s has an execution of tenant %s that has not ended', suffix, tenant),
                HINT = 'Let it end, or cancel it; `wfstore executions list` finds it.';
        END IF;
    END LOOP;
    EXECUTE format('DROP TABLE %I, %I', results, executions);
    RETURN suffix;
END
$$;

COMMENT ON FUNCTION public.wfstore_drop_partition(suffix text) IS 'Drop the pair of sibling partitions of this suffix, unless the queue has an execution of theirs (55006); 55P03: somebody had them locked for 200 ms. For the owner.';

CREATE FUNCTION public.wfstore_duration(start_time bigint, end_time bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (start_time >= 0) THEN LEAST((end_time - start_time), '1099511627776'::bigint) ELSE NULL::bigint END;

COMMENT ON FUNCTION public.wfstore_duration(start_time bigint, end_time bigint) IS 'Milliseconds between two times, 34 years at most, so that sums of them stay in range; NULL for what did not begin, or before 1970.';

CREATE FUNCTION public.wfstore_forget_period(since timestamp with time zone, until timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET row_security TO 'on'
    AS $$
DECLARE
    lower uuid := wfstore_uuid7_floor(since);
    upper uuid := wfstore_uuid7_floor(until);
    tenant uuid;
    gone bigint;
    removed bigint := 0;
BEGIN
    FOR tenant IN SELECT tenants.id FROM tenants LOOP
        PERFORM set_config('wfstore.tenant_id', tenant::text, true);
        DELETE FROM execution_stats AS s
        WHERE s.tenant_id = tenant AND s.hour >= since AND s.hour < until;
        GET DIAGNOSTICS gone = ROW_COUNT;
        removed := removed + gone;
        DELETE FROM execution_signals AS s
        WHERE s.tenant_id = tenant AND s.execution_id >= lower AND s.execution_id < upper;
        GET DIAGNOSTICS gone = ROW_COUNT;
        removed := removed + gone;
        DELETE FROM dead_letters AS d
        WHERE d.tenant_id = tenant AND d.execution_id >= lower AND d.execution_id < upper;
        GET DIAGNOSTICS gone = ROW_COUNT;
        removed := removed + gone;
        DELETE FROM execution_keys AS k
        WHERE k.tenant_id = tenant AND k.execution_id >= lower AND k.execution_id < upper;
        GET DIAGNOSTICS gone = ROW_COUNT;
        removed := removed + gone;
    END LOOP;
    RETURN removed;
END
$$;

COMMENT ON FUNCTION public.wfstore_forget_period(since timestamp with time zone, until timestamp with time zone) IS 'Remove what refers to executions of a period that was dropped, of all tenants: counts, signals, dead letters, keys; returns how many rows. For the owner.';

CREATE FUNCTION public.wfstore_give_up(of_tenants uuid[], exhausted uuid[], at timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    how_many bigint;
BEGIN
    WITH given_up AS (
        DELETE FROM execution_queue AS q
        USING (
            SELECT each.*
            FROM unnest(of_tenants, exhausted) AS each (tenant_id, execution_id)
            -- No limit at all; but the planner, who cannot know that, takes these for few and goes by their keys.
            LIMIT (SELECT NULL::bigint)
        ) AS lost
        WHERE q.tenant_id = lost.tenant_id
            AND q.execution_id = lost.execution_id
        RETURNING
            q.tenant_id, q.execution_id, q.workflow_id, q.queue, q.priority, q.concurrency_key,
            q.failures + 1 AS failures, q.worker_id
    ),
    ended AS (
        UPDATE workflow_executions AS e
        SET status = 'ERROR',
            end_time = greatest(trunc(extract(epoch FROM at) * 1000)::bigint, e.start_time),
            error_message = concat('given up after ', g.failures, ' attempts; worker ', g.worker_id, ' let its lease run out')
        FROM given_up AS g
        WHERE e.tenant_id = g.tenant_id
            AND e.execution_id = g.execution_id
        RETURNING
            e.tenant_id, e.execution_id, e.workflow_id, e.status, e.start_time, e.end_time, e.error_message
    ),
    counted AS (
        INSERT INTO execution_stats AS s (
            tenant_id, workflow_id, hour, status, slot, executions, duration_ms, durations
        )
        SELECT
            ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status, mod(pg_backend_pid(), 1024),
            sum(ended.executions)::bigint, sum(ended.duration_ms)::bigint, wfstore_sum_histograms(ended.durations)
        FROM (
            -- First by workflow and hour, so that it is these few, and not each execution, that count three times.
            SELECT
                lost.tenant_id, lost.workflow_id, wfstore_uuid7_hour(lost.execution_id) AS hour, lost.status,
                count(*) AS executions,
                coalesce(sum(wfstore_duration(lost.start_time, lost.end_time)), 0) AS duration_ms,
                wfstore_histogram(array_agg(wfstore_duration(lost.start_time, lost.end_time))) AS durations
            FROM ended AS lost
            GROUP BY lost.tenant_id, lost.workflow_id, 3, lost.status
        ) AS ended
        CROSS JOIN LATERAL wfstore_counts_for(ended.workflow_id, ended.hour) AS counts_for (workflow_id, hour)
        GROUP BY ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status
        -- In one order: two connections that share a slot wait for each other in turn, not in a ring.
        ORDER BY ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status
        ON CONFLICT (tenant_id, workflow_id, hour, status, slot) DO UPDATE
        SET executions = s.executions + excluded.executions,
            duration_ms = s.duration_ms + excluded.duration_ms,
            durations = wfstore_add_histograms(s.durations, excluded.durations)
    ),
    buried AS (
        INSERT INTO dead_letters AS d (
            tenant_id, execution_id, workflow_id, queue, priority, concurrency_key, failures, reason, died_at
        )
        SELECT
            g.tenant_id, g.execution_id, g.workflow_id, g.queue, g.priority, g.concurrency_key, g.failures,
            coalesce(ended.error_message, ''), at
        FROM given_up AS g
        JOIN ended
            ON ended.tenant_id = g.tenant_id
            AND ended.execution_id = g.execution_id
        ON CONFLICT (tenant_id, execution_id) DO NOTHING
    )
    SELECT count(*) INTO how_many
    FROM given_up;
    RETURN how_many;
END
$$;

COMMENT ON FUNCTION public.wfstore_give_up(of_tenants uuid[], exhausted uuid[], at timestamp with time zone) IS 'End these executions, whose queue rows this transaction has locked because their lease ran out once too often: dead letters, and ERROR in history; returns how many.';

CREATE FUNCTION public.wfstore_histogram(durations bigint[], weight bigint DEFAULT 1) RETURNS bigint[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
DECLARE
    bounds CONSTANT bigint[] := '{1,2,4,8,16,32,64,128,256,512,1024,2048,4096,8192,16384,32768,65536,131072,262144,524288,'
        '1048576,2097152,4194304,8388608,16777216,33554432,67108864,134217728,268435456,536870912,1073741824}';
    counts bigint[] := array_fill(0::bigint, ARRAY[32]);
    duration bigint;
    bucket integer;
BEGIN
    FOREACH duration IN ARRAY durations LOOP
        IF duration IS NOT NULL THEN
            bucket := width_bucket(duration, bounds) + 1;
            counts[bucket] := counts[bucket] + weight;
        END IF;
    END LOOP;
    RETURN counts;
END
$$;

COMMENT ON FUNCTION public.wfstore_histogram(durations bigint[], weight bigint) IS 'How many of these milliseconds lie in each of 32 buckets, whose bounds are the powers of two, each counted with a weight; NULLs are left out.';

CREATE FUNCTION public.wfstore_histogram_size(durations bigint[]) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    RETURN (SELECT sum(n) FROM unnest(durations) AS n);
END
$$;

COMMENT ON FUNCTION public.wfstore_histogram_size(durations bigint[]) IS 'How many durations a histogram holds.';

CREATE FUNCTION public.wfstore_is_uuid7(id uuid) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (((get_byte(uuid_send(id), 6) >> 4) = 7) AND ((get_byte(uuid_send(id), 8) >> 6) = 2));

COMMENT ON FUNCTION public.wfstore_is_uuid7(id uuid) IS 'Whether the id is a UUID of version 7: only those carry a time.';

CREATE FUNCTION public.wfstore_lock_workflow(of_tenant uuid, wanted uuid, expected bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
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

COMMENT ON FUNCTION public.wfstore_lock_workflow(of_tenant uuid, wanted uuid, expected bigint) IS 'Lock the workflow and check its revision, so that the statements behind it in the same round trip need not: WF004 not there, WF003 another revision.';

CREATE FUNCTION public.wfstore_make_partition(at timestamp with time zone) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET lock_timeout TO '2s'
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

COMMENT ON FUNCTION public.wfstore_make_partition(at timestamp with time zone) IS 'What a write that found no partition may call, in a transaction of its own: runs as the owner, within 35 days of now (WF005 beyond).';

CREATE FUNCTION public.wfstore_make_partitions_ahead(at timestamp with time zone) RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
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

COMMENT ON FUNCTION public.wfstore_make_partitions_ahead(at timestamp with time zone) IS 'Make the partition of this time and as many after it as the retention policy says.';

CREATE FUNCTION public.wfstore_percentile(durations bigint[], fraction double precision) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
DECLARE
    wanted CONSTANT double precision := fraction * public.wfstore_histogram_size(durations);
    below double precision := 0;
BEGIN
    FOR bucket IN 1..32 LOOP
        IF durations[bucket] > 0 AND below + durations[bucket] >= wanted THEN
            -- The first bucket holds nothing but zero; the others begin at a power of two and end before the next.
            RETURN CASE
                WHEN bucket = 1 THEN 0
                ELSE 2 ^ (bucket - 2) * (1 + (wanted - below) / durations[bucket])
            END;
        END IF;
        below := below + durations[bucket];
    END LOOP;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION public.wfstore_percentile(durations bigint[], fraction double precision) IS 'The duration, in milliseconds, that this part of a histogram''s does not exceed, as if they lay evenly in their bucket: never more than twice or less than half the true one. NULL of an empty histogram.';

CREATE FUNCTION public.wfstore_refill(of_tenant uuid, of_key text) RETURNS integer
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
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

COMMENT ON FUNCTION public.wfstore_refill(of_tenant uuid, of_key text) IS 'Make ready the next parked executions of a key, as many as its free places; returns how many.';

CREATE FUNCTION public.wfstore_refuse_history() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
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

COMMENT ON FUNCTION public.wfstore_refuse_history() IS 'Row trigger: refuse to rewrite history; its WHEN says what that is.';

CREATE FUNCTION public.wfstore_refuse_transition() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'WF007',
        MESSAGE = format('%s of execution %s: %s cannot become %s', TG_ARGV[0], OLD.execution_id, OLD.status, NEW.status),
        HINT = 'An execution goes NEW, RUNNING, then WAITING, NEW again, or to its end; an end is final.';
END
$$;

COMMENT ON FUNCTION public.wfstore_refuse_transition() IS 'Row trigger: refuse a change of status; its WHEN says which.';

CREATE FUNCTION public.wfstore_return_place() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM wfstore_refill(OLD.tenant_id, OLD.concurrency_key);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION public.wfstore_return_place() IS 'Row trigger: the place of an execution that stopped running, or will not run, goes to the next of its key.';

CREATE FUNCTION public.wfstore_take_in(tenant uuid) RETURNS TABLE(executions bigint, node_runs bigint)
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY
    WITH taken AS (
        INSERT INTO workflow_executions AS e (
            tenant_id, execution_id, workflow_id, workflow_revision, status, mode, triggered_by, parent_execution_id,
            retry_of_execution_id, start_time, end_time, run_data, metadata, error_message, error_details, created_at
        )
        SELECT
            -- The tenant is the caller's, whatever the rows are.
            tenant, s.execution_id, s.workflow_id, s.workflow_revision, s.status, s.mode, s.triggered_by,
            s.parent_execution_id, s.retry_of_execution_id, s.start_time, s.end_time, s.run_data, s.metadata,
            s.error_message, s.error_details, s.created_at
        FROM pg_temp.wfstore_staged_executions AS s
        ON CONFLICT (tenant_id, execution_id) DO NOTHING
        RETURNING e.tenant_id, e.execution_id, e.workflow_id, e.status, e.start_time, e.end_time
    ),
    recorded AS (
        -- Of what was there before none: it has its node runs.
        INSERT INTO node_executions AS n (
            tenant_id, execution_id, node_id, run_index, node_type, status, start_time, end_time, input_data,
            output_data, error_data, retry_count, max_retries
        )
        SELECT
            taken.tenant_id, s.execution_id, s.node_id, s.run_index, s.node_type, s.status, s.start_time, s.end_time,
            s.input_data, s.output_data, s.error_data, s.retry_count, s.max_retries
        FROM pg_temp.wfstore_staged_node_executions AS s
        JOIN taken ON taken.execution_id = s.execution_id
        RETURNING n.execution_id
    ),
    counted AS (
        INSERT INTO execution_stats AS s (
            tenant_id, workflow_id, hour, status, slot, executions, duration_ms, durations
        )
        SELECT
            ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status, mod(pg_backend_pid(), 1024),
            sum(ended.executions)::bigint, sum(ended.duration_ms)::bigint, wfstore_sum_histograms(ended.durations)
        FROM (
            -- First by workflow and hour, so that it is these few, and not each execution, that count three times.
            SELECT
                taken.tenant_id, taken.workflow_id, wfstore_uuid7_hour(taken.execution_id) AS hour, taken.status,
                count(*) AS executions,
                coalesce(sum(wfstore_duration(taken.start_time, taken.end_time)), 0) AS duration_ms,
                wfstore_histogram(array_agg(wfstore_duration(taken.start_time, taken.end_time))) AS durations
            FROM taken
            GROUP BY taken.tenant_id, taken.workflow_id, 3, taken.status
        ) AS ended
        CROSS JOIN LATERAL wfstore_counts_for(ended.workflow_id, ended.hour) AS counts_for (workflow_id, hour)
        GROUP BY ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status
        ORDER BY ended.tenant_id, counts_for.workflow_id, counts_for.hour, ended.status
        ON CONFLICT (tenant_id, workflow_id, hour, status, slot) DO UPDATE
        SET executions = s.executions + excluded.executions,
            duration_ms = s.duration_ms + excluded.duration_ms,
            durations = wfstore_add_histograms(s.durations, excluded.durations)
    )
    SELECT (SELECT count(*) FROM taken), (SELECT count(*) FROM recorded);
END
$$;

COMMENT ON FUNCTION public.wfstore_take_in(tenant uuid) IS 'Put the executions and node runs that this transaction has copied into its staging tables into history, but for executions that are there; returns how many.';

CREATE FUNCTION public.wfstore_tenant_id(wanted_slug text) RETURNS uuid
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RETURN (SELECT tenants.id FROM tenants WHERE tenants.slug = wanted_slug AND tenants.is_active);
END
$$;

COMMENT ON FUNCTION public.wfstore_tenant_id(wanted_slug text) IS 'The id of the active tenant of this slug, or NULL. Tells one id, never a list: it runs as the owner.';

CREATE FUNCTION public.wfstore_touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION public.wfstore_touch_updated_at() IS 'Row trigger: updated_at is the time of the transaction that changed the row.';

CREATE FUNCTION public.wfstore_uuid7(at timestamp with time zone DEFAULT clock_timestamp()) RETURNS uuid
    LANGUAGE sql STRICT PARALLEL SAFE
    RETURN (encode(set_bit(set_bit(OVERLAY(uuid_send(gen_random_uuid()) PLACING SUBSTRING(int8send((floor((EXTRACT(epoch FROM at) * (1000)::numeric)))::bigint) FROM 3) FROM 1 FOR 6), (52)::bigint, 1), (53)::bigint, 1), 'hex'::text))::uuid;

COMMENT ON FUNCTION public.wfstore_uuid7(at timestamp with time zone) IS 'A new UUIDv7 whose time is the given one, to the millisecond.';

CREATE FUNCTION public.wfstore_uuid7_floor(at timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (rpad(encode(SUBSTRING(int8send((floor((EXTRACT(epoch FROM at) * (1000)::numeric)))::bigint) FROM 3), 'hex'::text), 32, '0'::text))::uuid;

COMMENT ON FUNCTION public.wfstore_uuid7_floor(at timestamp with time zone) IS 'The bound below every UUIDv7 of this millisecond or later, and above every earlier one.';

CREATE FUNCTION public.wfstore_uuid7_time(id uuid) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_timestamp((((((((((get_byte(uuid_send(id), 0))::bigint << 40) + ((get_byte(uuid_send(id), 1))::bigint << 32)) + ((get_byte(uuid_send(id), 2))::bigint << 24)) + ((get_byte(uuid_send(id), 3))::bigint << 16)) + ((get_byte(uuid_send(id), 4))::bigint << 8)) + get_byte(uuid_send(id), 5)))::double precision / (1000)::double precision));

COMMENT ON FUNCTION public.wfstore_uuid7_time(id uuid) IS 'The time that a UUIDv7 carries.';

CREATE FUNCTION public.wfstore_uuid7_hour(id uuid) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN date_bin('01:00:00'::interval, public.wfstore_uuid7_time(id), '2000-01-01 00:00:00+00'::timestamp with time zone);

COMMENT ON FUNCTION public.wfstore_uuid7_hour(id uuid) IS 'The full hour in which the time of a UUIDv7 lies.';

CREATE FUNCTION public.wfstore_uuid7_midnight(id uuid) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN date_bin('1 day'::interval, (public.wfstore_uuid7_hour(id) + '23:00:00'::interval), '2000-01-01 00:00:00+00'::timestamp with time zone);

COMMENT ON FUNCTION public.wfstore_uuid7_midnight(id uuid) IS 'The first midnight (UTC) not before the full hour in which the time of a UUIDv7 lies.';

CREATE FUNCTION public.wfstore_woken(of_queue text) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
    SELECT set_config(
        'wfstore.woken',
        (
            coalesce(nullif(current_setting('wfstore.woken', true), ''), '{}')::jsonb || jsonb_build_object(of_queue, true)
        )::text,
        true
    )
$$;

COMMENT ON FUNCTION public.wfstore_woken(of_queue text) IS 'Note, until the transaction ends, that a trigger made something ready in this queue.';

CREATE AGGREGATE public.wfstore_sum_histograms(bigint[]) (
    SFUNC = public.wfstore_add_histograms,
    STYPE = bigint[],
    INITCOND = '{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}',
    COMBINEFUNC = public.wfstore_add_histograms,
    PARALLEL = safe
);

COMMENT ON AGGREGATE public.wfstore_sum_histograms(bigint[]) IS 'The sum of histograms, bucket by bucket.';


CREATE TABLE public._yoyo_log (
    id character varying(36) NOT NULL,
    migration_hash character varying(64),
    migration_id character varying(255),
    operation character varying(10),
    username character varying(255),
    hostname character varying(255),
    comment character varying(255),
    created_at_utc timestamp without time zone
);

CREATE TABLE public._yoyo_migration (
    migration_hash character varying(64) NOT NULL,
    migration_id character varying(255),
    applied_at_utc timestamp without time zone
);

CREATE TABLE public._yoyo_version (
    version integer NOT NULL,
    installed_at_utc timestamp without time zone
);

CREATE TABLE public.concurrency_limits (
    tenant_id uuid NOT NULL,
    concurrency_key text NOT NULL,
    max_running integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT concurrency_limits_concurrency_key_check CHECK ((concurrency_key <> ''::text)),
    CONSTRAINT concurrency_limits_max_running_check CHECK ((max_running >= 0))
);

ALTER TABLE ONLY public.concurrency_limits FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.concurrency_limits IS 'How many executions of one key may run at once. Its row is also the lock under which places are given and returned.';
COMMENT ON COLUMN public.concurrency_limits.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.concurrency_limits.concurrency_key IS 'The key, in the words of who enqueues.';
COMMENT ON COLUMN public.concurrency_limits.max_running IS 'Places; 0 lets none run.';
COMMENT ON COLUMN public.concurrency_limits.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.concurrency_limits.updated_at IS 'When the row last changed.';

CREATE TABLE public.dead_letters (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    queue text NOT NULL,
    failures integer NOT NULL,
    reason text NOT NULL,
    died_at timestamp with time zone NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    concurrency_key text
);

ALTER TABLE ONLY public.dead_letters FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.dead_letters IS 'Executions that were given up and that somebody should look at; history has how they ended. The row goes when it is replayed or dismissed.';
COMMENT ON COLUMN public.dead_letters.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.dead_letters.execution_id IS 'The execution.';
COMMENT ON COLUMN public.dead_letters.workflow_id IS 'Its workflow.';
COMMENT ON COLUMN public.dead_letters.queue IS 'The queue it came from.';
COMMENT ON COLUMN public.dead_letters.failures IS 'How many attempts failed or lost their lease.';
COMMENT ON COLUMN public.dead_letters.reason IS 'The last error.';
COMMENT ON COLUMN public.dead_letters.died_at IS 'When it was given up.';
COMMENT ON COLUMN public.dead_letters.priority IS 'The priority that it had there.';
COMMENT ON COLUMN public.dead_letters.concurrency_key IS 'Its concurrency key.';

CREATE TABLE public.execution_keys (
    tenant_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    execution_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT execution_keys_idempotency_key_check CHECK ((idempotency_key <> ''::text))
);

ALTER TABLE ONLY public.execution_keys FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.execution_keys IS 'Which execution came of a key that its caller chose: enqueued again it is the same one.';
COMMENT ON COLUMN public.execution_keys.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.execution_keys.idempotency_key IS 'The caller''s key.';
COMMENT ON COLUMN public.execution_keys.execution_id IS 'The execution.';
COMMENT ON COLUMN public.execution_keys.expires_at IS 'From when on the key may be used anew.';

CREATE TABLE public.execution_pauses (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT execution_pauses_kind_check CHECK ((kind = ANY (ARRAY['QUEUE'::text, 'WORKFLOW'::text]))),
    CONSTRAINT execution_pauses_name_check CHECK ((name <> ''::text))
);

ALTER TABLE ONLY public.execution_pauses FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.execution_pauses IS 'Queues and workflows of which nothing is handed out; what runs already goes on.';
COMMENT ON COLUMN public.execution_pauses.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.execution_pauses.kind IS 'QUEUE or WORKFLOW.';
COMMENT ON COLUMN public.execution_pauses.name IS 'The queue, or the id of the workflow.';
COMMENT ON COLUMN public.execution_pauses.reason IS 'Why, for people.';
COMMENT ON COLUMN public.execution_pauses.created_at IS 'Since when.';

CREATE TABLE public.execution_queue (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    parent_execution_id uuid,
    queue text DEFAULT 'default'::text NOT NULL,
    status text DEFAULT 'NEW'::text NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    visible_at timestamp with time zone DEFAULT now(),
    ready boolean DEFAULT true NOT NULL,
    parked_by text,
    attempt integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    max_attempts integer DEFAULT 20 NOT NULL,
    retry_wait double precision DEFAULT 1 NOT NULL,
    retry_factor double precision DEFAULT 2 NOT NULL,
    retry_wait_max double precision DEFAULT 3600 NOT NULL,
    worker_id text,
    concurrency_key text,
    wait_signal text,
    wait_children boolean DEFAULT false NOT NULL,
    woken_by text,
    CONSTRAINT execution_queue_attempt_check CHECK ((attempt >= 0)),
    CONSTRAINT execution_queue_failures_check CHECK ((failures >= 0)),
    CONSTRAINT execution_queue_max_attempts_check CHECK ((max_attempts >= 1)),
    CONSTRAINT execution_queue_parked_by_check CHECK ((parked_by = ANY (ARRAY['CONCURRENCY'::text, 'WORKFLOW'::text]))),
    CONSTRAINT execution_queue_parked_check CHECK (((parked_by IS NULL) OR (status = 'NEW'::text))),
    CONSTRAINT execution_queue_queue_check CHECK ((queue <> ''::text)),
    CONSTRAINT execution_queue_ready_check CHECK (((NOT ready) OR ((status = 'NEW'::text) AND (parked_by IS NULL)))),
    CONSTRAINT execution_queue_retry_factor_check CHECK ((retry_factor >= (1)::double precision)),
    CONSTRAINT execution_queue_retry_wait_check CHECK ((retry_wait >= (0)::double precision)),
    CONSTRAINT execution_queue_retry_wait_max_check CHECK ((retry_wait_max >= (0)::double precision)),
    CONSTRAINT execution_queue_status_check CHECK ((status = ANY (ARRAY['NEW'::text, 'RUNNING'::text, 'WAITING'::text]))),
    CONSTRAINT execution_queue_wait_check CHECK (((status = 'WAITING'::text) OR ((wait_signal IS NULL) AND (NOT wait_children)))),
    CONSTRAINT execution_queue_wake_check CHECK (((visible_at IS NOT NULL) OR ((status = 'WAITING'::text) AND ((wait_signal IS NOT NULL) OR wait_children)))),
    CONSTRAINT execution_queue_woken_by_check CHECK ((woken_by = ANY (ARRAY['TIME'::text, 'SIGNAL'::text, 'CHILDREN'::text]))),
    CONSTRAINT execution_queue_worker_check CHECK (((status = 'RUNNING'::text) = (worker_id IS NOT NULL)))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='500');

ALTER TABLE ONLY public.execution_queue FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.execution_queue IS 'Executions that have not ended. Workers claim from here; the row goes when the execution ends.';
COMMENT ON COLUMN public.execution_queue.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.execution_queue.execution_id IS 'The execution.';
COMMENT ON COLUMN public.execution_queue.workflow_id IS 'Its workflow, which can be paused.';
COMMENT ON COLUMN public.execution_queue.parent_execution_id IS 'The execution that started it and may wait for it.';
COMMENT ON COLUMN public.execution_queue.queue IS 'The queue that workers of one kind serve.';
COMMENT ON COLUMN public.execution_queue.status IS 'NEW (also before a retry and after a wait), RUNNING or WAITING.';
COMMENT ON COLUMN public.execution_queue.priority IS 'Higher runs first.';
COMMENT ON COLUMN public.execution_queue.visible_at IS 'NEW: not before; RUNNING: the end of the lease; WAITING: when the wait times out, empty for never.';
COMMENT ON COLUMN public.execution_queue.ready IS 'May be claimed. A claim first makes ready what time has made due.';
COMMENT ON COLUMN public.execution_queue.parked_by IS 'What a claim found in its way: CONCURRENCY, all places of its key were taken; WORKFLOW, its workflow is paused.';
COMMENT ON COLUMN public.execution_queue.attempt IS 'Counts claims; the fence that every write of a worker must present.';
COMMENT ON COLUMN public.execution_queue.failures IS 'Counts attempts that failed or whose lease ran out.';
COMMENT ON COLUMN public.execution_queue.max_attempts IS 'After so many failures it is a dead letter.';
COMMENT ON COLUMN public.execution_queue.retry_wait IS 'Seconds before the first retry.';
COMMENT ON COLUMN public.execution_queue.retry_factor IS 'By which the wait grows with each failure.';
COMMENT ON COLUMN public.execution_queue.retry_wait_max IS 'Seconds that a wait never exceeds.';
COMMENT ON COLUMN public.execution_queue.worker_id IS 'The worker that has it.';
COMMENT ON COLUMN public.execution_queue.concurrency_key IS 'Executions of one key share a limit, see concurrency_limits.';
COMMENT ON COLUMN public.execution_queue.wait_signal IS 'The signal that ends the wait.';
COMMENT ON COLUMN public.execution_queue.wait_children IS 'The wait ends when the last child has ended.';
COMMENT ON COLUMN public.execution_queue.woken_by IS 'What ended the last wait.';

CREATE TABLE public.execution_signals (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    payload jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    consumed_at timestamp with time zone,
    consumed_by text,
    CONSTRAINT execution_signals_consumed_check CHECK (((consumed_at IS NULL) = (consumed_by IS NULL))),
    CONSTRAINT execution_signals_name_check CHECK ((name <> ''::text))
);

ALTER TABLE ONLY public.execution_signals FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.execution_signals IS 'What people and other systems told an execution; each is consumed once. No foreign key: history goes by period.';
COMMENT ON COLUMN public.execution_signals.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.execution_signals.execution_id IS 'The execution.';
COMMENT ON COLUMN public.execution_signals.id IS 'UUIDv7, made by the client: sent twice it is there once.';
COMMENT ON COLUMN public.execution_signals.name IS 'What it says, in the engine''s words: approved.';
COMMENT ON COLUMN public.execution_signals.payload IS 'What came along.';
COMMENT ON COLUMN public.execution_signals.created_at IS 'When it came; the first is consumed first.';
COMMENT ON COLUMN public.execution_signals.expires_at IS 'From when on it counts no more; empty: never.';
COMMENT ON COLUMN public.execution_signals.consumed_at IS 'When the execution took it.';
COMMENT ON COLUMN public.execution_signals.consumed_by IS 'Which wait took it, as node and pass: the same wait gets the same signal again after a crash.';

CREATE TABLE public.execution_stats (
    tenant_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    hour timestamp with time zone NOT NULL,
    status text NOT NULL,
    slot integer NOT NULL,
    executions bigint NOT NULL,
    duration_ms bigint NOT NULL,
    durations bigint[] NOT NULL,
    CONSTRAINT execution_stats_durations_check CHECK ((cardinality(durations) = 32)),
    CONSTRAINT execution_stats_status_check CHECK ((status = ANY (ARRAY['SUCCESS'::text, 'ERROR'::text, 'CANCELED'::text])))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='500');

ALTER TABLE ONLY public.execution_stats FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.execution_stats IS 'How many executions ended how, by the hour of their id: the sum over slots. Written by what ends or deletes an execution, in the same statement; see wfstore_counts_for.';
COMMENT ON COLUMN public.execution_stats.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.execution_stats.workflow_id IS 'The workflow; the nil UUID: all of the tenant''s; the UUID of ones: all of the tenant''s by the day. No foreign key: it goes with its period.';
COMMENT ON COLUMN public.execution_stats.hour IS 'The full hour, or day (UTC), of the execution''s id, so that it goes with the period that the id lies in.';
COMMENT ON COLUMN public.execution_stats.status IS 'SUCCESS, ERROR or CANCELED.';
COMMENT ON COLUMN public.execution_stats.slot IS 'Of the connection that wrote it, by its process id: two that write at once do not wait for each other''s commit.';
COMMENT ON COLUMN public.execution_stats.executions IS 'How many; what was deleted counts less than nothing in another slot.';
COMMENT ON COLUMN public.execution_stats.duration_ms IS 'How long those that began took, in all.';
COMMENT ON COLUMN public.execution_stats.durations IS 'How many of them took how long, see wfstore_histogram.';

CREATE TABLE public.node_connections (
    tenant_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    ordinal integer NOT NULL,
    source_node_id text NOT NULL,
    source_index integer DEFAULT 0 NOT NULL,
    target_node_id text NOT NULL,
    target_index integer DEFAULT 0 NOT NULL,
    connection_type text DEFAULT 'MAIN'::text NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    conditions jsonb,
    CONSTRAINT node_connections_connection_type_check CHECK ((connection_type = ANY (ARRAY['MAIN'::text, 'AI_AGENT'::text, 'AI_CHAIN'::text, 'AI_DOCUMENT'::text, 'AI_EMBEDDING'::text, 'AI_LANGUAGE_MODEL'::text, 'AI_MEMORY'::text, 'AI_OUTPUT_PARSER'::text, 'AI_RETRIEVER'::text, 'AI_RERANKER'::text, 'AI_TEXT_SPLITTER'::text, 'AI_TOOL'::text, 'AI_VECTOR_STORE'::text]))),
    CONSTRAINT node_connections_source_index_check CHECK ((source_index >= 0)),
    CONSTRAINT node_connections_target_index_check CHECK ((target_index >= 0))
);

ALTER TABLE ONLY public.node_connections FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.node_connections IS 'The edges of each workflow: a projection of workflow_data.';
COMMENT ON COLUMN public.node_connections.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.node_connections.workflow_id IS 'The workflow.';
COMMENT ON COLUMN public.node_connections.ordinal IS 'Place in the document''s list of connections.';
COMMENT ON COLUMN public.node_connections.source_node_id IS 'Where it comes from.';
COMMENT ON COLUMN public.node_connections.source_index IS 'Output of the source, from 0.';
COMMENT ON COLUMN public.node_connections.target_node_id IS 'Where it goes to.';
COMMENT ON COLUMN public.node_connections.target_index IS 'Input of the target, from 0.';
COMMENT ON COLUMN public.node_connections.connection_type IS 'What flows: items (MAIN), or what an AI node is served with.';
COMMENT ON COLUMN public.node_connections.label IS 'Label as shown.';
COMMENT ON COLUMN public.node_connections.conditions IS 'When it is taken, free form; NULL: always.';

CREATE TABLE public.node_executions (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    node_id text NOT NULL,
    run_index integer DEFAULT 0 NOT NULL,
    node_type text NOT NULL,
    status text NOT NULL,
    start_time bigint,
    end_time bigint,
    input_data jsonb,
    output_data jsonb,
    error_data jsonb,
    retry_count integer DEFAULT 0 NOT NULL,
    max_retries integer DEFAULT 0 NOT NULL,
    CONSTRAINT node_executions_max_retries_check CHECK ((max_retries >= 0)),
    CONSTRAINT node_executions_node_type_check CHECK ((node_type = ANY (ARRAY['TRIGGER'::text, 'AI_AGENT'::text, 'EXTERNAL_ACTION'::text, 'ACTION'::text, 'FLOW'::text, 'HUMAN_IN_THE_LOOP'::text, 'TOOL'::text, 'MEMORY'::text]))),
    CONSTRAINT node_executions_retry_count_check CHECK ((retry_count >= 0)),
    CONSTRAINT node_executions_run_index_check CHECK ((run_index >= 0)),
    CONSTRAINT node_executions_status_check CHECK ((status = ANY (ARRAY['PENDING'::text, 'RUNNING'::text, 'WAITING'::text, 'SUCCESS'::text, 'ERROR'::text, 'SKIPPED'::text, 'CANCELED'::text]))),
    CONSTRAINT node_executions_times_check CHECK ((end_time >= start_time))
)
PARTITION BY RANGE (execution_id);

ALTER TABLE ONLY public.node_executions FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.node_executions IS 'Every result of a node, one row for each pass; each partition refers to its sibling of workflow_executions.';
COMMENT ON COLUMN public.node_executions.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.node_executions.execution_id IS 'The execution; its time decides the partition.';
COMMENT ON COLUMN public.node_executions.node_id IS 'The node''s id in the version that runs.';
COMMENT ON COLUMN public.node_executions.run_index IS 'Pass of a loop, from 0.';
COMMENT ON COLUMN public.node_executions.node_type IS 'One of the eight node types.';
COMMENT ON COLUMN public.node_executions.status IS 'PENDING, RUNNING, WAITING; SUCCESS, ERROR, SKIPPED and CANCELED are final.';
COMMENT ON COLUMN public.node_executions.start_time IS 'Unix milliseconds.';
COMMENT ON COLUMN public.node_executions.end_time IS 'Unix milliseconds.';
COMMENT ON COLUMN public.node_executions.input_data IS 'What the node was given.';
COMMENT ON COLUMN public.node_executions.output_data IS 'What it returned.';
COMMENT ON COLUMN public.node_executions.error_data IS 'Why it failed.';
COMMENT ON COLUMN public.node_executions.retry_count IS 'Repetitions under this run_index so far.';
COMMENT ON COLUMN public.node_executions.max_retries IS 'Repetitions allowed.';

CREATE TABLE public.nodes (
    tenant_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    node_id text NOT NULL,
    node_type text NOT NULL,
    node_subtype text DEFAULT ''::text NOT NULL,
    integration text DEFAULT ''::text NOT NULL,
    type_version numeric DEFAULT 1 NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    disabled boolean DEFAULT false NOT NULL,
    position_x double precision DEFAULT 0 NOT NULL,
    position_y double precision DEFAULT 0 NOT NULL,
    parameters jsonb DEFAULT '{}'::jsonb NOT NULL,
    credentials jsonb DEFAULT '{}'::jsonb NOT NULL,
    error_handling text DEFAULT 'STOP_WORKFLOW_ON_ERROR'::text NOT NULL,
    max_retries integer DEFAULT 0 NOT NULL,
    retry_wait_time integer DEFAULT 0 NOT NULL,
    notes text DEFAULT ''::text NOT NULL,
    webhooks text[] DEFAULT '{}'::text[] NOT NULL,
    ordinal integer NOT NULL,
    CONSTRAINT nodes_error_handling_check CHECK ((error_handling = ANY (ARRAY['STOP_WORKFLOW_ON_ERROR'::text, 'CONTINUE_REGULAR_OUTPUT_ON_ERROR'::text, 'CONTINUE_ERROR_OUTPUT_ON_ERROR'::text]))),
    CONSTRAINT nodes_max_retries_check CHECK ((max_retries >= 0)),
    CONSTRAINT nodes_node_id_check CHECK ((node_id <> ''::text)),
    CONSTRAINT nodes_node_type_check CHECK ((node_type = ANY (ARRAY['TRIGGER'::text, 'AI_AGENT'::text, 'EXTERNAL_ACTION'::text, 'ACTION'::text, 'FLOW'::text, 'HUMAN_IN_THE_LOOP'::text, 'TOOL'::text, 'MEMORY'::text]))),
    CONSTRAINT nodes_retry_wait_time_check CHECK ((retry_wait_time >= 0))
);

ALTER TABLE ONLY public.nodes FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.nodes IS 'The nodes of each workflow: a projection of workflow_data.';
COMMENT ON COLUMN public.nodes.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.nodes.workflow_id IS 'The workflow.';
COMMENT ON COLUMN public.nodes.node_id IS 'The node''s id inside the workflow, as in the document.';
COMMENT ON COLUMN public.nodes.node_type IS 'One of the eight node types.';
COMMENT ON COLUMN public.nodes.node_subtype IS 'What kind of that type; the engine''s name.';
COMMENT ON COLUMN public.nodes.integration IS 'Which outside service it talks to; empty: none.';
COMMENT ON COLUMN public.nodes.type_version IS 'Version of the subtype; fractions occur.';
COMMENT ON COLUMN public.nodes.name IS 'Name as shown.';
COMMENT ON COLUMN public.nodes.description IS 'What it is for.';
COMMENT ON COLUMN public.nodes.disabled IS 'Whether runs pass it by.';
COMMENT ON COLUMN public.nodes.position_x IS 'Place on the canvas.';
COMMENT ON COLUMN public.nodes.position_y IS 'Place on the canvas.';
COMMENT ON COLUMN public.nodes.parameters IS 'Parameters, free form.';
COMMENT ON COLUMN public.nodes.credentials IS 'References to credentials, never secrets.';
COMMENT ON COLUMN public.nodes.error_handling IS 'What an error of this node does to the run.';
COMMENT ON COLUMN public.nodes.max_retries IS 'How often a failed run of the node is repeated.';
COMMENT ON COLUMN public.nodes.retry_wait_time IS 'Milliseconds between repetitions.';
COMMENT ON COLUMN public.nodes.notes IS 'The author''s notes.';
COMMENT ON COLUMN public.nodes.webhooks IS 'Ids of the webhooks it answers.';
COMMENT ON COLUMN public.nodes.ordinal IS 'Place in the document''s list of nodes.';

CREATE TABLE public.retention_policies (
    table_name text NOT NULL,
    keep interval,
    partition_interval interval DEFAULT '7 days'::interval NOT NULL,
    partitions_ahead integer DEFAULT 4 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT retention_policies_keep_check CHECK ((keep > '00:00:00'::interval)),
    CONSTRAINT retention_policies_partition_interval_check CHECK ((partition_interval = ANY (ARRAY['1 day'::interval, '7 days'::interval]))),
    CONSTRAINT retention_policies_partitions_ahead_check CHECK (((partitions_ahead >= 1) AND (partitions_ahead <= 52)))
);

COMMENT ON TABLE public.retention_policies IS 'How long history is kept and in which pieces, one row a partitioned table. Operators write it, everybody reads it.';
COMMENT ON COLUMN public.retention_policies.table_name IS 'The partitioned table; workflow_executions stands for node_executions too, whose partitions are its siblings.';
COMMENT ON COLUMN public.retention_policies.keep IS 'Periods that ended longer ago may be dropped; NULL keeps everything.';
COMMENT ON COLUMN public.retention_policies.partition_interval IS 'What one partition spans, in UTC; weeks begin on Monday.';
COMMENT ON COLUMN public.retention_policies.partitions_ahead IS 'How many partitions after the current one are made ahead.';
COMMENT ON COLUMN public.retention_policies.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.retention_policies.updated_at IS 'When the row last changed; set by the queries, as on every global table.';

CREATE TABLE public.tenants (
    id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tenants_settings_check CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT tenants_slug_check CHECK ((slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'::text))
);

ALTER TABLE ONLY public.tenants FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.tenants IS 'Who shares this database. Two are well known: the default one, and the system one (the nil UUID), whose definitions all tenants may read.';
COMMENT ON COLUMN public.tenants.id IS 'UUIDv7, made by the client; the nil UUID is the system tenant.';
COMMENT ON COLUMN public.tenants.slug IS 'Short name for people and addresses: a to z, 0 to 9 and inner hyphens, 63 at most.';
COMMENT ON COLUMN public.tenants.name IS 'Name as shown.';
COMMENT ON COLUMN public.tenants.is_active IS 'False: kept, but not to be served.';
COMMENT ON COLUMN public.tenants.settings IS 'Free-form settings, a JSON object.';
COMMENT ON COLUMN public.tenants.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.tenants.updated_at IS 'When the row last changed; set by the queries, as on every global table.';

CREATE TABLE public.users (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    email text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    avatar_url text,
    is_active boolean DEFAULT true NOT NULL,
    role text DEFAULT 'user'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_email_check CHECK (((email = lower(email)) AND (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text))),
    CONSTRAINT users_role_check CHECK ((role <> ''::text))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.users IS 'The people of a tenant: owners of workflows, authors of versions.';
COMMENT ON COLUMN public.users.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.users.id IS 'UUIDv7, made by the client.';
COMMENT ON COLUMN public.users.email IS 'Address in lower case, unique in the tenant.';
COMMENT ON COLUMN public.users.name IS 'Name as shown.';
COMMENT ON COLUMN public.users.avatar_url IS 'Picture, if any.';
COMMENT ON COLUMN public.users.is_active IS 'False: may not sign in; what they made stays.';
COMMENT ON COLUMN public.users.role IS 'Role inside the tenant; the engine gives it its meaning.';
COMMENT ON COLUMN public.users.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.users.updated_at IS 'When the row last changed.';

CREATE TABLE public.wfstore_migrations (
    migration_id text NOT NULL,
    content_hash text,
    breaking boolean DEFAULT false NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT wfstore_migrations_content_hash_check CHECK ((content_hash ~ '^[0-9a-f]{64}$'::text))
);

COMMENT ON TABLE public.wfstore_migrations IS 'What wfstore knows of each applied migration beyond yoyo''s mark.';
COMMENT ON COLUMN public.wfstore_migrations.migration_id IS 'The file''s name without .sql.';
COMMENT ON COLUMN public.wfstore_migrations.content_hash IS 'SHA-256 of the file as applied, in hex; NULL until wfstore migrate has seen it.';
COMMENT ON COLUMN public.wfstore_migrations.breaking IS 'True if releases that do not know this migration must refuse the schema; the migration itself says so.';
COMMENT ON COLUMN public.wfstore_migrations.recorded_at IS 'When the migration was applied, as its mark has it: a record of an earlier application says nothing.';

CREATE TABLE public.workflow_executions (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    workflow_revision bigint NOT NULL,
    status text DEFAULT 'NEW'::text NOT NULL,
    mode text DEFAULT 'MANUAL'::text NOT NULL,
    triggered_by text,
    parent_execution_id uuid,
    retry_of_execution_id uuid,
    start_time bigint,
    end_time bigint,
    run_data jsonb,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    error_message text,
    error_details jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    rare_status text GENERATED ALWAYS AS (
CASE
    WHEN (status = ANY (ARRAY['ERROR'::text, 'CANCELED'::text])) THEN status
    ELSE NULL::text
END) STORED,
    CONSTRAINT workflow_executions_end_check CHECK (((status = ANY (ARRAY['SUCCESS'::text, 'ERROR'::text, 'CANCELED'::text])) = (end_time IS NOT NULL))),
    CONSTRAINT workflow_executions_execution_id_check CHECK (public.wfstore_is_uuid7(execution_id)),
    CONSTRAINT workflow_executions_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT workflow_executions_mode_check CHECK ((mode = ANY (ARRAY['MANUAL'::text, 'TRIGGER'::text, 'WEBHOOK'::text, 'RETRY'::text]))),
    CONSTRAINT workflow_executions_status_check CHECK ((status = ANY (ARRAY['NEW'::text, 'RUNNING'::text, 'WAITING'::text, 'SUCCESS'::text, 'ERROR'::text, 'CANCELED'::text]))),
    CONSTRAINT workflow_executions_times_check CHECK ((end_time >= start_time))
)
PARTITION BY RANGE (execution_id);

ALTER TABLE ONLY public.workflow_executions FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.workflow_executions IS 'Every execution, one row each; partitioned by the time in its id.';
COMMENT ON COLUMN public.workflow_executions.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.workflow_executions.execution_id IS 'UUIDv7, made by the client; its time decides the partition.';
COMMENT ON COLUMN public.workflow_executions.workflow_id IS 'The workflow that runs.';
COMMENT ON COLUMN public.workflow_executions.workflow_revision IS 'Its version: a revision in workflow_versions.';
COMMENT ON COLUMN public.workflow_executions.status IS 'NEW, RUNNING, WAITING; SUCCESS, ERROR and CANCELED are final.';
COMMENT ON COLUMN public.workflow_executions.mode IS 'What started it: MANUAL, TRIGGER, WEBHOOK or RETRY.';
COMMENT ON COLUMN public.workflow_executions.triggered_by IS 'Who or what started it, in the engine''s terms.';
COMMENT ON COLUMN public.workflow_executions.parent_execution_id IS 'The execution that started this one; no foreign key: it may have expired.';
COMMENT ON COLUMN public.workflow_executions.retry_of_execution_id IS 'The ended execution that this one repeats, from some node on.';
COMMENT ON COLUMN public.workflow_executions.start_time IS 'Unix milliseconds.';
COMMENT ON COLUMN public.workflow_executions.end_time IS 'Unix milliseconds; set when, and only when, the status is final.';
COMMENT ON COLUMN public.workflow_executions.run_data IS 'What the engine keeps of the run as a whole.';
COMMENT ON COLUMN public.workflow_executions.metadata IS 'What the caller gave along, a JSON object.';
COMMENT ON COLUMN public.workflow_executions.error_message IS 'Why it failed, for people.';
COMMENT ON COLUMN public.workflow_executions.error_details IS 'Why it failed, for programs.';
COMMENT ON COLUMN public.workflow_executions.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.workflow_executions.rare_status IS 'The status, if it is ERROR or CANCELED: what is looked for, and rare.';

CREATE TABLE public.workflow_terms (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    term text NOT NULL,
    workflow_id uuid NOT NULL,
    CONSTRAINT workflow_terms_kind_check CHECK ((kind = ANY (ARRAY['NAME'::text, 'TAG'::text, 'NODE_TYPE'::text, 'NODE_SUBTYPE'::text, 'INTEGRATION'::text, 'CREDENTIAL'::text])))
);

ALTER TABLE ONLY public.workflow_terms FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.workflow_terms IS 'What workflows are found by. Plain equality: under row-level security no GIN index on tags or documents could be used.';
COMMENT ON COLUMN public.workflow_terms.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.workflow_terms.kind IS 'NAME, TAG, NODE_TYPE, NODE_SUBTYPE, INTEGRATION or CREDENTIAL.';
COMMENT ON COLUMN public.workflow_terms.term IS 'The tag, type or integration, a credential''s type, id or name, as in the document; the name and its words folded. Long ones are cut.';
COMMENT ON COLUMN public.workflow_terms.workflow_id IS 'A workflow that has it.';

CREATE TABLE public.workflow_versions (
    tenant_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    revision bigint NOT NULL,
    version text DEFAULT ''::text NOT NULL,
    workflow_data jsonb NOT NULL,
    content_hash bytea NOT NULL,
    change_summary text DEFAULT ''::text NOT NULL,
    created_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT workflow_versions_content_hash_check CHECK ((octet_length(content_hash) = 32)),
    CONSTRAINT workflow_versions_revision_check CHECK ((revision >= 1)),
    CONSTRAINT workflow_versions_workflow_data_check CHECK ((jsonb_typeof(workflow_data) = 'object'::text))
);

ALTER TABLE ONLY public.workflow_versions FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.workflow_versions IS 'Every document that a workflow has had; never updated, and gone only with the workflow.';
COMMENT ON COLUMN public.workflow_versions.tenant_id IS 'The tenant.';
COMMENT ON COLUMN public.workflow_versions.workflow_id IS 'The workflow.';
COMMENT ON COLUMN public.workflow_versions.revision IS 'The save that made it: a content_revision of the workflow.';
COMMENT ON COLUMN public.workflow_versions.version IS 'The author''s label.';
COMMENT ON COLUMN public.workflow_versions.workflow_data IS 'The document as saved.';
COMMENT ON COLUMN public.workflow_versions.content_hash IS 'SHA-256 of the document in canonical form.';
COMMENT ON COLUMN public.workflow_versions.change_summary IS 'What changed, in the author''s words.';
COMMENT ON COLUMN public.workflow_versions.created_by IS 'The user who saved it, if known; no foreign key: history outlives people.';
COMMENT ON COLUMN public.workflow_versions.created_at IS 'When it was saved.';

CREATE TABLE public.workflows (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    active boolean DEFAULT false NOT NULL,
    workflow_data jsonb NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    static_data jsonb,
    pin_data jsonb,
    version text DEFAULT ''::text NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    content_revision bigint DEFAULT 1 NOT NULL,
    content_hash bytea NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    is_template boolean DEFAULT false NOT NULL,
    template_category text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT workflows_content_hash_check CHECK ((octet_length(content_hash) = 32)),
    CONSTRAINT workflows_content_revision_check CHECK (((content_revision >= 1) AND (content_revision <= revision))),
    CONSTRAINT workflows_name_check CHECK ((name <> ''::text)),
    CONSTRAINT workflows_revision_check CHECK ((revision >= 1)),
    CONSTRAINT workflows_settings_check CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT workflows_workflow_data_check CHECK ((jsonb_typeof(workflow_data) = 'object'::text))
);

ALTER TABLE ONLY public.workflows FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.workflows IS 'Workflow definitions; workflow_data is the definition of record, nodes and node_connections and workflow_terms are its projections.';
COMMENT ON COLUMN public.workflows.tenant_id IS 'The tenant; the system tenant''s templates can be read by all.';
COMMENT ON COLUMN public.workflows.id IS 'Made by the client.';
COMMENT ON COLUMN public.workflows.user_id IS 'Who owns it; NULL for system templates and what an operator imported.';
COMMENT ON COLUMN public.workflows.name IS 'Name as shown, as in the document.';
COMMENT ON COLUMN public.workflows.description IS 'What it is for, as in the document.';
COMMENT ON COLUMN public.workflows.active IS 'Whether its triggers run.';
COMMENT ON COLUMN public.workflows.workflow_data IS 'The whole Workflow document as JSON.';
COMMENT ON COLUMN public.workflows.settings IS 'Settings at run time; the document''s own are their first value.';
COMMENT ON COLUMN public.workflows.static_data IS 'What triggers and nodes remember between runs; changes without making a version.';
COMMENT ON COLUMN public.workflows.pin_data IS 'Recorded sample output of nodes; changes without making a version.';
COMMENT ON COLUMN public.workflows.version IS 'The author''s label of the version, as in the document.';
COMMENT ON COLUMN public.workflows.revision IS 'Counts saves; a save names the revision it read, and is refused if it is no longer that.';
COMMENT ON COLUMN public.workflows.content_revision IS 'The last save that changed the document: what versions and executions refer to.';
COMMENT ON COLUMN public.workflows.content_hash IS 'SHA-256 of the document in canonical form (sorted keys, no spaces, UTF-8).';
COMMENT ON COLUMN public.workflows.tags IS 'Tags, as in the document; search them through workflow_terms.';
COMMENT ON COLUMN public.workflows.is_template IS 'Whether it is there to be copied.';
COMMENT ON COLUMN public.workflows.template_category IS 'Where a template is shown.';
COMMENT ON COLUMN public.workflows.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.workflows.updated_at IS 'When the row last changed.';

CREATE TABLE public.yoyo_lock (
    locked integer DEFAULT 1 NOT NULL,
    ctime timestamp without time zone,
    pid integer NOT NULL
);

GRANT ALL ON SCHEMA public TO wfstore_owner;
GRANT USAGE ON SCHEMA public TO wfstore_app;
GRANT USAGE ON SCHEMA public TO wfstore_worker;
GRANT USAGE ON SCHEMA public TO wfstore_readonly;

REVOKE ALL ON FUNCTION public.wfstore_admit(of_tenants uuid[], candidates uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.wfstore_admit(of_tenants uuid[], candidates uuid[]) TO wfstore_worker;

REVOKE ALL ON FUNCTION public.wfstore_create_partition(at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.wfstore_drop_partition(suffix text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.wfstore_forget_period(since timestamp with time zone, until timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.wfstore_give_up(of_tenants uuid[], exhausted uuid[], at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.wfstore_give_up(of_tenants uuid[], exhausted uuid[], at timestamp with time zone) TO wfstore_worker;

REVOKE ALL ON FUNCTION public.wfstore_lock_workflow(of_tenant uuid, wanted uuid, expected bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.wfstore_lock_workflow(of_tenant uuid, wanted uuid, expected bigint) TO wfstore_app;

REVOKE ALL ON FUNCTION public.wfstore_make_partition(at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.wfstore_make_partition(at timestamp with time zone) TO wfstore_app;
GRANT ALL ON FUNCTION public.wfstore_make_partition(at timestamp with time zone) TO wfstore_worker;

REVOKE ALL ON FUNCTION public.wfstore_make_partitions_ahead(at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.wfstore_refill(of_tenant uuid, of_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.wfstore_refill(of_tenant uuid, of_key text) TO wfstore_app;
GRANT ALL ON FUNCTION public.wfstore_refill(of_tenant uuid, of_key text) TO wfstore_worker;

REVOKE ALL ON FUNCTION public.wfstore_take_in(tenant uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.wfstore_take_in(tenant uuid) TO wfstore_app;

REVOKE ALL ON FUNCTION public.wfstore_tenant_id(wanted_slug text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.wfstore_tenant_id(wanted_slug text) TO wfstore_app;
GRANT ALL ON FUNCTION public.wfstore_tenant_id(wanted_slug text) TO wfstore_worker;
GRANT ALL ON FUNCTION public.wfstore_tenant_id(wanted_slug text) TO wfstore_readonly;

REVOKE ALL ON FUNCTION public.wfstore_woken(of_queue text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.wfstore_woken(of_queue text) TO wfstore_app;
GRANT ALL ON FUNCTION public.wfstore_woken(of_queue text) TO wfstore_worker;

GRANT SELECT ON TABLE public._yoyo_migration TO wfstore_app;
GRANT SELECT ON TABLE public._yoyo_migration TO wfstore_worker;
GRANT SELECT ON TABLE public._yoyo_migration TO wfstore_readonly;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.concurrency_limits TO wfstore_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.concurrency_limits TO wfstore_worker;
GRANT SELECT ON TABLE public.concurrency_limits TO wfstore_readonly;

GRANT SELECT,DELETE ON TABLE public.dead_letters TO wfstore_app;
GRANT SELECT,INSERT ON TABLE public.dead_letters TO wfstore_worker;
GRANT SELECT ON TABLE public.dead_letters TO wfstore_readonly;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.execution_keys TO wfstore_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.execution_keys TO wfstore_worker;
GRANT SELECT ON TABLE public.execution_keys TO wfstore_readonly;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.execution_pauses TO wfstore_app;
GRANT SELECT,UPDATE ON TABLE public.execution_pauses TO wfstore_worker;
GRANT SELECT ON TABLE public.execution_pauses TO wfstore_readonly;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.execution_queue TO wfstore_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.execution_queue TO wfstore_worker;
GRANT SELECT ON TABLE public.execution_queue TO wfstore_readonly;

GRANT SELECT,INSERT,DELETE ON TABLE public.execution_signals TO wfstore_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.execution_signals TO wfstore_worker;
GRANT SELECT ON TABLE public.execution_signals TO wfstore_readonly;

GRANT SELECT,INSERT,UPDATE ON TABLE public.execution_stats TO wfstore_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.execution_stats TO wfstore_worker;
GRANT SELECT ON TABLE public.execution_stats TO wfstore_readonly;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.node_connections TO wfstore_app;
GRANT SELECT ON TABLE public.node_connections TO wfstore_worker;
GRANT SELECT ON TABLE public.node_connections TO wfstore_readonly;

GRANT SELECT,INSERT ON TABLE public.node_executions TO wfstore_app;
GRANT SELECT ON TABLE public.node_executions TO wfstore_readonly;
GRANT SELECT,INSERT ON TABLE public.node_executions TO wfstore_worker;

GRANT UPDATE(node_type) ON TABLE public.node_executions TO wfstore_worker;

GRANT UPDATE(status) ON TABLE public.node_executions TO wfstore_worker;

GRANT UPDATE(start_time) ON TABLE public.node_executions TO wfstore_worker;

GRANT UPDATE(end_time) ON TABLE public.node_executions TO wfstore_worker;

GRANT UPDATE(input_data) ON TABLE public.node_executions TO wfstore_worker;

GRANT UPDATE(output_data) ON TABLE public.node_executions TO wfstore_worker;

GRANT UPDATE(error_data) ON TABLE public.node_executions TO wfstore_worker;

GRANT UPDATE(retry_count) ON TABLE public.node_executions TO wfstore_worker;

GRANT UPDATE(max_retries) ON TABLE public.node_executions TO wfstore_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.nodes TO wfstore_app;
GRANT SELECT ON TABLE public.nodes TO wfstore_worker;
GRANT SELECT ON TABLE public.nodes TO wfstore_readonly;

GRANT SELECT ON TABLE public.retention_policies TO wfstore_app;
GRANT SELECT ON TABLE public.retention_policies TO wfstore_worker;
GRANT SELECT ON TABLE public.retention_policies TO wfstore_readonly;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tenants TO wfstore_app;
GRANT SELECT ON TABLE public.tenants TO wfstore_worker;
GRANT SELECT ON TABLE public.tenants TO wfstore_readonly;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO wfstore_app;
GRANT SELECT ON TABLE public.users TO wfstore_readonly;

GRANT SELECT ON TABLE public.wfstore_migrations TO wfstore_app;
GRANT SELECT ON TABLE public.wfstore_migrations TO wfstore_worker;
GRANT SELECT ON TABLE public.wfstore_migrations TO wfstore_readonly;

GRANT SELECT,INSERT,DELETE ON TABLE public.workflow_executions TO wfstore_app;
GRANT SELECT,INSERT ON TABLE public.workflow_executions TO wfstore_worker;
GRANT SELECT ON TABLE public.workflow_executions TO wfstore_readonly;

GRANT UPDATE(status) ON TABLE public.workflow_executions TO wfstore_app;
GRANT UPDATE(status) ON TABLE public.workflow_executions TO wfstore_worker;

GRANT UPDATE(start_time) ON TABLE public.workflow_executions TO wfstore_app;
GRANT UPDATE(start_time) ON TABLE public.workflow_executions TO wfstore_worker;

GRANT UPDATE(end_time) ON TABLE public.workflow_executions TO wfstore_app;
GRANT UPDATE(end_time) ON TABLE public.workflow_executions TO wfstore_worker;

GRANT UPDATE(run_data) ON TABLE public.workflow_executions TO wfstore_app;
GRANT UPDATE(run_data) ON TABLE public.workflow_executions TO wfstore_worker;

GRANT UPDATE(metadata) ON TABLE public.workflow_executions TO wfstore_app;
GRANT UPDATE(metadata) ON TABLE public.workflow_executions TO wfstore_worker;

GRANT UPDATE(error_message) ON TABLE public.workflow_executions TO wfstore_app;
GRANT UPDATE(error_message) ON TABLE public.workflow_executions TO wfstore_worker;

GRANT UPDATE(error_details) ON TABLE public.workflow_executions TO wfstore_app;
GRANT UPDATE(error_details) ON TABLE public.workflow_executions TO wfstore_worker;

GRANT SELECT,INSERT,DELETE ON TABLE public.workflow_terms TO wfstore_app;
GRANT SELECT ON TABLE public.workflow_terms TO wfstore_worker;
GRANT SELECT ON TABLE public.workflow_terms TO wfstore_readonly;

GRANT SELECT,INSERT ON TABLE public.workflow_versions TO wfstore_app;
GRANT SELECT ON TABLE public.workflow_versions TO wfstore_worker;
GRANT SELECT ON TABLE public.workflow_versions TO wfstore_readonly;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.workflows TO wfstore_app;
GRANT SELECT ON TABLE public.workflows TO wfstore_worker;
GRANT SELECT ON TABLE public.workflows TO wfstore_readonly;

INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('0237f2bcf16ebe01e5b47b2c8babc16d8ba5716228299af6fe19315e59ac5f7a', '0014.giving_up', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('0dca7566a13dcb6b25b0167f8cbfc5651dd2e21f881270f809ee9b1b83dcbf6f', '0001.roles', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('11569c9c912a982624f515d4cebdb1016948d3f8c02717466ecbcfdb95af2e5e', '0006.nodes', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('346683c03837d7601f956e8e32c21801cc184fe6ac712b4decc2e9d9f42893d1', '0002.functions', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('39b88de7d5ef41fb785abab4dd594ed41a0f2b413c6ffb5ffb27b7445cf3902c', '0007.executions', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('74a180baa60abc7ae404aa8ab9484b34d2fbe1bae7dbf0c2c24f0888f2e2086d', '0004.users', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('7827b6d52af072cd1539c7d4c40155c682a509a1b73b49c3b039ad188c59b946', '0012.dropping_periods', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('803f8f4bc4d8221b5239c6fa8d7377fc0354b421abc23baf91bd64e7ef481fe6', '0005.workflows', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('86e27298cd2b9f50473c205d8b91e10f04218db5bec2ede552f1990e23756115', '0010.execution_signals', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('9439062e286f6cf9b89d4697a9ab5494aefe2e6f8df441652859949062682010', '0003.tenants', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('a26338eb3ca146434b6eb9eaeed7140ee4cdf2b37d730c103f672b57842d7c59', '0009.execution_control', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('a9cd5e32542ed7296d55fb7420dc5f83ac0f0f2f95820182fc3e2e6093ddc669', '0011.execution_stats', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('b7c6d48b883e958ed765acb07309d856a9bae2f752199db804244248534b5eb9', '0008.execution_queue', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('ef6026d31eac53390cc7ea55c8f748afc19f03384da829702978420c09e4d0d4', '0013.history_import', (now() AT TIME ZONE 'UTC'));
INSERT INTO public._yoyo_version (version, installed_at_utc) VALUES (2, (now() AT TIME ZONE 'UTC'));
INSERT INTO public.retention_policies (table_name, keep, partition_interval, partitions_ahead, created_at, updated_at) VALUES ('workflow_executions', '90 days', '7 days', 4, now(), now());
INSERT INTO public.tenants (id, slug, name, is_active, settings, created_at, updated_at) VALUES ('00000000-0000-0000-0000-000000000000', 'system', 'System', true, '{}', now(), now());
INSERT INTO public.tenants (id, slug, name, is_active, settings, created_at, updated_at) VALUES ('00000000-0000-7000-8000-000000000001', 'default', 'Default', true, '{}', now(), now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0001.roles', '4c5d8b25350e91b8c3b330317f72e58d02c55d0d0f86c384bdde44e3498215ee', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0002.functions', '1a7a6934b8b7acaf569406e4a8fe80eb28e95fef3a548493d6ef476163493452', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0003.tenants', '98a39a1987125c653b817f09703c07b50f4342809dc394524c6866d84acf90c9', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0004.users', '187a7c067bf0dcbe23025e3fb32bcca27b1cc99e3d639c81aefaec61b73e82aa', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0005.workflows', 'e429788a0a60fb9d261331ba6a6a8b2b79a8d1847ed8a4a077658d0fc6e4798b', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0006.nodes', '1a81b6c18ccb3a93650e83890a2a22f8c5689b6fa94e934e3ebac2aaf68691df', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0007.executions', '2e4f86d28774813a3d5c3451587a0f166d5e1a71c12c6688eba00fadf2652d99', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0008.execution_queue', 'e2567caa5adff532e5ec400d3c24ad080f63aa5b92808d247dd8ac36bf092683', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0009.execution_control', '087e15077f0aa3f38a9bf42c9c299ce3a672c94969a45144a7b6e64b048a248a', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0010.execution_signals', '1474036b251bbf2c42cf31c566890160ec1c13d6930321a7fc8574ccf06bb645', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0011.execution_stats', 'd51186acf75f1000849cfef6b8c195542f8f96cf3a523cca6028aa9c8b1ec1db', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0012.dropping_periods', '611f2d5412fad3fbd323791adbe27833b4376499dc9079823450481065ecbe4a', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0013.history_import', '43d107f215fac85aed7638efff649032654f1c9189aafc41dc89a82d7ae108f6', false, now());
INSERT INTO public.wfstore_migrations (migration_id, content_hash, breaking, recorded_at) VALUES ('0014.giving_up', '5f4aec92d3f83fde6ec49b24956c904d87f532b30ae1681961df68c9316cd40d', false, now());

ALTER TABLE ONLY public._yoyo_log
    ADD CONSTRAINT _yoyo_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public._yoyo_migration
    ADD CONSTRAINT _yoyo_migration_pkey PRIMARY KEY (migration_hash);

ALTER TABLE ONLY public._yoyo_version
    ADD CONSTRAINT _yoyo_version_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.concurrency_limits
    ADD CONSTRAINT concurrency_limits_pkey PRIMARY KEY (tenant_id, concurrency_key);

ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (tenant_id, execution_id);

ALTER TABLE ONLY public.execution_keys
    ADD CONSTRAINT execution_keys_pkey PRIMARY KEY (tenant_id, idempotency_key);

ALTER TABLE ONLY public.execution_pauses
    ADD CONSTRAINT execution_pauses_pkey PRIMARY KEY (tenant_id, kind, name);

ALTER TABLE ONLY public.execution_queue
    ADD CONSTRAINT execution_queue_pkey PRIMARY KEY (tenant_id, execution_id);

ALTER TABLE ONLY public.execution_signals
    ADD CONSTRAINT execution_signals_pkey PRIMARY KEY (tenant_id, execution_id, id);

ALTER TABLE ONLY public.execution_stats
    ADD CONSTRAINT execution_stats_pkey PRIMARY KEY (tenant_id, workflow_id, hour, status, slot);

ALTER TABLE ONLY public.node_connections
    ADD CONSTRAINT node_connections_pkey PRIMARY KEY (tenant_id, workflow_id, ordinal);

ALTER TABLE ONLY public.node_executions
    ADD CONSTRAINT node_executions_pkey PRIMARY KEY (tenant_id, execution_id, node_id, run_index);

ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_pkey PRIMARY KEY (tenant_id, workflow_id, node_id);

ALTER TABLE ONLY public.retention_policies
    ADD CONSTRAINT retention_policies_pkey PRIMARY KEY (table_name);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_slug_key UNIQUE (slug);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (tenant_id, email);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.wfstore_migrations
    ADD CONSTRAINT wfstore_migrations_pkey PRIMARY KEY (migration_id);

ALTER TABLE ONLY public.workflow_executions
    ADD CONSTRAINT workflow_executions_pkey PRIMARY KEY (tenant_id, execution_id);

ALTER TABLE ONLY public.workflow_terms
    ADD CONSTRAINT workflow_terms_pkey PRIMARY KEY (tenant_id, kind, term, workflow_id);

ALTER TABLE ONLY public.workflow_versions
    ADD CONSTRAINT workflow_versions_pkey PRIMARY KEY (tenant_id, workflow_id, revision);

ALTER TABLE ONLY public.workflows
    ADD CONSTRAINT workflows_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.yoyo_lock
    ADD CONSTRAINT yoyo_lock_pkey PRIMARY KEY (locked);

CREATE INDEX execution_keys_expires_idx ON public.execution_keys USING btree (expires_at, tenant_id);

CREATE INDEX execution_pauses_name_idx ON public.execution_pauses USING btree (name, kind, tenant_id);

CREATE INDEX execution_queue_active_idx ON public.execution_queue USING btree (concurrency_key, tenant_id, status) WHERE ((concurrency_key IS NOT NULL) AND (ready OR (status = 'RUNNING'::text)));

CREATE INDEX execution_queue_due_idx ON public.execution_queue USING btree (queue, visible_at) WHERE ((NOT ready) AND (parked_by IS NULL));

CREATE INDEX execution_queue_parent_idx ON public.execution_queue USING btree (parent_execution_id, tenant_id) WHERE (parent_execution_id IS NOT NULL);

CREATE INDEX execution_queue_parked_idx ON public.execution_queue USING btree (concurrency_key, tenant_id, queue, priority DESC, visible_at, execution_id) WHERE (parked_by = 'CONCURRENCY'::text);

CREATE INDEX execution_queue_paused_idx ON public.execution_queue USING btree (workflow_id, tenant_id) WHERE (parked_by = 'WORKFLOW'::text);

CREATE INDEX execution_queue_ready_idx ON public.execution_queue USING btree (queue, priority DESC, visible_at, execution_id) WHERE ready;

CREATE INDEX execution_stats_hour_idx ON public.execution_stats USING btree (hour);

CREATE INDEX workflow_executions_parent_idx ON ONLY public.workflow_executions USING btree (parent_execution_id, tenant_id, execution_id) WHERE (parent_execution_id IS NOT NULL);

CREATE INDEX workflow_executions_rare_idx ON ONLY public.workflow_executions USING btree (tenant_id, rare_status, execution_id) WHERE (rare_status IS NOT NULL);

CREATE INDEX workflow_executions_workflow_idx ON ONLY public.workflow_executions USING btree (workflow_id, tenant_id, execution_id);

CREATE INDEX workflow_terms_workflow_idx ON public.workflow_terms USING btree (workflow_id, tenant_id, kind, term);

CREATE INDEX workflows_template_idx ON public.workflows USING btree (tenant_id, id) WHERE is_template;

CREATE INDEX workflows_user_idx ON public.workflows USING btree (user_id, tenant_id, id);

CREATE TRIGGER concurrency_limits_touch BEFORE UPDATE ON public.concurrency_limits FOR EACH ROW EXECUTE FUNCTION public.wfstore_touch_updated_at();

CREATE TRIGGER execution_queue_child_ended AFTER DELETE ON public.execution_queue FOR EACH ROW WHEN ((old.parent_execution_id IS NOT NULL)) EXECUTE FUNCTION public.wfstore_child_ended();

CREATE TRIGGER execution_queue_gone AFTER DELETE ON public.execution_queue FOR EACH ROW WHEN (((old.concurrency_key IS NOT NULL) AND (old.ready OR (old.status = 'RUNNING'::text)))) EXECUTE FUNCTION public.wfstore_return_place();

CREATE TRIGGER execution_queue_paused AFTER UPDATE ON public.execution_queue FOR EACH ROW WHEN (((old.concurrency_key IS NOT NULL) AND old.ready AND (new.parked_by = 'WORKFLOW'::text))) EXECUTE FUNCTION public.wfstore_return_place();

CREATE TRIGGER execution_queue_stopped AFTER UPDATE ON public.execution_queue FOR EACH ROW WHEN (((old.concurrency_key IS NOT NULL) AND (old.status = 'RUNNING'::text) AND (new.status <> 'RUNNING'::text))) EXECUTE FUNCTION public.wfstore_return_place();

CREATE TRIGGER execution_queue_transition AFTER UPDATE ON public.execution_queue FOR EACH ROW WHEN (((new.attempt <> (old.attempt + (((old.status = 'NEW'::text) AND (new.status = 'RUNNING'::text)))::integer)) OR (new.failures < old.failures) OR ((old.status = 'NEW'::text) AND (new.status = 'WAITING'::text)) OR ((old.status = 'WAITING'::text) AND (new.status = 'RUNNING'::text)))) EXECUTE FUNCTION public.wfstore_refuse_transition('the queue row');

CREATE TRIGGER node_executions_transition AFTER UPDATE ON public.node_executions FOR EACH ROW WHEN ((old.status = ANY (ARRAY['SUCCESS'::text, 'ERROR'::text, 'SKIPPED'::text, 'CANCELED'::text]))) EXECUTE FUNCTION public.wfstore_refuse_history('node');

CREATE TRIGGER users_touch BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION public.wfstore_touch_updated_at();

CREATE TRIGGER workflow_executions_transition AFTER UPDATE ON public.workflow_executions FOR EACH ROW WHEN ((((old.status = 'NEW'::text) AND (new.status = ANY (ARRAY['WAITING'::text, 'SUCCESS'::text, 'ERROR'::text]))) OR ((old.status = 'WAITING'::text) AND (new.status = ANY (ARRAY['NEW'::text, 'SUCCESS'::text, 'ERROR'::text]))) OR ((old.status = ANY (ARRAY['SUCCESS'::text, 'ERROR'::text, 'CANCELED'::text])) AND ((old.status <> new.status) OR (old.start_time IS DISTINCT FROM new.start_time) OR (old.end_time IS DISTINCT FROM new.end_time) OR (old.run_data IS DISTINCT FROM new.run_data) OR (old.error_message IS DISTINCT FROM new.error_message) OR (old.error_details IS DISTINCT FROM new.error_details))) OR (old.tenant_id <> new.tenant_id) OR (old.execution_id <> new.execution_id) OR (old.workflow_id <> new.workflow_id) OR (old.workflow_revision <> new.workflow_revision) OR (old.mode <> new.mode) OR (old.triggered_by IS DISTINCT FROM new.triggered_by) OR (old.parent_execution_id IS DISTINCT FROM new.parent_execution_id) OR (old.retry_of_execution_id IS DISTINCT FROM new.retry_of_execution_id) OR (old.created_at <> new.created_at))) EXECUTE FUNCTION public.wfstore_refuse_history('execution');

CREATE TRIGGER workflows_touch BEFORE UPDATE ON public.workflows FOR EACH ROW EXECUTE FUNCTION public.wfstore_touch_updated_at();

ALTER TABLE ONLY public.node_connections
    ADD CONSTRAINT node_connections_source_fkey FOREIGN KEY (tenant_id, workflow_id, source_node_id) REFERENCES public.nodes(tenant_id, workflow_id, node_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.node_connections
    ADD CONSTRAINT node_connections_target_fkey FOREIGN KEY (tenant_id, workflow_id, target_node_id) REFERENCES public.nodes(tenant_id, workflow_id, node_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_workflow_fkey FOREIGN KEY (tenant_id, workflow_id) REFERENCES public.workflows(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE public.workflow_executions
    ADD CONSTRAINT workflow_executions_workflow_fkey FOREIGN KEY (tenant_id, workflow_id) REFERENCES public.workflows(tenant_id, id);

ALTER TABLE ONLY public.workflow_terms
    ADD CONSTRAINT workflow_terms_workflow_fkey FOREIGN KEY (tenant_id, workflow_id) REFERENCES public.workflows(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.workflow_versions
    ADD CONSTRAINT workflow_versions_workflow_fkey FOREIGN KEY (tenant_id, workflow_id) REFERENCES public.workflows(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.workflows
    ADD CONSTRAINT workflows_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.workflows
    ADD CONSTRAINT workflows_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE public.concurrency_limits ENABLE ROW LEVEL SECURITY;

CREATE POLICY concurrency_limits_tenant ON public.concurrency_limits USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.dead_letters ENABLE ROW LEVEL SECURITY;

CREATE POLICY dead_letters_tenant ON public.dead_letters USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.execution_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY execution_keys_tenant ON public.execution_keys USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.execution_pauses ENABLE ROW LEVEL SECURITY;

CREATE POLICY execution_pauses_tenant ON public.execution_pauses USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.execution_queue ENABLE ROW LEVEL SECURITY;

CREATE POLICY execution_queue_tenant ON public.execution_queue USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.execution_signals ENABLE ROW LEVEL SECURITY;

CREATE POLICY execution_signals_tenant ON public.execution_signals USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.execution_stats ENABLE ROW LEVEL SECURITY;

CREATE POLICY execution_stats_tenant ON public.execution_stats USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.node_connections ENABLE ROW LEVEL SECURITY;

CREATE POLICY node_connections_system ON public.node_connections FOR SELECT USING (((tenant_id = '00000000-0000-0000-0000-000000000000'::uuid) AND (NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text) IS NOT NULL)));

CREATE POLICY node_connections_tenant ON public.node_connections USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.node_executions ENABLE ROW LEVEL SECURITY;

CREATE POLICY node_executions_tenant ON public.node_executions USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.nodes ENABLE ROW LEVEL SECURITY;

CREATE POLICY nodes_system ON public.nodes FOR SELECT USING (((tenant_id = '00000000-0000-0000-0000-000000000000'::uuid) AND (NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text) IS NOT NULL)));

CREATE POLICY nodes_tenant ON public.nodes USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenants_owner ON public.tenants FOR SELECT TO wfstore_owner USING (true);

CREATE POLICY tenants_tenant ON public.tenants USING ((((id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

CREATE POLICY users_tenant ON public.users USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.workflow_executions ENABLE ROW LEVEL SECURITY;

CREATE POLICY workflow_executions_tenant ON public.workflow_executions USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.workflow_terms ENABLE ROW LEVEL SECURITY;

CREATE POLICY workflow_terms_system ON public.workflow_terms FOR SELECT USING (((tenant_id = '00000000-0000-0000-0000-000000000000'::uuid) AND (NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text) IS NOT NULL)));

CREATE POLICY workflow_terms_tenant ON public.workflow_terms USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.workflow_versions ENABLE ROW LEVEL SECURITY;

CREATE POLICY workflow_versions_system ON public.workflow_versions FOR SELECT USING (((tenant_id = '00000000-0000-0000-0000-000000000000'::uuid) AND (NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text) IS NOT NULL)));

CREATE POLICY workflow_versions_tenant ON public.workflow_versions USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

ALTER TABLE public.workflows ENABLE ROW LEVEL SECURITY;

CREATE POLICY workflows_system ON public.workflows FOR SELECT USING (((tenant_id = '00000000-0000-0000-0000-000000000000'::uuid) AND (NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text) IS NOT NULL)));

CREATE POLICY workflows_tenant ON public.workflows USING ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[])))) WITH CHECK ((((tenant_id)::text = current_setting('wfstore.tenant_id'::text, true)) OR (tenant_id = ANY ((string_to_array(NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text), ','::text))::uuid[]))));

-- Dated partitions are not part of the schema: they are made for the day on which it is loaded.
DO $$
BEGIN
    PERFORM public.wfstore_make_partitions_ahead(now());
END
$$;

COMMIT;
