-- depends: 0013.history_import
-- why:   What lost its lease too often is given up by a statement of its own. In one statement with the locking of
--        the queue's rows PostgreSQL 18 (18.6, at least) may read memory that it has freed, and end: where a row that
--        is locked has changed meanwhile, the check anew takes with it what chooses the partitions of history.
-- phase: expand      lock: none
-- undo:  0014.giving_up.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';
SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

CREATE FUNCTION wfstore_give_up(of_tenants uuid[], exhausted uuid[], at timestamptz) RETURNS bigint
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan -- by keys all of it: planning anew for each would cost more than running
SET search_path = public, pg_temp
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
COMMENT ON FUNCTION wfstore_give_up(uuid[], uuid[], timestamptz) IS 'End these executions, whose queue rows this transaction has locked because their lease ran out once too often: dead letters, and ERROR in history; returns how many.';
REVOKE ALL ON FUNCTION wfstore_give_up(uuid[], uuid[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wfstore_give_up(uuid[], uuid[], timestamptz) TO wfstore_worker;
