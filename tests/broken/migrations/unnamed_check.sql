-- expect: constraint-name 4:18
CREATE TABLE cups (
    id uuid NOT NULL CONSTRAINT cups_pkey PRIMARY KEY,
    size integer CHECK (size > 0)
);
