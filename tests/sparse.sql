-- Rows with as little in them as the schema allows, beside some that are full: what a query returns NULL for.
-- The tenant is the default one; ids end in their number.
INSERT INTO users (tenant_id, id, email, avatar_url)
VALUES
    (:tenant, '01890000-0000-7000-8000-0000000000a0', 'sparse@example.org', NULL),
    (:tenant, '01890000-0000-7000-8000-0000000000a1', 'full@example.org', 'https://example.org/a.png');

INSERT INTO workflows (tenant_id, id, name, workflow_data, content_hash, is_template)
VALUES (:tenant, '01890000-0000-7000-8000-0000000000b0', 'sparse', '{}', sha256('sparse'), true);
INSERT INTO workflows (tenant_id, id, user_id, name, workflow_data, content_hash)
VALUES (
    :tenant, '01890000-0000-7000-8000-0000000000b2', '01890000-0000-7000-8000-0000000000a1', 'of a user', '{}',
    sha256('of a user')
);
INSERT INTO workflows (
    tenant_id, id, user_id, name, workflow_data, static_data, pin_data, tags, is_template, template_category, content_hash
)
VALUES (
    :tenant, '01890000-0000-7000-8000-0000000000b1', '01890000-0000-7000-8000-0000000000a1', 'full', '{}', '{}', '{}',
    '{x}', true, 'mail', sha256('full')
);
INSERT INTO workflow_versions (tenant_id, workflow_id, revision, workflow_data, content_hash, created_by)
SELECT tenant_id, id, 1, workflow_data, content_hash, user_id FROM workflows;
INSERT INTO workflow_terms (tenant_id, kind, term, workflow_id)
SELECT tenant_id, 'TAG', 'x', id FROM workflows;
INSERT INTO nodes (tenant_id, workflow_id, node_id, node_type, name, ordinal)
SELECT tenant_id, id, 'n0', 'ACTION', 'Node', 0 FROM workflows;
INSERT INTO node_connections (tenant_id, workflow_id, ordinal, source_node_id, target_node_id, conditions)
SELECT tenant_id, id, 0, 'n0', 'n0', pin_data FROM workflows;

-- Of the sparse workflow none has ended well; 'idle' is a queue in which nothing is due.
INSERT INTO workflow_executions (tenant_id, execution_id, workflow_id, workflow_revision, status, end_time)
SELECT
    :tenant, CASE status WHEN 'RUNNING' THEN :running ELSE wfstore_uuid7(now()) END,
    '01890000-0000-7000-8000-0000000000b0', 1, status, end_time
FROM (
    VALUES ('NEW', NULL), ('RUNNING', NULL), ('WAITING', NULL), ('ERROR', 5), ('CANCELED', 5)
) AS few (status, end_time);
INSERT INTO workflow_executions (
    tenant_id, execution_id, workflow_id, workflow_revision, status, triggered_by, parent_execution_id, start_time,
    end_time, run_data, error_message, error_details
)
SELECT
    :tenant, wfstore_uuid7(now()), '01890000-0000-7000-8000-0000000000b1', 1, 'SUCCESS', 'somebody',
    execution_id, 1, 5, '{}', 'nothing', '{}'
FROM workflow_executions
WHERE status = 'NEW';
INSERT INTO execution_stats (tenant_id, workflow_id, hour, status, slot, executions, duration_ms, durations)
SELECT e.tenant_id, of.workflow_id, of.hour, 'SUCCESS', 1, 1, 4, wfstore_histogram('{4}')
FROM workflow_executions AS e
CROSS JOIN LATERAL wfstore_counts_for(e.workflow_id, wfstore_uuid7_hour(e.execution_id)) AS of (workflow_id, hour)
WHERE e.status = 'SUCCESS';
INSERT INTO execution_queue (
    tenant_id, execution_id, workflow_id, status, ready, attempt, worker_id, concurrency_key, visible_at, wait_signal
)
SELECT
    tenant_id, execution_id, workflow_id, status, status = 'NEW',
    CASE status WHEN 'RUNNING' THEN 1 ELSE 0 END,
    CASE status WHEN 'RUNNING' THEN 'w1' END,
    CASE status WHEN 'RUNNING' THEN 'k1' END,
    CASE WHEN status <> 'WAITING' THEN now() - interval '1 hour' END,
    CASE status WHEN 'WAITING' THEN 'x' END
