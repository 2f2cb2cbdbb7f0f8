-- The pieces that history is kept in: a period is a partition of executions and one of node results.

-- name: analyze()!
-- Count what is in history, partitions and parents: autovacuum never looks at parents.
-- returns: int
-- role: owner
ANALYZE workflow_executions, node_executions;

-- name: drop(suffix)$
-- Drop a period with all its executions, in a transaction of its own: 55P03 if somebody has it locked for 200 ms, 55006
-- if the queue has one of its executions.
-- returns: str
-- role: owner
-- not-null: wfstore_drop_partition (it returns the suffix, or raises)
SELECT wfstore_drop_partition(:suffix::text);

-- name: forget(since, until)$
-- Remove what refers to executions of a period that was dropped; how many rows that were.
-- returns: int
-- role: owner
-- repeat: safe
-- not-null: wfstore_forget_period (it counts)
SELECT wfstore_forget_period(:since::timestamptz, :until::timestamptz);

-- name: make(at)$
-- Make the partitions that hold this time, within 35 days of now; in a transaction of its own.
-- returns: str
-- raises: PartitionOutOfWindow
-- repeat: safe
-- not-null: wfstore_make_partition (it returns the suffix, or raises)
SELECT wfstore_make_partition(:at::timestamptz);

-- name: create(at)$
-- Make the partitions that hold this time, wherever it lies; in a transaction of its own.
-- returns: str
-- role: owner
-- repeat: safe
-- not-null: wfstore_create_partition (it returns the suffix, or raises)
SELECT wfstore_create_partition(:at::timestamptz);

-- name: missing(ats)
-- Which of these times no partition holds.
-- returns: datetime
SELECT wanted.at
FROM unnest(:ats::timestamptz[]) AS wanted (at)
WHERE NOT EXISTS (
    SELECT 1
    FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
    CROSS JOIN LATERAL regexp_match(
        pg_get_expr(c.relpartbound, c.oid), '''([0-9a-f-]+)''\) TO \(''([0-9a-f-]+)'''
    ) AS bounds (ends)
    WHERE i.inhparent = 'node_executions'::regclass
        AND wfstore_uuid7_floor(wanted.at) >= bounds.ends[1]::uuid
        AND wfstore_uuid7_floor(wanted.at) < bounds.ends[2]::uuid
);

-- name: starts(since, until)
-- Where the partitions begin that hold any time from one to before another, by the interval of the retention policy.
-- returns: datetime
SELECT spans.at
FROM retention_policies AS policy
-- In UTC: a day is always 24 hours there, whatever the session's time zone.
CROSS JOIN LATERAL generate_series(
    date_bin(policy.partition_interval, :since::timestamptz, timestamptz '2024-01-01 00:00:00+00') AT TIME ZONE 'UTC',
    (:until::timestamptz - interval '1 microsecond') AT TIME ZONE 'UTC',
    policy.partition_interval
) AS steps (local)
CROSS JOIN LATERAL (SELECT steps.local AT TIME ZONE 'UTC' AS at) AS spans
WHERE policy.table_name = 'workflow_executions'
ORDER BY spans.at;

-- name: periods(limit)
-- The periods of history, oldest first.
-- returns: Period          rows: 0..limit
-- not-null: since (a partition has bounds)
-- not-null: until (the same)
WITH piece AS (
    SELECT
        c.oid,
        right(c.relname::text, 9) AS suffix,
        substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''(.*)''\) TO')::uuid AS first_id,
        substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''(.*)''\)')::uuid AS end_id,
        c.reltuples
    FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'workflow_executions'::regclass
)
SELECT
    piece.suffix,
    wfstore_uuid7_time(piece.first_id) AS since,
    wfstore_uuid7_time(piece.end_id) AS until,
    CASE WHEN piece.reltuples >= 0 THEN piece.reltuples::bigint END AS executions_estimate,
    coalesce(pg_total_relation_size(piece.oid), 0)
    + coalesce(pg_total_relation_size(to_regclass('public.node_executions_' || piece.suffix)), 0) AS total_bytes
FROM piece
ORDER BY piece.first_id
LIMIT :limit;
