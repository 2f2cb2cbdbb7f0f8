-- The tenants. A session sees those that it works for.

-- name: create(id, name, settings, slug)^
-- Add a tenant; the session must already work for its id.
-- returns: Tenant          rows: 1
-- raises: AlreadyExists
INSERT INTO tenants (id, slug, name, settings)
VALUES (:id, :slug, :name, :settings::jsonb)
RETURNING id, slug, name, is_active, settings, created_at, updated_at;

-- name: delete(id)!
-- Remove a tenant that has no rows left anywhere.
-- returns: int
-- raises: StillReferenced
-- repeat: safe
DELETE FROM tenants
WHERE id = :id;

-- name: get(id)^
-- One tenant by id.
-- returns: Tenant          rows: 0..1
SELECT id, slug, name, is_active, settings, created_at, updated_at
FROM tenants
WHERE id = :id;

-- name: page(after_id, limit)
-- Tenants that this session works for, by id.
-- returns: Tenant          rows: 0..limit
SELECT id, slug, name, is_active, settings, created_at, updated_at
FROM tenants
WHERE id > :after_id
ORDER BY id
LIMIT :limit;

-- name: resolve(slug)$
-- The id of the active tenant of this slug; works before a session has a tenant.
-- returns: UUID|None
SELECT wfstore_tenant_id(:slug::text);

-- name: update(id, is_active, name, settings)^
-- Change a tenant's name, settings and whether it is served.
-- returns: Tenant          rows: 0..1
-- repeat: safe
UPDATE tenants
SET name = :name,
    is_active = :is_active,
    settings = :settings::jsonb,
    updated_at = now()
WHERE id = :id
RETURNING id, slug, name, is_active, settings, created_at, updated_at;
