-- allow: sql-function (a sample of what the top of a file may excuse)
CREATE TABLE pets (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL DEFAULT 'cat',
    CONSTRAINT pets_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT pets_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT pets_policy_fkey FOREIGN KEY (kind) REFERENCES retention_policies (table_name),
    CONSTRAINT pets_user_fkey FOREIGN KEY (tenant_id, id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
ALTER TABLE pets ADD COLUMN age integer NOT NULL DEFAULT 0, ADD COLUMN note text;
ALTER TABLE pets ADD CONSTRAINT pets_age_check CHECK (age >= 0);
CREATE UNIQUE INDEX pets_kind_idx ON pets (tenant_id, kind);
CREATE TRIGGER pets_touch BEFORE UPDATE ON pets FOR EACH ROW EXECUTE FUNCTION wfstore_touch_updated_at();
CREATE FUNCTION pets_count() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM pets
$$;
CREATE FUNCTION pets_add(a integer, b integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN a + b;
CREATE FUNCTION pets_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- NOTIFY and pg_notify() and TG_TABLE_NAME, in a comment
    RAISE NOTICE 'NOTIFY pg_notify(TG_TABLE_NAME)';
    RETURN NEW;
END
$$;
-- allow: not-on-citus (a sample of what a comment above a statement may excuse)
ALTER TABLE pets ALTER COLUMN kind SET STATISTICS 1000;
