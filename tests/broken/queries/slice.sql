-- expect: slice 5:27
-- name: some(items)$
-- A sentence.
-- returns: str
SELECT (:items::text[])[1 : 2] AS some;
