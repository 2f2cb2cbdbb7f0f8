-- depends: 0012.dropping_periods
-- why:   History that ended elsewhere is taken in by the thousand: from staging tables, as no COPY goes under
--        row-level security.
-- phase: expand      lock: none
-- undo:  0013.history_import.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';
SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

-- COPY into a table under row-level security is not allowed: what is imported is copied into two tables of the
-- session's own (history.stage_executions, history.stage_node_runs), and inserted from there.
CREATE FUNCTION wfstore_take_in(tenant uuid) RETURNS TABLE (executions bigint, node_runs bigint)
LANGUAGE plpgsql
SET search_path = public, pg_temp
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
COMMENT ON FUNCTION wfstore_take_in(uuid) IS 'Put the executions and node runs that this transaction has copied into its staging tables into history, but for executions that are there; returns how many.';
REVOKE ALL ON FUNCTION wfstore_take_in(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wfstore_take_in(uuid) TO wfstore_app;
