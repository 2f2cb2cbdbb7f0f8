-- Skewed rows for tests/test_plans.py: one tenant has most of everything, 293 have next to nothing. $n is the number
-- of executions, of queue rows and of nodes. Run as superuser with triggers and foreign keys switched off: it is
-- consistent because it is written so, and takes seconds.
SET LOCAL session_replication_role = replica;

CREATE TEMP TABLE seed (n, at) ON COMMIT DROP AS SELECT $n, timestamptz '$now';

-- Tenant 0 is huge, 1 to 5 are middling, 6 to 298 tiny.
CREATE FUNCTION pg_temp.tenant_of(i bigint) RETURNS integer LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN mod(i, 100) < 60 THEN 0
    WHEN mod(i, 100) < 85 THEN 1 + mod(i / 100, 5)
    ELSE 6 + mod(i, 293)
END;
CREATE TEMP TABLE tenant ON COMMIT DROP AS
SELECT
    i AS ordinal,
    CASE i WHEN 0 THEN uuid '00000000-0000-7000-8000-000000000001' ELSE wfstore_uuid7(seed.at - interval '1 year') END AS id
FROM seed, generate_series(0, 298) AS i;
INSERT INTO tenants (id, slug, name)
SELECT id, 'tenant-' || ordinal, 'Tenant'
FROM tenant
WHERE ordinal > 0;

INSERT INTO users (tenant_id, id, email)
SELECT tenant.id, wfstore_uuid7(seed.at - interval '1 year'), 'user' || i || '@example.org'
FROM seed, tenant, generate_series(1, CASE tenant.ordinal WHEN 0 THEN seed.n / 10 ELSE 3 END) AS i;
CREATE TEMP TABLE author ON COMMIT DROP AS
SELECT tenant_id, min(id::text)::uuid AS id FROM users GROUP BY tenant_id;

-- Workflows: a tenth of n, and templates of the system's. Number 0 of each tenant is its favourite.
CREATE TEMP TABLE workflow ON COMMIT DROP AS
SELECT
    tenant.id AS tenant_id,
    tenant.ordinal AS tenant,
    row_number() OVER (PARTITION BY tenant.ordinal ORDER BY i) - 1 AS number,
    count(*) OVER (PARTITION BY tenant.ordinal) AS siblings,
    wfstore_uuid7(seed.at - interval '1 year' + i * interval '1 minute') AS id
FROM seed, generate_series(1, greatest(seed.n / 10, 3000)) AS i
JOIN tenant ON tenant.ordinal = pg_temp.tenant_of(i);
CREATE UNIQUE INDEX ON workflow (tenant, number);
-- Number -1 never runs; the system's templates do not either.
INSERT INTO workflow
SELECT tenant.id, tenant.ordinal, -1, 0, wfstore_uuid7(seed.at - interval '1 year')
FROM seed, tenant;
INSERT INTO workflow
SELECT '00000000-0000-0000-0000-000000000000', -1, i, 100, wfstore_uuid7(seed.at - interval '1 year')
FROM seed, generate_series(0, 99) AS i;
-- The system's workflows are templates, and one in twenty of others.
INSERT INTO workflows (
    tenant_id, id, user_id, name, workflow_data, content_hash, revision, content_revision, is_template
)
SELECT
    w.tenant_id, w.id, CASE WHEN mod(w.number, 2) = 0 THEN author.id END, 'Workflow ' || w.number, '{}',
    sha256('{}'), 5, 5, w.tenant = -1 OR mod(w.number, 20) = 1
FROM workflow AS w
LEFT JOIN author ON author.tenant_id = w.tenant_id;
INSERT INTO workflow_versions (tenant_id, workflow_id, revision, workflow_data, content_hash)
SELECT w.tenant_id, w.id, revision, '{}', sha256('{}')
FROM workflow AS w, generate_series(1, CASE w.number WHEN 0 THEN 500 ELSE 5 END) AS revision;
-- Every workflow has the tag 'common', one in a hundred 'rare', another one 'other'; the favourite has hundreds of
-- nodes and terms.
INSERT INTO workflow_terms (tenant_id, kind, term, workflow_id)
SELECT w.tenant_id, 'TAG', CASE i WHEN 0 THEN 'common' ELSE 'tag-' || mod(i * 31 + w.number, 1000) END, w.id
FROM workflow AS w, generate_series(0, CASE w.number WHEN 0 THEN 500 ELSE 7 END) AS i
UNION ALL
SELECT w.tenant_id, 'CREDENTIAL', CASE mod(w.number, 100) WHEN 0 THEN 'rare' ELSE 'other' END, w.id
FROM workflow AS w
WHERE mod(w.number, 100) IN (0, 50);
INSERT INTO nodes (tenant_id, workflow_id, node_id, node_type, name, ordinal)
SELECT w.tenant_id, w.id, 'node-' || i, 'ACTION', 'Node', i
FROM workflow AS w, generate_series(0, CASE w.number WHEN 0 THEN 499 ELSE 9 END) AS i;
INSERT INTO node_connections (tenant_id, workflow_id, ordinal, source_node_id, target_node_id)
SELECT w.tenant_id, w.id, i, 'node-' || i, 'node-' || i + 1
FROM workflow AS w, generate_series(0, CASE w.number WHEN 0 THEN 498 ELSE 8 END) AS i;

