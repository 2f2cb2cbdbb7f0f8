-- expect: sql-function 3:24
CREATE FUNCTION first_user() RETURNS uuid LANGUAGE sql
RETURN (SELECT id FROM users LIMIT 1);
