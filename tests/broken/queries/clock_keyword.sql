-- expect: clock 5:8
-- name: today()$
-- A sentence.
-- returns: datetime
SELECT current_timestamp AS now;
