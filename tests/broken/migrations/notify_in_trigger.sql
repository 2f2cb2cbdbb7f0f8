-- expect: session-call 5:13
-- expect: session-call 6:5
CREATE FUNCTION tell_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('it', NEW.id::text);
    NOTIFY it;
    RETURN NEW;
END
$$;
