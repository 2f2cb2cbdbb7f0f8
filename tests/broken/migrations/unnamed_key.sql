-- expect: constraint-name 2:28
CREATE TABLE jugs (id uuid PRIMARY KEY);
