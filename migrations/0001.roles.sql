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
