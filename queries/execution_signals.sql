-- What people and other systems tell executions.

-- name: add(execution_id, expires_at, id, name, payload, tenant_id)!
-- Send a signal to an execution that has not ended; the same id again does nothing.
-- returns: int
-- repeat: safe
INSERT INTO execution_signals AS s (tenant_id, execution_id, id, name, payload, expires_at)
SELECT q.tenant_id, q.execution_id, :id::uuid, :name::text, :payload::jsonb, :expires_at::timestamptz
FROM execution_queue AS q
WHERE q.tenant_id = :tenant_id
    AND q.execution_id = :execution_id
ON CONFLICT (tenant_id, execution_id, id) DO NOTHING;

-- name: delete_by_execution(execution_id, tenant_id)!
-- Forget what an execution was told.
-- returns: int
-- repeat: safe
DELETE FROM execution_signals
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id;

-- name: page_by_execution(after_id, execution_id, limit, tenant_id)
-- An execution's signals, oldest first.
-- returns: ExecutionSignal rows: 0..limit
SELECT tenant_id, execution_id, id, name, payload, created_at, expires_at, consumed_at, consumed_by
FROM execution_signals
WHERE tenant_id = :tenant_id
    AND execution_id = :execution_id
    AND id > :after_id
ORDER BY id
LIMIT :limit;

-- name: take(attempt, consumer, execution_id, name, now, tenant_id)^
-- Take the oldest signal of a name under a lease, or the one that this consumer took before. No row: the lease is
-- lost; a row without a signal: there is none.
-- returns: TakenSignal     rows: 0..1
-- locks: its execution_queue row FOR SHARE, the signal
-- repeat: safe
WITH held AS (
    SELECT q.tenant_id, q.execution_id
    FROM execution_queue AS q
    WHERE q.tenant_id = :tenant_id
        AND q.execution_id = :execution_id
        AND q.attempt = :attempt
        AND q.status = 'RUNNING'
    FOR SHARE
),
next AS (
    SELECT s.tenant_id, s.execution_id, s.id
    FROM execution_signals AS s
    JOIN held
        ON held.tenant_id = s.tenant_id
        AND held.execution_id = s.execution_id
    WHERE s.tenant_id = :tenant_id
        AND s.execution_id = :execution_id
        AND s.name = :name
        AND (
            s.consumed_by = :consumer
            OR (s.consumed_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > :now))
        )
    -- by the server's clock first: ids of one millisecond come in no order
    ORDER BY (s.consumed_at IS NULL), s.created_at, s.id
    LIMIT 1
    FOR UPDATE OF s
),
taken AS (
    UPDATE execution_signals AS s
    SET consumed_at = coalesce(s.consumed_at, :now::timestamptz),
        consumed_by = :consumer
    FROM next
    WHERE s.tenant_id = :tenant_id
        AND s.execution_id = :execution_id
        AND s.id = next.id
    RETURNING s.tenant_id, s.execution_id, s.id, s.payload, s.created_at
)
SELECT held.execution_id, taken.id, taken.payload, taken.created_at
FROM held
LEFT JOIN taken
    ON taken.tenant_id = held.tenant_id
    AND taken.execution_id = held.execution_id;
