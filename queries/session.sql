-- What a connection is told, and asked, before it works for a tenant.

-- name: begin()!
-- Begin a transaction: as a statement, as psycopg's own BEGIN is a round trip even inside a pipeline.
-- returns: int
BEGIN;

-- name: commit()!
-- End the transaction: as a statement, so that it travels in the same round trip as those before it.
-- returns: int
COMMIT;

-- name: facts()^
-- Who works on this connection, and whether row-level security binds it.
-- returns: SessionFacts
-- not-null: is_bound (columns of a view, of which the catalog does not say that they never are)
SELECT
    current_user::text AS role,
    NOT (
        role.rolsuper
        OR role.rolbypassrls
        OR pg_has_role(current_user, 'wfstore_owner', 'USAGE')
    ) AS is_bound,
    coalesce(current_setting('wfstore.tenant_id', true), '') AS tenant_setting,
    current_setting('server_version_num')::integer AS server_version
FROM pg_catalog.pg_roles AS role
WHERE role.rolname = current_user;

-- name: set_up(idle_in_transaction_timeout)^
-- Let the server end a transaction of this session that does nothing for so long: it would hold its locks. Compile no
-- plans: each of ours runs for less time than that takes. And read no table from its beginning to its end where there
-- is an index: a plan that was made while the queue was empty would go on to do so when it is full. And plan what is
-- prepared once, for all arguments: with many partitions planning takes longer than what is planned. Compress payloads
-- by lz4 where the server has it: a writer waits a fifth of the time that pglz takes.
-- returns: SessionSettings
SELECT
    set_config('idle_in_transaction_session_timeout', :idle_in_transaction_timeout::text, false)
        AS idle_in_transaction_timeout,
    set_config('jit', 'off', false) AS jit,
    set_config('enable_seqscan', 'off', false) AS enable_seqscan,
    set_config('plan_cache_mode', 'force_generic_plan', false) AS plan_cache_mode,
    coalesce(
        (
            SELECT set_config('default_toast_compression', 'lz4', false)
            FROM pg_catalog.pg_settings AS s
            WHERE s.name = 'default_toast_compression'
                AND 'lz4' = ANY(s.enumvals)
        ),
        current_setting('default_toast_compression')
    ) AS default_toast_compression;

-- name: plan_anew()!
-- Let what follows in this transaction be planned for its arguments.
-- returns: int
SET LOCAL plan_cache_mode = force_custom_plan;

-- name: in_order_of_index()^
-- Let plans of this transaction take rows in an index's order and never sort them: a queue fills and empties faster
-- than statistics are made, and without them the planner would read all that is ready, to sort it, for a few. A sort
-- that cannot be avoided then counts as so dear that the server would compile its plan, on connections not set up.
-- returns: SessionOrder
SELECT set_config('enable_sort', 'off', true) AS enable_sort, set_config('jit', 'off', true) AS jit;

-- name: set_tenants(tenant_ids)!
-- Work for these tenants (ids, joined by commas) until the transaction ends.
-- returns: int
-- binding: client
SET LOCAL wfstore.tenant_id = :tenant_ids;

-- name: lazily()!
-- Let the commit of this transaction not wait for the disk: for what may be lost in a crash.
-- returns: int
SET LOCAL synchronous_commit = off;

-- name: listen()!
-- Hear on this connection of queues in which something became ready.
-- returns: int
LISTEN wfstore_ready;

-- name: woken()
-- In which queues the triggers of this transaction have made something ready.
-- returns: str     rows: one for each queue
SELECT told.queue
FROM jsonb_object_keys(coalesce(nullif(current_setting('wfstore.woken', true), ''), '{}')::jsonb) AS told (queue);

-- name: notify(queues)
-- Tell whoever listens that something became ready in these queues.
-- returns: str     rows: one for each queue
SELECT concat(pg_notify('wfstore_ready', told.queue)::text, told.queue) AS told
FROM (SELECT DISTINCT unnest(:queues::text[]) AS queue) AS told;
