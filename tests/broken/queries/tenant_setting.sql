-- expect: tenant-unbound 6:6
-- name: count()$
-- A sentence.
-- returns: int
SELECT count(*)
FROM users
WHERE tenant_id = current_setting('wfstore.tenant_id', true)::uuid;
