-- How long history is kept. Everybody reads it; an operator (the owner) writes it.

-- name: delete(table_name)!
-- Remove a policy; the table is then kept for ever.
-- returns: int
-- role: owner
-- repeat: safe
DELETE FROM retention_policies
WHERE table_name = :table_name;

-- name: get(table_name)^
-- The policy of one table.
-- returns: RetentionPolicy rows: 0..1
SELECT table_name, keep, partition_interval, partitions_ahead, created_at, updated_at
FROM retention_policies
WHERE table_name = :table_name;

-- name: page(after_table_name, limit)
-- Policies by table name.
-- returns: RetentionPolicy rows: 0..limit
SELECT table_name, keep, partition_interval, partitions_ahead, created_at, updated_at
FROM retention_policies
WHERE table_name > :after_table_name
ORDER BY table_name
LIMIT :limit;

-- name: set(keep, partition_interval, partitions_ahead, table_name)^
-- Set the policy of one table; keep NULL: for ever.
-- returns: RetentionPolicy rows: 1
-- role: owner
-- repeat: safe
INSERT INTO retention_policies AS policy (table_name, keep, partition_interval, partitions_ahead)
VALUES (:table_name, :keep::interval, :partition_interval, :partitions_ahead)
ON CONFLICT (table_name) DO UPDATE
SET keep = excluded.keep,
    partition_interval = excluded.partition_interval,
    partitions_ahead = excluded.partitions_ahead,
    updated_at = excluded.updated_at
RETURNING table_name, keep, partition_interval, partitions_ahead, created_at, updated_at;
