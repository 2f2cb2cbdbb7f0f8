-- What `wfstore migrate` asks and tells the database beside the migrations themselves.

-- name: applied()
-- Every migration marked as applied, with what is recorded of that very application.
-- returns: AppliedMigration
-- not-null: migration_id (yoyo writes it with every mark)
-- not-null: applied_at (yoyo writes it with every mark)
-- allow: no-cap (as many rows as there are migrations, all of which are compared)
SELECT
    applied.migration_id,
    applied.applied_at_utc AT TIME ZONE 'UTC' AS applied_at,
    -- A hash recorded for an earlier application says nothing: plain yoyo may have undone and repeated it since.
    CASE WHEN recorded.recorded_at = applied.applied_at_utc AT TIME ZONE 'UTC' THEN recorded.content_hash END AS content_hash,
    coalesce(recorded.breaking, false) AS breaking
FROM _yoyo_migration AS applied
LEFT JOIN wfstore_migrations AS recorded ON recorded.migration_id = applied.migration_id
ORDER BY applied.migration_id;

-- name: applied_unrecorded()
-- Every migration marked as applied, while there is no table yet to record more.
-- returns: AppliedMigration
-- not-null: migration_id (yoyo writes it with every mark)
-- not-null: applied_at (yoyo writes it with every mark)
-- allow: no-cap (as many rows as there are migrations, all of which are compared)
SELECT
    applied.migration_id,
    applied.applied_at_utc AT TIME ZONE 'UTC' AS applied_at,
    NULL::text AS content_hash,
    false AS breaking
FROM _yoyo_migration AS applied
ORDER BY applied.migration_id;

-- name: end_with_client()$
-- Let the server end a statement within a second of its client's death, where it can tell.
-- returns: str|None
-- unseen: set_config (no row: only where the server is not on Linux)
SELECT set_config('client_connection_check_interval', '1s', false)
WHERE version() ~ 'linux';

-- name: forget(migration_id)!
-- Remove what is recorded of a migration that was rolled back.
-- returns: int
-- role: owner
DELETE FROM wfstore_migrations
WHERE migration_id = :migration_id;

-- name: has_table(name)$
-- Whether there is a table of this name.
-- returns: bool
SELECT to_regclass(:name::text) IS NOT NULL;

-- name: hold_in_transaction(key)$
-- Hold the migration lock for this transaction too; false where another session has it.
-- returns: bool
SELECT pg_try_advisory_xact_lock(:key::bigint);

-- name: invalid_indexes(names)
-- Statements that drop what failed concurrent builds of these indexes left behind.
-- returns: str
SELECT 'DROP INDEX CONCURRENTLY IF EXISTS ' || index.oid::regclass
FROM unnest(:names::text[]) AS built (name)
JOIN pg_class AS index
    ON index.relname = built.name
    OR index.relname ~ ('^' || built.name || '_cc(new|old)[0-9]*$')
JOIN pg_index ON pg_index.indexrelid = index.oid
WHERE index.relkind = 'i'
    AND index.relnamespace = current_schema()::regnamespace
    AND NOT pg_index.indisvalid
ORDER BY index.relname;

-- name: lock(key)$
-- Try to take the migration lock of this database; it ends with the session.
-- returns: bool
SELECT pg_try_advisory_lock(:key::bigint);

-- name: lock_holder(key)$
-- The process that has the migration lock of this database.
-- returns: int|None
SELECT pid
FROM pg_locks
WHERE locktype = 'advisory'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND objsubid = 1
    AND (classid::bigint << 32) + objid::bigint = :key::bigint
    AND granted;

-- name: record(content_hashes, migration_ids)
-- Record the content of each applied migration that has no record of its present application.
-- returns: str
-- role: owner
-- allow: no-cap (a row for each migration offered; yoyo's table has no unique key on the id)
INSERT INTO wfstore_migrations AS recorded (migration_id, content_hash, recorded_at)
SELECT offered.migration_id, offered.content_hash, applied.applied_at_utc AT TIME ZONE 'UTC'
FROM unnest(:migration_ids::text[], :content_hashes::text[]) AS offered (migration_id, content_hash)
JOIN _yoyo_migration AS applied ON applied.migration_id = offered.migration_id
ON CONFLICT (migration_id) DO UPDATE
SET content_hash = excluded.content_hash,
    recorded_at = excluded.recorded_at
WHERE recorded.content_hash IS NULL
    OR recorded.recorded_at <> excluded.recorded_at
RETURNING recorded.migration_id;

-- name: reset_role()!
-- Work as whoever connected again.
-- returns: int
RESET ROLE;

-- name: reset_settings()!
-- Undo what a migration outside a transaction set for the session.
-- returns: int
RESET ALL;

-- name: set_lock_timeout(timeout)$
-- Give up waiting for a lock after this time, until the transaction ends.
-- returns: str
SELECT set_config('lock_timeout', :timeout::text, true);

-- name: sizes(names)
-- How much is in each of these tables, its partitions included; the rows are the server's estimate.
-- returns: TableSize
SELECT
    wanted.name AS table_name,
    coalesce(sum(pg_total_relation_size(piece.oid)), 0)::bigint AS bytes,
    sum(greatest(pg_stat_get_live_tuples(piece.oid), 0))::bigint AS live_rows
FROM unnest(:names::text[]) AS wanted (name)
CROSS JOIN LATERAL (
    SELECT to_regclass(wanted.name) AS oid
    UNION
    SELECT relid
    FROM pg_partition_tree(to_regclass(wanted.name))
) AS piece
WHERE piece.oid IS NOT NULL
GROUP BY wanted.name
ORDER BY wanted.name;

-- name: tables()
-- Names of the tables where new ones would be made.
-- returns: str
SELECT relname
FROM pg_class
WHERE relnamespace = current_schema()::regnamespace
    AND relkind IN ('r', 'p')
ORDER BY relname;

-- name: unlock(key)$
-- Give the migration lock back.
-- returns: bool
SELECT pg_advisory_unlock(:key::bigint);

-- name: yoyo_lock_holder()$
-- The process that plain yoyo's lock row names, dead or alive.
-- returns: int|None
-- role: owner
SELECT pid
FROM yoyo_lock
LIMIT 1;
