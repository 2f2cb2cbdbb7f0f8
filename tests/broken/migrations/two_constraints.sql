-- expect: mixed-alter 4:9
ALTER TABLE users
    ADD CONSTRAINT users_a CHECK (name <> 'a'),
    ADD CONSTRAINT users_b CHECK (name <> 'b');
