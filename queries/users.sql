-- The people of a tenant. E-mail addresses are kept in lower case.

-- name: create(avatar_url, email, id, name, role, tenant_id)^
-- Add a user.
-- returns: User            rows: 1
-- raises: AlreadyExists
INSERT INTO users (tenant_id, id, email, name, avatar_url, role)
VALUES (:tenant_id, :id, lower(:email::text), :name, :avatar_url::text, :role)
RETURNING tenant_id, id, email, name, avatar_url, is_active, role, created_at, updated_at;

-- name: delete(id, tenant_id)!
-- Remove a user who owns no workflows.
-- returns: int
-- raises: StillReferenced
-- repeat: safe
DELETE FROM users
WHERE tenant_id = :tenant_id
    AND id = :id;

-- name: get(id, tenant_id)^
-- One user by id.
-- returns: User            rows: 0..1
SELECT tenant_id, id, email, name, avatar_url, is_active, role, created_at, updated_at
FROM users
WHERE tenant_id = :tenant_id
    AND id = :id;

-- name: get_by_email(email, tenant_id)^
-- One user by e-mail address, in whatever case.
-- returns: User            rows: 0..1
-- index: users_email_key
SELECT tenant_id, id, email, name, avatar_url, is_active, role, created_at, updated_at
FROM users
WHERE tenant_id = :tenant_id
    AND email = lower(:email::text);

-- name: page(after_id, limit, tenant_id)
-- Users by id, which is the order of their creation.
-- returns: User            rows: 0..limit
SELECT tenant_id, id, email, name, avatar_url, is_active, role, created_at, updated_at
FROM users
WHERE tenant_id = :tenant_id
    AND id > :after_id
ORDER BY id
LIMIT :limit;

-- name: update(avatar_url, email, id, is_active, name, role, tenant_id)^
-- Change a user.
-- returns: User            rows: 0..1
-- raises: AlreadyExists
-- repeat: safe
UPDATE users
SET email = lower(:email::text),
    name = :name,
    avatar_url = :avatar_url::text,
    is_active = :is_active,
    role = :role
WHERE tenant_id = :tenant_id
    AND id = :id
RETURNING tenant_id, id, email, name, avatar_url, is_active, role, created_at, updated_at;
