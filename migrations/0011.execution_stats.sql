-- depends: 0010.execution_signals
-- why:   How many executions ended how, and how long they took, without reading history: counting 10 million rows
--        took 1.4 s. What makes an execution final adds to these rows in the same statement.
-- phase: expand      lock: none
-- undo:  0011.execution_stats.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';
SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

CREATE FUNCTION wfstore_uuid7_hour(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN date_bin(interval '1 hour', wfstore_uuid7_time(id), timestamptz '2000-01-01 00:00:00+00');
COMMENT ON FUNCTION wfstore_uuid7_hour(uuid) IS 'The full hour in which the time of a UUIDv7 lies.';

CREATE FUNCTION wfstore_uuid7_midnight(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN date_bin(interval '1 day', wfstore_uuid7_hour(id) + interval '23 hours', timestamptz '2000-01-01 00:00:00+00');
COMMENT ON FUNCTION wfstore_uuid7_midnight(uuid) IS 'The first midnight (UTC) not before the full hour in which the time of a UUIDv7 lies.';

CREATE FUNCTION wfstore_counts_for(workflow uuid, hour timestamptz)
RETURNS TABLE (counted_workflow_id uuid, counted_hour timestamptz)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT *
    FROM (
        VALUES
            (workflow, hour),
            ('00000000-0000-0000-0000-000000000000'::uuid, hour),
            (
                'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid,
                date_bin(interval '1 day', hour, timestamptz '2000-01-01 00:00:00+00')
            )
    ) AS counted;
END;
COMMENT ON FUNCTION wfstore_counts_for(uuid, timestamptz) IS 'What an execution of a workflow and an hour counts for in execution_stats: the workflow, the whole tenant (nil UUID), the tenant''s day (UUID of ones).';

CREATE FUNCTION wfstore_duration(start_time bigint, end_time bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN start_time >= 0 THEN least(end_time - start_time, 1099511627776) END;
COMMENT ON FUNCTION wfstore_duration(bigint, bigint) IS 'Milliseconds between two times, 34 years at most, so that sums of them stay in range; NULL for what did not begin, or before 1970.';

-- Thirty-two counts: of no millisecond, of 1, of 2 to 3, of 4 to 7 ..., the last of 2^30 (twelve days) and more.
CREATE FUNCTION wfstore_histogram(durations bigint[], weight bigint DEFAULT 1) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog
AS $$
DECLARE
    bounds CONSTANT bigint[] := '{1,2,4,8,16,32,64,128,256,512,1024,2048,4096,8192,16384,32768,65536,131072,262144,524288,'
        '1048576,2097152,4194304,8388608,16777216,33554432,67108864,134217728,268435456,536870912,1073741824}';
    counts bigint[] := array_fill(0::bigint, ARRAY[32]);
    duration bigint;
    bucket integer;
BEGIN
    FOREACH duration IN ARRAY durations LOOP
        IF duration IS NOT NULL THEN
            bucket := width_bucket(duration, bounds) + 1;
            counts[bucket] := counts[bucket] + weight;
        END IF;
    END LOOP;
    RETURN counts;
END
$$;
COMMENT ON FUNCTION wfstore_histogram(bigint[], bigint) IS 'How many of these milliseconds lie in each of 32 buckets, whose bounds are the powers of two, each counted with a weight; NULLs are left out.';

-- One expression, not a loop: a third of the time, and the same whatever is in them.
CREATE FUNCTION wfstore_add_histograms(one bigint[], other bigint[]) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog
AS $$
BEGIN
    RETURN ARRAY[
        one[1] + other[1], one[2] + other[2], one[3] + other[3], one[4] + other[4],
        one[5] + other[5], one[6] + other[6], one[7] + other[7], one[8] + other[8],
        one[9] + other[9], one[10] + other[10], one[11] + other[11], one[12] + other[12],
        one[13] + other[13], one[14] + other[14], one[15] + other[15], one[16] + other[16],
        one[17] + other[17], one[18] + other[18], one[19] + other[19], one[20] + other[20],
        one[21] + other[21], one[22] + other[22], one[23] + other[23], one[24] + other[24],
        one[25] + other[25], one[26] + other[26], one[27] + other[27], one[28] + other[28],
        one[29] + other[29], one[30] + other[30], one[31] + other[31], one[32] + other[32]
    ];
END
$$;
COMMENT ON FUNCTION wfstore_add_histograms(bigint[], bigint[]) IS 'The sum of two histograms, bucket by bucket.';

CREATE AGGREGATE wfstore_sum_histograms(bigint[]) (
    SFUNC = wfstore_add_histograms,
    STYPE = bigint[],
    COMBINEFUNC = wfstore_add_histograms,
    INITCOND = '{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}',
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE wfstore_sum_histograms(bigint[]) IS 'The sum of histograms, bucket by bucket.';

CREATE FUNCTION wfstore_histogram_size(durations bigint[]) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog
AS $$
BEGIN
    RETURN (SELECT sum(n) FROM unnest(durations) AS n);
END
$$;
COMMENT ON FUNCTION wfstore_histogram_size(bigint[]) IS 'How many durations a histogram holds.';

CREATE FUNCTION wfstore_percentile(durations bigint[], fraction double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog
AS $$
DECLARE
    wanted CONSTANT double precision := fraction * public.wfstore_histogram_size(durations);
    below double precision := 0;
BEGIN
    FOR bucket IN 1..32 LOOP
        IF durations[bucket] > 0 AND below + durations[bucket] >= wanted THEN
            -- The first bucket holds nothing but zero; the others begin at a power of two and end before the next.
            RETURN CASE
                WHEN bucket = 1 THEN 0
                ELSE 2 ^ (bucket - 2) * (1 + (wanted - below) / durations[bucket])
            END;
        END IF;
        below := below + durations[bucket];
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION wfstore_percentile(bigint[], double precision) IS
    'The duration, in milliseconds, that this part of a histogram''s does not exceed, as if they lay evenly in their bucket: never more than twice or less than half the true one. NULL of an empty histogram.';

CREATE TABLE execution_stats (
    tenant_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    status text NOT NULL
        CONSTRAINT execution_stats_status_check CHECK (status IN ('SUCCESS', 'ERROR', 'CANCELED')),
    slot integer NOT NULL,
    executions bigint NOT NULL,
    duration_ms bigint NOT NULL,
    durations bigint[] NOT NULL
        CONSTRAINT execution_stats_durations_check CHECK (cardinality(durations) = 32),
    CONSTRAINT execution_stats_pkey PRIMARY KEY (tenant_id, workflow_id, hour, status, slot)
)
-- Few rows, each written again and again: room for the next version on the same page, and a vacuum that comes early.
WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
-- What goes with a period that is dropped.
CREATE INDEX execution_stats_hour_idx ON execution_stats (hour);
COMMENT ON TABLE execution_stats IS 'How many executions ended how, by the hour of their id: the sum over slots. Written by what ends or deletes an execution, in the same statement; see wfstore_counts_for.';
COMMENT ON COLUMN execution_stats.tenant_id IS 'The tenant.';
COMMENT ON COLUMN execution_stats.workflow_id IS 'The workflow; the nil UUID: all of the tenant''s; the UUID of ones: all of the tenant''s by the day. No foreign key: it goes with its period.';
COMMENT ON COLUMN execution_stats.hour IS 'The full hour, or day (UTC), of the execution''s id, so that it goes with the period that the id lies in.';
COMMENT ON COLUMN execution_stats.status IS 'SUCCESS, ERROR or CANCELED.';
COMMENT ON COLUMN execution_stats.slot IS 'Of the connection that wrote it, by its process id: two that write at once do not wait for each other''s commit.';
COMMENT ON COLUMN execution_stats.executions IS 'How many; what was deleted counts less than nothing in another slot.';
COMMENT ON COLUMN execution_stats.duration_ms IS 'How long those that began took, in all.';
COMMENT ON COLUMN execution_stats.durations IS 'How many of them took how long, see wfstore_histogram.';

CREATE POLICY execution_stats_tenant ON execution_stats
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
ALTER TABLE execution_stats ENABLE ROW LEVEL SECURITY;
ALTER TABLE execution_stats FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON execution_stats TO wfstore_app, wfstore_worker;
GRANT SELECT ON execution_stats TO wfstore_readonly;
