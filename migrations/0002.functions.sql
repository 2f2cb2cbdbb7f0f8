-- depends: 0001.roles
-- why:   What every later migration leans on: the book of what was applied, and ids that carry their time.
-- phase: expand      lock: ACCESS EXCLUSIVE on yoyo's own small tables
-- undo:  0002.functions.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';

-- yoyo made its tables as whoever migrates; as the owner's they are the same whichever way a database was made.
ALTER TABLE _yoyo_log OWNER TO wfstore_owner;
ALTER TABLE _yoyo_migration OWNER TO wfstore_owner;
ALTER TABLE _yoyo_version OWNER TO wfstore_owner;
ALTER TABLE yoyo_lock OWNER TO wfstore_owner;

SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

-- connect() compares this with the migrations of its release.
GRANT SELECT ON _yoyo_migration TO wfstore_app, wfstore_worker, wfstore_readonly;

CREATE TABLE wfstore_migrations (
    migration_id text NOT NULL CONSTRAINT wfstore_migrations_pkey PRIMARY KEY,
    content_hash text CONSTRAINT wfstore_migrations_content_hash_check CHECK (content_hash ~ '^[0-9a-f]{64}$'),
    breaking boolean NOT NULL DEFAULT false,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE wfstore_migrations IS 'What wfstore knows of each applied migration beyond yoyo''s mark.';
COMMENT ON COLUMN wfstore_migrations.migration_id IS 'The file''s name without .sql.';
COMMENT ON COLUMN wfstore_migrations.content_hash IS 'SHA-256 of the file as applied, in hex; NULL until wfstore migrate has seen it.';
COMMENT ON COLUMN wfstore_migrations.breaking IS 'True if releases that do not know this migration must refuse the schema; the migration itself says so.';
COMMENT ON COLUMN wfstore_migrations.recorded_at IS 'When the migration was applied, as its mark has it: a record of an earlier application says nothing.';
GRANT SELECT ON wfstore_migrations TO wfstore_app, wfstore_worker, wfstore_readonly;

-- PostgreSQL 18 has uuidv7(); 15 to 17 have not.
CREATE FUNCTION wfstore_uuid7(at timestamptz DEFAULT clock_timestamp()) RETURNS uuid
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
RETURN encode(
    set_bit(
        set_bit(
            overlay(
                uuid_send(gen_random_uuid())
                PLACING substring(int8send(floor(extract(epoch FROM at) * 1000)::bigint) FROM 3)
                FROM 1 FOR 6
            ),
            52, 1
        ),
        53, 1
    ),
    'hex'
)::uuid;
COMMENT ON FUNCTION wfstore_uuid7(timestamptz) IS 'A new UUIDv7 whose time is the given one, to the millisecond.';

CREATE FUNCTION wfstore_uuid7_floor(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN rpad(encode(substring(int8send(floor(extract(epoch FROM at) * 1000)::bigint) FROM 3), 'hex'), 32, '0')::uuid;
COMMENT ON FUNCTION wfstore_uuid7_floor(timestamptz) IS 'The bound below every UUIDv7 of this millisecond or later, and above every earlier one.';

CREATE FUNCTION wfstore_uuid7_time(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_timestamp((
    (get_byte(uuid_send(id), 0)::bigint << 40) + (get_byte(uuid_send(id), 1)::bigint << 32)
    + (get_byte(uuid_send(id), 2)::bigint << 24) + (get_byte(uuid_send(id), 3)::bigint << 16)
    + (get_byte(uuid_send(id), 4)::bigint << 8) + get_byte(uuid_send(id), 5)
)::double precision / 1000);
COMMENT ON FUNCTION wfstore_uuid7_time(uuid) IS 'The time that a UUIDv7 carries.';

-- Not STRICT, or it would be called instead of written out in the CHECK that each update of an execution evaluates: a
-- twelfth of what a claim and an end cost the server.
CREATE FUNCTION wfstore_is_uuid7(id uuid) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN get_byte(uuid_send(id), 6) >> 4 = 7 AND get_byte(uuid_send(id), 8) >> 6 = 2;
COMMENT ON FUNCTION wfstore_is_uuid7(uuid) IS 'Whether the id is a UUID of version 7: only those carry a time.';

CREATE FUNCTION wfstore_touch_updated_at() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION wfstore_touch_updated_at() IS 'Row trigger: updated_at is the time of the transaction that changed the row.';
