-- expect: untyped-parameter 5:14
-- name: shout(text)$
-- A sentence.
-- returns: str|None
SELECT upper(:text) AS loud;
