SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL lock_timeout = '2s';
DROP FUNCTION wfstore_take_in(uuid);
DROP FUNCTION wfstore_make_partitions_ahead(timestamptz);
DROP FUNCTION wfstore_make_partition(timestamptz);
DROP FUNCTION wfstore_create_partition(timestamptz);
DROP TABLE node_executions;
DROP TABLE workflow_executions;
DROP FUNCTION wfstore_refuse_history();
