SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL lock_timeout = '2s';
DROP TABLE dead_letters;
DROP TABLE execution_keys;
DROP TABLE execution_signals;
