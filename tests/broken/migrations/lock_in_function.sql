-- expect: session-call 2:64
CREATE FUNCTION lock_it() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_lock(1)';
