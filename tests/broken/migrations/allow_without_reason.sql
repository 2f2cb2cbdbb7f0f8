-- expect: bad-exception 3:23
CREATE TABLE fine_too (id uuid NOT NULL CONSTRAINT fine_too_pkey PRIMARY KEY);
-- allow: sql-function
CREATE INDEX fine_too_idx ON fine_too (id);
