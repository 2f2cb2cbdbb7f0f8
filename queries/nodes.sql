-- The nodes of workflows: a projection of their documents, written by saves.

-- name: get(node_id, tenant_id, workflow_id)^
-- One node.
-- returns: Node            rows: 0..1
SELECT
    tenant_id, workflow_id, node_id, node_type, node_subtype, integration, type_version, name, description,
    disabled, position_x, position_y, parameters, credentials, error_handling, max_retries, retry_wait_time,
    notes, webhooks, ordinal
FROM nodes
WHERE tenant_id = :tenant_id
    AND workflow_id = :workflow_id
    AND node_id = :node_id;

-- name: page_by_workflow(after_ordinal, limit, tenant_id, workflow_id)
-- A workflow's nodes in the order of its document.
-- returns: Node            rows: 0..limit
SELECT
    tenant_id, workflow_id, node_id, node_type, node_subtype, integration, type_version, name, description,
    disabled, position_x, position_y, parameters, credentials, error_handling, max_retries, retry_wait_time,
    notes, webhooks, ordinal
FROM nodes
WHERE tenant_id = :tenant_id
    AND workflow_id = :workflow_id
    AND ordinal > :after_ordinal
ORDER BY ordinal
LIMIT :limit;

-- name: remove_others(node_ids, tenant_id, workflow_id)!
-- Remove the nodes of one workflow that are not among these, with their connections.
-- returns: int
-- repeat: safe
DELETE FROM nodes
WHERE tenant_id = :tenant_id
    AND workflow_id = :workflow_id
    AND node_id <> ALL(:node_ids::text[]);

-- name: upsert_many(credentials, descriptions, disabled, error_handlings, integrations, max_retries, names, node_ids, node_subtypes, node_types, notes, ordinals, parameters, positions_x, positions_y, retry_wait_times, tenant_id, type_versions, webhooks, workflow_id)!
-- Write nodes of one workflow, one for each place of the arrays; rows that are the same already are not touched.
-- returns: int
-- repeat: safe
INSERT INTO nodes AS n (
    tenant_id, workflow_id, node_id, node_type, node_subtype, integration, type_version, name, description,
    disabled, position_x, position_y, parameters, credentials, error_handling, max_retries, retry_wait_time,
    notes, webhooks, ordinal
)
SELECT
    :tenant_id::uuid, :workflow_id::uuid, item.node_id, item.node_type, item.node_subtype, item.integration,
    item.type_version, item.name, item.description, item.disabled, item.position_x, item.position_y, item.parameters,
    item.credentials, item.error_handling, item.max_retries, item.retry_wait_time, item.notes,
    ARRAY(SELECT jsonb_array_elements_text(item.webhooks)), item.ordinal
FROM unnest(
    :node_ids::text[], :node_types::text[], :node_subtypes::text[], :integrations::text[], :type_versions::numeric[],
    :names::text[], :descriptions::text[], :disabled::boolean[], :positions_x::double precision[],
    :positions_y::double precision[], :parameters::jsonb[], :credentials::jsonb[], :error_handlings::text[],
    :max_retries::integer[], :retry_wait_times::integer[], :notes::text[], :webhooks::jsonb[],
    :ordinals::integer[]
) AS item (
    node_id, node_type, node_subtype, integration, type_version, name, description, disabled, position_x,
    position_y, parameters, credentials, error_handling, max_retries, retry_wait_time, notes, webhooks, ordinal
)
ON CONFLICT (tenant_id, workflow_id, node_id) DO UPDATE
SET node_type = excluded.node_type,
    node_subtype = excluded.node_subtype,
    integration = excluded.integration,
    type_version = excluded.type_version,
    name = excluded.name,
    description = excluded.description,
    disabled = excluded.disabled,
    position_x = excluded.position_x,
    position_y = excluded.position_y,
    parameters = excluded.parameters,
    credentials = excluded.credentials,
    error_handling = excluded.error_handling,
    max_retries = excluded.max_retries,
    retry_wait_time = excluded.retry_wait_time,
    notes = excluded.notes,
    webhooks = excluded.webhooks,
    ordinal = excluded.ordinal
-- By image, not by value: to jsonb and numeric 1 and 1.0 are equal, to the document they are not.
WHERE n *<> excluded;
