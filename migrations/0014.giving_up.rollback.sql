SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL lock_timeout = '2s';

DROP FUNCTION wfstore_give_up(uuid[], uuid[], timestamptz);