-- History: more of it the later, over nine weeks; half of it the favourites'. ERROR is rare, and so is what still runs.
SELECT wfstore_create_partition(seed.at - i * interval '1 week') FROM seed, generate_series(0, 9) AS i;
CREATE TEMP TABLE execution ON COMMIT DROP AS
SELECT
    i,
    w.tenant_id,
    w.tenant,
    w.id AS workflow_id,
    wfstore_uuid7(seed.at - interval '66 days' * power(mod(i * 7919, seed.n) / seed.n::double precision, 2)) AS id,
    CASE WHEN mod(i, 200) = 0 THEN 'ERROR' WHEN mod(i, 50) = 1 THEN 'CANCELED' ELSE 'SUCCESS' END AS status
FROM seed, generate_series(1, seed.n) AS i
JOIN tenant ON tenant.ordinal = pg_temp.tenant_of(i)
JOIN workflow AS first ON first.tenant = tenant.ordinal AND first.number = 0
JOIN workflow AS w ON w.tenant = tenant.ordinal AND w.number = CASE mod(i, 2) WHEN 0 THEN 0 ELSE mod(i / 2, first.siblings) END;
CREATE TEMP TABLE queued ON COMMIT DROP AS
SELECT
    i,
    tenant.id AS tenant_id,
    tenant.ordinal AS tenant,
    wfstore_uuid7(seed.at - mod(i, 7200) * interval '1 second') AS id,
    -- 'default' is busy; nothing in 'idle' is ready
    (ARRAY['default', 'default', 'default', 'default', 'default', 'default', 'default', 'other', 'other', 'idle'])[1 + mod(i / 10, 10)] AS queue,
    (ARRAY['ready', 'ready', 'ready', 'future', 'future', 'parked', 'running', 'running', 'waiting', 'parked'])[1 + mod(i / 100, 10)] AS state,
    row_number() OVER (PARTITION BY tenant.ordinal ORDER BY i) - 1 AS place
FROM seed, generate_series(1, seed.n) AS i
JOIN tenant ON tenant.ordinal = pg_temp.tenant_of(i * 13);
UPDATE queued SET state = 'future' WHERE queue = 'idle' AND state = 'ready';
CREATE UNIQUE INDEX ON queued (tenant, place);
INSERT INTO workflow_executions (tenant_id, execution_id, workflow_id, workflow_revision, status, start_time, end_time, metadata, created_at)
SELECT
    e.tenant_id, e.id, e.workflow_id, 5, e.status, floor(extract(epoch FROM wfstore_uuid7_time(e.id)) * 1000)::bigint,
    floor(extract(epoch FROM wfstore_uuid7_time(e.id)) * 1000)::bigint + mod(e.i * 31, 60000), '{}', wfstore_uuid7_time(e.id)
FROM execution AS e;
INSERT INTO workflow_executions (
    tenant_id, execution_id, workflow_id, workflow_revision, status, parent_execution_id, created_at
)
SELECT
    q.tenant_id, q.id, w.id, 5, CASE q.state WHEN 'running' THEN 'RUNNING' WHEN 'waiting' THEN 'WAITING' ELSE 'NEW' END,
    parent.id, seed.at
FROM seed, queued AS q
JOIN workflow AS w ON w.tenant = q.tenant AND w.number = 0
LEFT JOIN queued AS parent
    ON parent.tenant = q.tenant
    AND parent.place = q.place - mod(q.place, 20)
    AND mod(q.place, 20) IN (5, 6, 7)
WHERE q.i <= 5000;
INSERT INTO execution_stats (tenant_id, workflow_id, hour, status, slot, executions, duration_ms, durations)
SELECT
    e.tenant_id, counts_for.workflow_id, counts_for.hour, e.status, mod(e.i, 3), count(*), 0,
    array_fill(0::bigint, ARRAY[31]) || count(*)
