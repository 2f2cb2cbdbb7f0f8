-- expect: session-call 5:8
-- name: tell(tenant_id)$
-- A sentence.
-- returns: str|None
SELECT pg_notify('users', count(*)::text)::text AS told
FROM users
WHERE tenant_id = :tenant_id;
