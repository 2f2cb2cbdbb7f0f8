-- expect: tenant-key 5:5
CREATE TABLE pets (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    CONSTRAINT pets_pkey PRIMARY KEY (id)
);