FROM execution AS e
CROSS JOIN LATERAL wfstore_counts_for(e.workflow_id, wfstore_uuid7_hour(e.id)) AS counts_for (workflow_id, hour)
GROUP BY e.tenant_id, counts_for.workflow_id, 3, e.status, 5;
INSERT INTO node_executions (tenant_id, execution_id, node_id, node_type, status, start_time, end_time, output_data)
SELECT
    e.tenant_id, e.id, 'node-' || node, 'ACTION', CASE WHEN mod(e.i + node, 100) = 0 THEN 'ERROR' ELSE 'SUCCESS' END,
    1000 * e.i, 1000 * e.i + mod(e.i * 17, 5000), '{"items": []}'
FROM seed, execution AS e, generate_series(0, CASE e.i WHEN 2 THEN 499 ELSE 3 END) AS node
WHERE mod(e.i, 3) = 2;
-- Of every twenty of a tenant the first is the parent of three. A fifth has a key, of which each tenant has a hundred,
-- and whatever is parked for one. One in fifty leases has run out, as many waits timed out, as many starts are due.
INSERT INTO execution_queue (
    tenant_id, execution_id, workflow_id, parent_execution_id, queue, status, priority, visible_at, ready, parked_by,
    attempt, max_attempts, worker_id, concurrency_key, wait_signal
)
SELECT
    q.tenant_id, q.id, w.id, parent.id, q.queue,
    CASE q.state WHEN 'running' THEN 'RUNNING' WHEN 'waiting' THEN 'WAITING' ELSE 'NEW' END,
    mod(q.i, 5),
    CASE
        WHEN q.state = 'waiting' AND mod(q.i, 2) = 0 THEN NULL
        WHEN q.state IN ('future', 'running', 'waiting') AND (mod(q.i, 50) <> 1 OR q.queue = 'idle')
        THEN seed.at + interval '1 second' * (1 + mod(q.i * 37, 86400))
        ELSE seed.at - interval '1 second' * mod(q.i * 37, 86400)
    END,
    q.state = 'ready',
    CASE WHEN q.state = 'parked' THEN CASE mod(q.i, 3) WHEN 0 THEN 'WORKFLOW' ELSE 'CONCURRENCY' END END,
    CASE q.state WHEN 'running' THEN 1 ELSE 0 END,
    20,
    CASE q.state WHEN 'running' THEN 'worker' END,
    CASE WHEN q.state = 'parked' OR mod(q.i, 5) = 2 THEN 'key-' || mod(q.place, 100) END,
    CASE q.state WHEN 'waiting' THEN 'approved' END
FROM seed, queued AS q
JOIN workflow AS w ON w.tenant = q.tenant AND w.number = 0
LEFT JOIN queued AS parent
    ON parent.tenant = q.tenant
    AND parent.place = q.place - mod(q.place, 20)
    AND mod(q.place, 20) IN (5, 6, 7);
INSERT INTO concurrency_limits (tenant_id, concurrency_key, max_running)
SELECT DISTINCT tenant_id, concurrency_key, 3 FROM execution_queue WHERE concurrency_key IS NOT NULL;
INSERT INTO execution_pauses (tenant_id, kind, name)
SELECT tenant_id, 'WORKFLOW', id::text FROM workflow WHERE number BETWEEN 10 AND 509
UNION ALL
SELECT id, 'QUEUE', 'paused' FROM tenant;
INSERT INTO execution_signals (tenant_id, execution_id, id, name, consumed_at, consumed_by)
SELECT
    q.tenant_id, q.id, wfstore_uuid7(seed.at - (10 - nth) * interval '1 second'), CASE mod(nth, 2) WHEN 0 THEN 'approved' ELSE 'other' END,
    CASE WHEN nth < 3 THEN seed.at END, CASE WHEN nth < 3 THEN 'node-1:0' END
FROM seed, queued AS q, generate_series(0, CASE mod(q.i, 4) WHEN 0 THEN 5 ELSE 0 END) AS nth;
INSERT INTO execution_keys (tenant_id, idempotency_key, execution_id, expires_at)
SELECT e.tenant_id, 'order-' || e.i, e.id, seed.at + CASE mod(e.i, 50) WHEN 0 THEN interval '-1 day' ELSE interval '1 day' END
FROM seed, execution AS e;
INSERT INTO dead_letters (tenant_id, execution_id, workflow_id, queue, failures, reason, died_at)
SELECT e.tenant_id, e.id, e.workflow_id, 'default', 20, 'a reason', seed.at
FROM seed, execution AS e
WHERE mod(e.i, 10) = 3;
