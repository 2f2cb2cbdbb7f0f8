-- expect: tenant-key 4:24
CREATE TABLE toys (
    tenant_id uuid NOT NULL,
    name text NOT NULL CONSTRAINT toys_name_key UNIQUE
);
