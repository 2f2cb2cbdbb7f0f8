-- The edges of workflows: a projection of their documents, written by saves.

-- name: get(ordinal, tenant_id, workflow_id)^
-- One connection by its place in the document.
-- returns: NodeConnection  rows: 0..1
SELECT
    tenant_id, workflow_id, ordinal, source_node_id, source_index, target_node_id, target_index,
    connection_type, label, conditions
FROM node_connections
WHERE tenant_id = :tenant_id
    AND workflow_id = :workflow_id
    AND ordinal = :ordinal;

-- name: page_by_workflow(after_ordinal, limit, tenant_id, workflow_id)
-- A workflow's connections in the order of its document.
-- returns: NodeConnection  rows: 0..limit
SELECT
    tenant_id, workflow_id, ordinal, source_node_id, source_index, target_node_id, target_index,
    connection_type, label, conditions
FROM node_connections
WHERE tenant_id = :tenant_id
    AND workflow_id = :workflow_id
    AND ordinal > :after_ordinal
ORDER BY ordinal
LIMIT :limit;

-- name: remove_others(ordinals, tenant_id, workflow_id)!
-- Remove the connections of one workflow that are not at these places.
-- returns: int
-- repeat: safe
DELETE FROM node_connections
WHERE tenant_id = :tenant_id
    AND workflow_id = :workflow_id
    AND ordinal <> ALL(:ordinals::integer[]);

-- name: upsert_many(conditions, connection_types, labels, ordinals, source_indexes, source_node_ids, target_indexes, target_node_ids, tenant_id, workflow_id)!
-- Write connections of one workflow, one for each place of the arrays; rows that are the same already are not touched.
-- returns: int
-- repeat: safe
INSERT INTO node_connections AS c (
    tenant_id, workflow_id, ordinal, source_node_id, source_index, target_node_id, target_index,
    connection_type, label, conditions
)
SELECT
    :tenant_id::uuid, :workflow_id::uuid, item.ordinal, item.source_node_id, item.source_index,
    item.target_node_id, item.target_index, item.connection_type, item.label, item.conditions
FROM unnest(
    :ordinals::integer[], :source_node_ids::text[], :source_indexes::integer[], :target_node_ids::text[],
    :target_indexes::integer[], :connection_types::text[], :labels::text[], :conditions::jsonb[]
) AS item (
    ordinal, source_node_id, source_index, target_node_id, target_index, connection_type, label, conditions
)
ON CONFLICT (tenant_id, workflow_id, ordinal) DO UPDATE
SET source_node_id = excluded.source_node_id,
    source_index = excluded.source_index,
    target_node_id = excluded.target_node_id,
    target_index = excluded.target_index,
    connection_type = excluded.connection_type,
    label = excluded.label,
    conditions = excluded.conditions
-- By image, not by value: to jsonb 1 and 1.0 are equal, to the document they are not.
WHERE c *<> excluded;
