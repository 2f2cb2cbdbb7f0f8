SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL lock_timeout = '2s';
DROP FUNCTION wfstore_lock_workflow(uuid, uuid, bigint);
DROP TABLE workflow_terms;
DROP TABLE workflow_versions;
DROP TABLE workflows;
