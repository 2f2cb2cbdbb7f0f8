-- expect: sql-function 3:26
CREATE FUNCTION count_users() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM users
$$;
