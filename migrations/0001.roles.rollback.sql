SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL lock_timeout = '2s';
-- The roles stay: they belong to the server, not to this database.
REVOKE USAGE ON SCHEMA public FROM wfstore_app, wfstore_worker, wfstore_readonly;
REVOKE USAGE, CREATE ON SCHEMA public FROM wfstore_owner;
