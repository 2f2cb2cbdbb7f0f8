-- expect: bad-exception 3:11
CREATE TABLE fine (id uuid NOT NULL CONSTRAINT fine_pkey PRIMARY KEY);
-- allow: sql-function (there is none here)
CREATE INDEX fine_idx ON fine (id);
