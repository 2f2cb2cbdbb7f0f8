SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL lock_timeout = '2s';
DROP TABLE execution_queue;
DROP FUNCTION wfstore_refuse_transition();
