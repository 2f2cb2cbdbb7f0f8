-- What `wfstore check` asks the catalog, and how it puts itself into the place of whoever runs a query.

-- name: check_constraints(column_number, table_oid)
-- The CHECK constraints that are about one column alone.
-- returns: str
-- role: owner
-- not-null: pg_get_constraintdef (of a constraint that was just read)
SELECT pg_get_constraintdef(c.oid)
FROM pg_catalog.pg_constraint AS c
WHERE c.conrelid = :table_oid::oid
    AND c.contype = 'c'
    AND c.conkey = array_append('{}', :column_number::smallint)
ORDER BY c.conname;

-- name: columns(table_name)
-- The columns of a table or view in their order; none where there is nothing of this name.
-- returns: CatalogColumn
-- role: owner
SELECT
    a.attname AS name,
    a.attnotnull AS not_null,
    t.typname AS type
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(:table_name::text)
    AND a.attnum > 0
    AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: end_statement()!
-- Forget the statement that was prepared to be looked at.
-- returns: int
DEALLOCATE wfstore_check;

-- name: function(name, schema_name)^
-- What holds for every function of a name. An extension's overload (citext has a max) behaves as the original does.
-- returns: CatalogFunction rows: 1
-- role: owner
SELECT
    coalesce(bool_and(p.pronamespace = 'pg_catalog'::regnamespace), false) AS builtin,
    coalesce(bool_and(p.proisstrict), false) AS strict,
    coalesce(bool_or(p.prokind = 'a'), false) AS aggregate,
    coalesce(bool_or(p.proretset), false) AS returns_set
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.proname = :name
    AND n.nspname = coalesce(:schema_name::text, n.nspname)
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_proc'::regclass
            AND d.objid = p.oid
            AND d.deptype = 'e'
    );

-- name: function_names()
-- The functions in reach.
-- returns: str
-- role: owner
SELECT DISTINCT proname
FROM pg_catalog.pg_proc
WHERE pg_function_is_visible(oid)
ORDER BY proname;

-- name: operator(name)^
-- What holds for every operator of a name, those of extensions aside.
-- returns: CatalogOperator rows: 1
-- role: owner
SELECT
    coalesce(bool_and(o.oprnamespace = 'pg_catalog'::regnamespace), false) AS builtin,
    coalesce(bool_and(p.proisstrict), false) AS strict
FROM pg_catalog.pg_operator AS o
JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
WHERE o.oprname = :name
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_operator'::regclass
            AND d.objid = o.oid
            AND d.deptype = 'e'
    );

-- name: table_names()
-- The tables and views in reach, beside PostgreSQL's own.
-- returns: str
-- role: owner
SELECT relname
FROM pg_catalog.pg_class
WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
    AND relnamespace <> 'pg_catalog'::regnamespace
    AND pg_table_is_visible(oid)
ORDER BY relname;

-- name: type(oid)^
-- One type: its name, its kind as pg_type has it, and what it is made of.
-- returns: CatalogType
-- role: owner
SELECT
    typname AS name,
    typtype::text AS kind,
    CASE WHEN typcategory = 'A' THEN typelem END AS element,
    nullif(typbasetype, 0) AS base
FROM pg_catalog.pg_type
WHERE oid = :oid::oid;

-- name: type_names()
-- The types in reach, those of tables and arrays aside.
-- returns: str
-- role: owner
SELECT typname
FROM pg_catalog.pg_type
WHERE typtype IN ('b', 'd', 'e', 'r', 'm')
    AND typcategory <> 'A'
    AND pg_type_is_visible(oid)
ORDER BY typname;

-- name: use_generic_plans()$
-- Plan without the values of parameters, until the transaction ends.
-- returns: str
SELECT set_config('plan_cache_mode', 'force_generic_plan', true);

-- name: work_as(role)!
-- Work as another role until the transaction ends.
-- returns: int
-- binding: client
SET LOCAL ROLE :role;
