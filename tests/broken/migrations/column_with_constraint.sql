-- expect: mixed-alter 2:42
ALTER TABLE users ADD COLUMN age integer CONSTRAINT users_age_check CHECK (age > 0);
