-- expect: tenant-unbound 5:13
-- name: add(id)!
-- A sentence.
-- returns: int
INSERT INTO users (id, email)
VALUES (:id, 'a@b');
