-- Ended executions number %(first)s to %(last)s of %(count)s, spread evenly over the time from %(since)s to %(until)s.
-- One in a hundred failed, and as many were canceled. Payloads are small: what is measured is the count of rows.
INSERT INTO workflow_executions (
    tenant_id, execution_id, workflow_id, workflow_revision, status, mode, start_time, end_time, run_data, error_message,
    created_at
)
SELECT
    %(tenant)s, wfstore_uuid7(e.at), (%(workflows)s::uuid[])[1 + e.n %% cardinality(%(workflows)s::uuid[])], 1,
    CASE WHEN e.n %% 100 = 7 THEN 'CANCELED' WHEN e.n %% 100 = 3 THEN 'ERROR' ELSE 'SUCCESS' END, 'TRIGGER',
    trunc(extract(epoch FROM e.at) * 1000)::bigint, trunc(extract(epoch FROM e.at) * 1000)::bigint + e.n %% 5000,
    '{"items": 3}', CASE WHEN e.n %% 100 = 3 THEN 'the remote service did not answer' END, e.at
FROM (
    SELECT
        number AS n,
        %(since)s::timestamptz + (%(until)s::timestamptz - %(since)s::timestamptz) * (number::float8 / %(count)s) AS at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS number
) AS e
