-- expect: tenant-key 4:22
CREATE TABLE late (id uuid NOT NULL);
ALTER TABLE late ADD COLUMN tenant_id uuid;
ALTER TABLE late ADD CONSTRAINT late_key UNIQUE (id, tenant_id);
