-- Right, though each looks like something that is not.

-- name: aggregate(tenant_id)
-- An aggregate without GROUP BY is one row.
-- returns: int
SELECT count(*)
FROM users
WHERE tenant_id = :tenant_id;

-- name: arrays(ids, tenant_ids)
-- Rows of arrays are as many as the arrays are long; the names stand in the statement.
-- returns: UUID|None
WITH item AS (
    SELECT i.*
    FROM unnest(:tenant_ids::uuid[], :ids::uuid[]) WITH ORDINALITY AS i (tenant_id, id, ordinal)
),
numbered AS (
    SELECT item.*, 1 AS one
    FROM item
)
SELECT u.id
FROM numbered
LEFT JOIN users AS u
    ON u.tenant_id = numbered.tenant_id
    AND u.id = numbered.id
ORDER BY numbered.ordinal;

-- name: bound_by_a_row(ids, tenant_ids)
-- A tenant may be compared inside of a row, and to a sub-select's.
-- returns: UUID
SELECT u.id
FROM users AS u
WHERE (u.tenant_id, u.id) IN (
    SELECT item.tenant_id, item.id
    FROM unnest(:tenant_ids::uuid[], :ids::uuid[]) AS item (tenant_id, id)
);

-- name: bound_by_using(tenant_id)$
-- USING joins on the tenant, too.
-- returns: int
SELECT count(*)
FROM users AS u
JOIN workflows AS w USING (tenant_id)
WHERE w.tenant_id = :tenant_id;

-- name: bound_through_three(tenant_id)$
-- One comparison binds all that are joined on it, whatever the order.
-- returns: int
SELECT count(*)
FROM workflow_terms AS t
JOIN nodes AS n
    ON n.tenant_id = t.tenant_id
    AND n.workflow_id = t.workflow_id
JOIN workflows AS w
    ON n.tenant_id = w.tenant_id
    AND n.workflow_id = w.id
WHERE w.tenant_id = :tenant_id;

-- name: catalog()
-- The server's own tables grow with the schema.
-- returns: str
-- role: owner
SELECT c.relname
FROM pg_catalog.pg_class AS c
WHERE c.relkind = 'r'
ORDER BY c.relname;

-- name: correlated(tenant_id)$
-- A sub-select may take the tenant from around it; EXISTS looks at no column.
-- returns: int
SELECT count(*)
FROM users AS u
WHERE u.tenant_id = :tenant_id
    AND EXISTS (
        SELECT *
        FROM workflows AS w
        WHERE w.tenant_id = u.tenant_id
            AND w.user_id = u.id
    );

-- name: cte_of_a_tables_name(tenant_id)$
-- A CTE called like a table is none.
-- returns: int
WITH users AS (
    SELECT 1 AS one
)
SELECT count(*)
FROM users
JOIN workflows AS w ON w.tenant_id = :tenant_id;

-- name: filter_of_columns(id, tenant_id)
-- OR between columns is no switch.
-- returns: str
SELECT name
FROM users
WHERE tenant_id = :tenant_id
    AND id = :id
    AND (avatar_url IS NULL OR avatar_url = name);

-- name: keyset(after_kind, after_term, limit, tenant_id, workflow_id)
-- Parameters in a row have the types of the columns in the other.
-- returns: str
SELECT term
FROM workflow_terms
WHERE tenant_id = :tenant_id
    AND workflow_id = :workflow_id
    AND (kind, term) > (:after_kind, :after_term)
ORDER BY kind, term
LIMIT :limit;

-- name: leak_beside_a_way_in(id, pattern, tenant_id)^
-- What is not leakproof may filter what an index has found.
-- returns: str|None
SELECT name
FROM users
WHERE tenant_id = :tenant_id
    AND id = :id
    AND name LIKE :pattern;

-- name: multiplied(factor)$
-- Signs and words in strings are neither: 100 percent, a:b, OFFSET, now().
-- returns: str
SELECT 'OFFSET now() :: -- it''s' || (:factor::integer * 2)::text AS text;

-- name: recursive(depth)
-- A recursion that a parameter ends.
-- returns: int
WITH RECURSIVE step (n) AS (
    SELECT 1
    UNION ALL
    SELECT step.n + 1
    FROM step
    WHERE step.n < :depth::integer
)
SELECT n
FROM step;

-- name: tell(channel, payload)$
-- NOTIFY by a client, in a statement of its own.
-- returns: str|None
-- unseen: told (it is of type void, an empty text)
SELECT pg_notify(:channel::text, :payload::text)::text AS told;

-- name: touch(id, tenant_id)!
-- A bare now() is what the triggers write, too.
-- returns: int
UPDATE users
SET updated_at = now()
WHERE tenant_id = :tenant_id
    AND id = :id;

-- name: union_of_keys(id, tenant_id)
-- Both sides are one row at most.
-- returns: UUID
SELECT u.id
FROM users AS u
WHERE u.tenant_id = :tenant_id
    AND u.id = :id
UNION ALL
SELECT w.id
FROM workflows AS w
WHERE w.tenant_id = :tenant_id
    AND w.id = :id;
