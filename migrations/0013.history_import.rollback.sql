SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL lock_timeout = '2s';

DROP FUNCTION wfstore_take_in(uuid);
