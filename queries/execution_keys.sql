-- Which execution came of a caller's idempotency key.

-- name: delete_expired(limit, now, tenant_id)!
-- Remove keys that may be used anew, at most :limit.
-- returns: int
-- repeat: safe
DELETE FROM execution_keys
WHERE tenant_id = :tenant_id
    AND idempotency_key IN (
        SELECT k.idempotency_key
        FROM execution_keys AS k
        WHERE k.tenant_id = :tenant_id
            AND k.expires_at <= :now
        LIMIT :limit
    );

-- name: get_many(idempotency_keys, tenant_id)
-- The executions of these keys.
-- returns: IdempotencyKey  rows: 0..n
SELECT tenant_id, idempotency_key, execution_id, expires_at
FROM execution_keys
WHERE tenant_id = :tenant_id
    AND idempotency_key = ANY(:idempotency_keys::text[]);
