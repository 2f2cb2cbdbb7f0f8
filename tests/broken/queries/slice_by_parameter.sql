-- expect: slice 5:26
-- name: some(items, n)$
-- A sentence.
-- returns: str
SELECT (:items::text[])[1:n] AS some;
