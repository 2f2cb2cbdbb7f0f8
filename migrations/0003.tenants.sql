-- depends: 0002.functions
-- why:   The tenants, and how long history is kept. Both are global: reference tables on Citus.
-- phase: expand      lock: none
-- undo:  0003.tenants.rollback.sql
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_local_reference_table_foreign_keys = off;
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL lock_timeout = '2s';
SET LOCAL row_security = off; -- a step that row-level security would silently filter fails instead
SET LOCAL ROLE wfstore_owner;

CREATE TABLE tenants (
    id uuid NOT NULL CONSTRAINT tenants_pkey PRIMARY KEY,
    slug text NOT NULL CONSTRAINT tenants_slug_key UNIQUE
        CONSTRAINT tenants_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    name text NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    settings jsonb NOT NULL DEFAULT '{}' CONSTRAINT tenants_settings_check CHECK (jsonb_typeof(settings) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tenants IS 'Who shares this database. Two are well known: the default one, and the system one (the nil UUID), whose definitions all tenants may read.';
COMMENT ON COLUMN tenants.id IS 'UUIDv7, made by the client; the nil UUID is the system tenant.';
COMMENT ON COLUMN tenants.slug IS 'Short name for people and addresses: a to z, 0 to 9 and inner hyphens, 63 at most.';
COMMENT ON COLUMN tenants.name IS 'Name as shown.';
COMMENT ON COLUMN tenants.is_active IS 'False: kept, but not to be served.';
COMMENT ON COLUMN tenants.settings IS 'Free-form settings, a JSON object.';
COMMENT ON COLUMN tenants.created_at IS 'When the row was written.';
COMMENT ON COLUMN tenants.updated_at IS 'When the row last changed; set by the queries, as on every global table.';

INSERT INTO tenants (id, slug, name)
VALUES
    ('00000000-0000-0000-0000-000000000000', 'system', 'System'),
    ('00000000-0000-7000-8000-000000000001', 'default', 'Default');

CREATE POLICY tenants_tenant ON tenants
    USING (id::text = current_setting('wfstore.tenant_id', true) OR id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]))
    WITH CHECK (id::text = current_setting('wfstore.tenant_id', true) OR id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', true), ''), ',')::uuid[]));
-- wfstore_tenant_id() finds a tenant before anybody is one.
CREATE POLICY tenants_owner ON tenants FOR SELECT TO wfstore_owner USING (true);
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenants TO wfstore_app;
GRANT SELECT ON tenants TO wfstore_worker, wfstore_readonly;

CREATE FUNCTION wfstore_tenant_id(wanted_slug text) RETURNS uuid
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN (SELECT tenants.id FROM tenants WHERE tenants.slug = wanted_slug AND tenants.is_active);
END
$$;
COMMENT ON FUNCTION wfstore_tenant_id(text) IS 'The id of the active tenant of this slug, or NULL. Tells one id, never a list: it runs as the owner.';
REVOKE ALL ON FUNCTION wfstore_tenant_id(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wfstore_tenant_id(text) TO wfstore_app, wfstore_worker, wfstore_readonly;

CREATE TABLE retention_policies (
    table_name text NOT NULL CONSTRAINT retention_policies_pkey PRIMARY KEY,
    keep interval CONSTRAINT retention_policies_keep_check CHECK (keep > interval '0'),
    partition_interval interval NOT NULL DEFAULT interval '7 days'
        CONSTRAINT retention_policies_partition_interval_check
        CHECK (partition_interval IN (interval '1 day', interval '7 days')),
    partitions_ahead integer NOT NULL DEFAULT 4
        CONSTRAINT retention_policies_partitions_ahead_check CHECK (partitions_ahead BETWEEN 1 AND 52),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE retention_policies IS 'How long history is kept and in which pieces, one row a partitioned table. Operators write it, everybody reads it.';
COMMENT ON COLUMN retention_policies.table_name IS 'The partitioned table; workflow_executions stands for node_executions too, whose partitions are its siblings.';
COMMENT ON COLUMN retention_policies.keep IS 'Periods that ended longer ago may be dropped; NULL keeps everything.';
COMMENT ON COLUMN retention_policies.partition_interval IS 'What one partition spans, in UTC; weeks begin on Monday.';
COMMENT ON COLUMN retention_policies.partitions_ahead IS 'How many partitions after the current one are made ahead.';
COMMENT ON COLUMN retention_policies.created_at IS 'When the row was written.';
COMMENT ON COLUMN retention_policies.updated_at IS 'When the row last changed; set by the queries, as on every global table.';

INSERT INTO retention_policies (table_name, keep)
VALUES ('workflow_executions', interval '90 days');

GRANT SELECT ON retention_policies TO wfstore_app, wfstore_worker, wfstore_readonly;
