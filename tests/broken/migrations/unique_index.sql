-- expect: tenant-key 3:40
CREATE TABLE toys_b (tenant_id uuid NOT NULL, name text);
CREATE UNIQUE INDEX toys_b_name_idx ON toys_b (name);
