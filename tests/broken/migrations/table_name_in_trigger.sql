-- expect: trigger 5:25
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- TG_TABLE_NAME in a comment is nothing
    RAISE NOTICE 'ä %', TG_TABLE_NAME;
    RETURN NEW;
END
$$;
