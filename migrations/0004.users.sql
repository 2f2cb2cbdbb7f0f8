-- depends: 0003.tenants
-- why:   The people of a tenant.
-- phase: expand      lock: SHARE ROW EXCLUSIVE on tenants, for the foreign key
-- undo:  0004.users.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';
SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

CREATE TABLE users (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    -- An expression index on lower(email) is no index at all under row-level security: only leakproof
    -- operators may look before the policy has, so the address itself is kept in lower case.
    email text NOT NULL
        CONSTRAINT users_email_check CHECK (email = lower(email) AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    name text NOT NULL DEFAULT '',
    avatar_url text,
    is_active boolean NOT NULL DEFAULT true,
    role text NOT NULL DEFAULT 'user' CONSTRAINT users_role_check CHECK (role <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT users_email_key UNIQUE (tenant_id, email),
    CONSTRAINT users_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
COMMENT ON TABLE users IS 'The people of a tenant: owners of workflows, authors of versions.';
COMMENT ON COLUMN users.tenant_id IS 'The tenant.';
COMMENT ON COLUMN users.id IS 'UUIDv7, made by the client.';
COMMENT ON COLUMN users.email IS 'Address in lower case, unique in the tenant.';
COMMENT ON COLUMN users.name IS 'Name as shown.';
COMMENT ON COLUMN users.avatar_url IS 'Picture, if any.';
COMMENT ON COLUMN users.is_active IS 'False: may not sign in; what they made stays.';
COMMENT ON COLUMN users.role IS 'Role inside the tenant; the engine gives it its meaning.';
COMMENT ON COLUMN users.created_at IS 'When the row was written.';
COMMENT ON COLUMN users.updated_at IS 'When the row last changed.';

CREATE TRIGGER users_touch BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION wfstore_touch_updated_at();
CREATE POLICY users_tenant ON users
    USING (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (tenant_id::text = current_setting('wfstore.tenant_id', true) OR tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON users TO wfstore_app;
GRANT SELECT ON users TO wfstore_readonly;