FROM workflow_executions
WHERE end_time IS NULL;
-- Woken once; parked; and one that is not due.
INSERT INTO workflow_executions (tenant_id, execution_id, workflow_id, workflow_revision, parent_execution_id)
SELECT :tenant, wfstore_uuid7(now()), '01890000-0000-7000-8000-0000000000b0', 1, :running
FROM generate_series(1, 2);
INSERT INTO execution_queue (
    tenant_id, execution_id, workflow_id, parent_execution_id, concurrency_key, ready, parked_by, woken_by
)
SELECT
    tenant_id, execution_id, workflow_id, :running, 'k1', nth = 1,
    CASE nth WHEN 2 THEN 'CONCURRENCY' END,
    CASE nth WHEN 1 THEN 'TIME' END
FROM (
    SELECT e.*, row_number() OVER (ORDER BY execution_id) AS nth
    FROM workflow_executions AS e
    WHERE status = 'NEW' AND NOT EXISTS (SELECT FROM execution_queue AS q WHERE q.execution_id = e.execution_id)
) AS further;
INSERT INTO execution_queue (tenant_id, execution_id, workflow_id, queue, visible_at, ready)
VALUES (
    :tenant, wfstore_uuid7(now()), '01890000-0000-7000-8000-0000000000b0', 'idle', now() + interval '1 day', false
);
INSERT INTO execution_queue (tenant_id, execution_id, workflow_id, ready, parked_by)
VALUES (:tenant, wfstore_uuid7(now()), '01890000-0000-7000-8000-0000000000b1', false, 'WORKFLOW');
INSERT INTO execution_signals (tenant_id, execution_id, id, name)
SELECT tenant_id, execution_id, wfstore_uuid7(now()), wait_signal FROM execution_queue WHERE status = 'WAITING';
INSERT INTO concurrency_limits (tenant_id, concurrency_key) VALUES (:tenant, 'k1');
INSERT INTO execution_pauses (tenant_id, kind, name)
VALUES (:tenant, 'WORKFLOW', '01890000-0000-7000-8000-0000000000b2');
INSERT INTO execution_keys (tenant_id, idempotency_key, execution_id, expires_at) VALUES (:tenant, 'x', :running, now());
INSERT INTO dead_letters (tenant_id, execution_id, workflow_id, queue, failures, reason, died_at)
SELECT tenant_id, execution_id, workflow_id, 'default', 3, '', now()
FROM workflow_executions
WHERE status = 'ERROR';
INSERT INTO execution_signals (tenant_id, execution_id, id, name, payload, expires_at, consumed_at, consumed_by)
VALUES
    (:tenant, :running, wfstore_uuid7(now()), 'bare', NULL, NULL, NULL, NULL),
    (:tenant, :running, wfstore_uuid7(now()), 'x', '{}', now() + interval '1 day', now(), 'x');
INSERT INTO node_executions (tenant_id, execution_id, node_id, node_type, status)
SELECT tenant_id, execution_id, 'n0', 'ACTION', 'ERROR' FROM workflow_executions;
INSERT INTO node_executions (
    tenant_id, execution_id, node_id, run_index, node_type, status, start_time, end_time, input_data, output_data,
    error_data
)
SELECT tenant_id, execution_id, 'n0', 1, 'ACTION', 'SUCCESS', 1, 5, '{}', '{}', '{}' FROM workflow_executions;

INSERT INTO retention_policies (table_name, keep) VALUES ('nothing', NULL);

-- One migration of which nothing is recorded, one without its content, one that breaks older releases.
DELETE FROM wfstore_migrations WHERE migration_id = '0003.tenants';
UPDATE wfstore_migrations SET content_hash = NULL WHERE migration_id = '0004.users';
UPDATE wfstore_migrations SET breaking = true WHERE migration_id = '0005.workflows';
INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 4711);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'workflow_terms_workflow_idx'::regclass;
