-- The schema of wfstore in one file: generated from migrations/, never edited.
--     python -m wfstore.migrate.schema_file
--
-- Into an empty database of PostgreSQL 15 or later, as whoever may migrate:
--     psql -X -q -v ON_ERROR_STOP=1 -f sql/schema.sql "$(wfstore url --role admin)"
-- It leaves what `wfstore migrate` leaves, its marks included: nothing is pending afterwards.

BEGIN;

{roles}

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

{tables}

{rows}

{rest}

-- Dated partitions are not part of the schema: they are made for the day on which it is loaded.
DO $$
BEGIN
    PERFORM public.wfstore_make_partitions_ahead(now());
END
$$;

COMMIT;
