-- Whether the schema suits this release.

-- name: applied()
-- The ids of all migrations that are marked as applied.
-- returns: str
-- not-null: migration_id (yoyo writes it with every mark)
-- allow: no-cap (as many rows as there are migrations, all of which are compared)
SELECT migration_id
FROM _yoyo_migration
ORDER BY migration_id;

-- name: breaking()
-- The ids of applied migrations that releases which do not know them must refuse.
-- returns: str
-- allow: no-cap (as many rows as there are migrations, all of which are compared)
SELECT migration_id
FROM wfstore_migrations
WHERE breaking
ORDER BY migration_id;

-- name: exists()$
-- Whether wfstore's tables are there at all.
-- returns: bool
SELECT to_regclass('public._yoyo_migration') IS NOT NULL
    AND to_regclass('public.wfstore_migrations') IS NOT NULL;
