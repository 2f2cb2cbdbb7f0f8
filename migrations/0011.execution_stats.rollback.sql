SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL lock_timeout = '2s';

DROP TABLE execution_stats;
DROP FUNCTION wfstore_percentile(bigint[], double precision);
DROP FUNCTION wfstore_histogram_size(bigint[]);
DROP AGGREGATE wfstore_sum_histograms(bigint[]);
DROP FUNCTION wfstore_add_histograms(bigint[], bigint[]);
DROP FUNCTION wfstore_histogram(bigint[], bigint);
DROP FUNCTION wfstore_uuid7_midnight(uuid);
DROP FUNCTION wfstore_uuid7_hour(uuid);
DROP FUNCTION wfstore_duration(bigint, bigint);
DROP FUNCTION wfstore_counts_for(uuid, timestamptz);
