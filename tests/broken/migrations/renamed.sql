-- expect: constraint-name 2:13
ALTER TABLE users RENAME CONSTRAINT users_pkey TO people_pkey;
