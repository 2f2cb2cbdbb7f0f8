-- depends: 0011.execution_stats
-- why:   A period of history goes by dropping its two partitions, in milliseconds; what refers to it follows in a
--        transaction of its own, in which nobody waits for it.
-- phase: expand      lock: none
-- undo:  0012.dropping_periods.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';
SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

CREATE FUNCTION wfstore_drop_partition(suffix text) RETURNS text
LANGUAGE plpgsql
SET search_path = public, pg_temp
SET row_security = on -- each tenant's rows are asked for in its name
SET lock_timeout = '200ms' -- writers queue up behind who waits for this lock; who calls tries again
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
COMMENT ON FUNCTION wfstore_drop_partition(text) IS
    'Drop the pair of sibling partitions of this suffix, unless the queue has an execution of theirs (55006); 55P03: somebody had them locked for 200 ms. For the owner.';
REVOKE ALL ON FUNCTION wfstore_drop_partition(text) FROM PUBLIC;

CREATE FUNCTION wfstore_forget_period(since timestamptz, until timestamptz) RETURNS bigint
LANGUAGE plpgsql
SET search_path = public, pg_temp
SET row_security = on -- each tenant's rows are removed in its name
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
COMMENT ON FUNCTION wfstore_forget_period(timestamptz, timestamptz) IS
    'Remove what refers to executions of a period that was dropped, of all tenants: counts, signals, dead letters, keys; returns how many rows. For the owner.';
REVOKE ALL ON FUNCTION wfstore_forget_period(timestamptz, timestamptz) FROM PUBLIC;
