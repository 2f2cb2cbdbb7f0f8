-- Which execution came of a caller's idempotency key.

-- name: delete_expired(limit, now, tenant_id)!
-- Remove keys that may be used anew, at most :limit.
-- plan: custom
-- returns: int
-- locks: execution_keys rows, SKIP LOCKED
-- index: execution_keys_expires_idx
-- repeat: safe
DELETE FROM execution_keys
WHERE tenant_id = :tenant_id
    -- By their places: any plan for a join may read all keys of a tenant for the sake of a few.
    AND ctid = ANY(
        ARRAY(
            SELECT k.ctid
            FROM execution_keys AS k
            WHERE k.tenant_id = :tenant_id
                AND k.expires_at <= :now
            ORDER BY k.expires_at
            LIMIT :limit
            FOR UPDATE SKIP LOCKED
        )
    );

-- name: get_many(idempotency_keys, tenant_id)
-- The executions of these keys.
-- returns: IdempotencyKey  rows: 0..n
SELECT k.tenant_id, k.idempotency_key, k.execution_id, k.expires_at
FROM (SELECT DISTINCT unnest(:idempotency_keys::text[]) AS idempotency_key) AS wanted
-- LATERAL and LIMIT: each by its key, never all that the tenant has.
CROSS JOIN LATERAL (
    SELECT known.tenant_id, known.idempotency_key, known.execution_id, known.expires_at
    FROM execution_keys AS known
    WHERE known.tenant_id = :tenant_id
        AND known.idempotency_key = wanted.idempotency_key
    LIMIT 1
) AS k;
