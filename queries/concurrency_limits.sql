-- How many executions of one key run at once.

-- name: delete(concurrency_key, tenant_id)!
-- Forget a key's limit; what waits for a place is let in by `refill`.
-- returns: int
-- repeat: safe
DELETE FROM concurrency_limits
WHERE tenant_id = :tenant_id
    AND concurrency_key = :concurrency_key;

-- name: get(concurrency_key, tenant_id)^
-- The limit of one key.
-- returns: ConcurrencyLimit        rows: 0..1
SELECT tenant_id, concurrency_key, max_running, created_at, updated_at
FROM concurrency_limits
WHERE tenant_id = :tenant_id
    AND concurrency_key = :concurrency_key;

-- name: page(after_key, limit, tenant_id)
-- Limits by key.
-- returns: ConcurrencyLimit        rows: 0..limit
SELECT tenant_id, concurrency_key, max_running, created_at, updated_at
FROM concurrency_limits
WHERE tenant_id = :tenant_id
    AND concurrency_key > :after_key
ORDER BY concurrency_key
LIMIT :limit;

-- name: page_use(after_key, limit, tenant_id)
-- Limits by key, with how many executions of each run and how many wait for a place.
-- returns: ConcurrencyUse          rows: 0..limit
-- index: concurrency_limits_pkey
SELECT l.tenant_id, l.concurrency_key, l.max_running, taken.running, held.parked
FROM (
    SELECT c.tenant_id, c.concurrency_key, c.max_running
    FROM concurrency_limits AS c
    WHERE c.tenant_id = :tenant_id
        AND c.concurrency_key > :after_key
    ORDER BY c.concurrency_key
    LIMIT :limit
) AS l
CROSS JOIN LATERAL (
    SELECT count(*) AS running
    FROM execution_queue AS q
    WHERE q.tenant_id = :tenant_id
        AND q.concurrency_key = l.concurrency_key
        AND q.status = 'RUNNING'
) AS taken
CROSS JOIN LATERAL (
    SELECT count(*) AS parked
    FROM execution_queue AS q
    WHERE q.tenant_id = :tenant_id
        AND q.concurrency_key = l.concurrency_key
        AND q.parked_by = 'CONCURRENCY'
) AS held
ORDER BY l.concurrency_key;

-- name: refill(concurrency_key, tenant_id)$
-- Let in the next executions of a key, as many as it has free places; how many they were.
-- returns: int
-- locks: its concurrency_limits row; execution_queue rows, SKIP LOCKED
-- not-null: wfstore_refill (it returns a count)
SELECT wfstore_refill(:tenant_id::uuid, :concurrency_key::text);

-- name: set_limit(concurrency_key, max_running, tenant_id)!
-- Set how many executions of a key may run at once; those that run already go on.
-- returns: int
-- repeat: safe
INSERT INTO concurrency_limits AS l (tenant_id, concurrency_key, max_running)
VALUES (:tenant_id, :concurrency_key, :max_running)
ON CONFLICT (tenant_id, concurrency_key) DO UPDATE
SET max_running = excluded.max_running;
