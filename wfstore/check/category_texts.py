"""The texts of the categories: key, group, title (a line without a full stop), and a paragraph.

What it is, why it is a fault, how to mend it. `wfstore.check.categories` makes the rest of them.
"""

from __future__ import annotations

from typing import Literal

Group = Literal["file", "server", "types", "habits", "tenants", "migrations"]

TEXTS: tuple[tuple[str, Group, str, str], ...] = (
    (
        "unreadable-file",
        "file",
        "A file that cannot be a namespace",
        "A query file is UTF-8, its name without `.sql` is an identifier, since it becomes the namespace "
        "(`queries/users.sql` is `queries.users`), and it holds a query. Save it as UTF-8, or rename it.",
    ),
    (
        "header",
        "file",
        "A header that is missing, or that cannot be read",
        "Each query begins with `-- name: snake_case(parameters, in, alphabetical, order)` and a suffix: `^` one row "
        "or None, `$` one value, `!` the number of rows changed, none for a list of rows. Lines of `--` follow, with "
        "at least one sentence, which becomes the method's docstring. Nothing but comments may stand before the first "
        "header: aiosql would drop it without a word.",
    ),
    (
        "missing-returns",
        "file",
        "A header that does not say what comes back",
        "`-- returns:` names the model of a row, or the type of a single value. Without it nobody knows what a call "
        "gives: not the editor, not mypy, not the reviewer. Add the line; for `!` it is `-- returns: int`.",
    ),
    (
        "duplicate-name",
        "file",
        "Two queries of one name in a file",
        "aiosql lets the later one replace the earlier one silently. Rename one of them.",
    ),
    (
        "undeclared-parameter",
        "file",
        "A parameter that the header does not declare",
        "The statement uses `:name`, and the list behind `-- name:` lacks it. The list is the method's signature. Add "
        "it there, or mend its spelling.",
    ),
    (
        "unused-parameter",
        "file",
        "A declared parameter that the statement does not use",
        "A caller would have to pass a value that does nothing: most often a condition that got lost. Use it, or take "
        "it out of the list.",
    ),
    (
        "one-statement",
        "file",
        "Not exactly one statement behind a header",
        "Behind a header stands one statement that ends in a semicolon. Two of them cannot be prepared, and only the "
        "last one's rows would come back. A second statement is a query with a header of its own; several queries make "
        "one operation in Python, in a transaction.",
    ),
    (
        "percent",
        "file",
        "A bare %",
        "psycopg reads `%` as the beginning of a placeholder, inside of strings too. Use `mod()` for the remainder, "
        "`starts_with()` or `position()` for what LIKE would do, or pass the pattern as a parameter.",
    ),
    (
        "slice",
        "file",
        "An array slice, or a colon that looks like one",
        "aiosql reads `a[1:2]` as `a[1` and a parameter. Write a function of the bounds, such as `trim_array()`, or "
        "take the elements apart with `unnest ... WITH ORDINALITY`.",
    ),
    (
        "misread",
        "file",
        "Text that aiosql reads otherwise than PostgreSQL",
        "aiosql finds parameters with a regular expression that knows neither `$$` bodies nor `E''` strings nor "
        "comments behind SQL, and it cuts out `/* */`. What it would misread is refused: put comments on lines of "
        "their own, write two quotes instead of `\\'`, move bodies into functions of a migration.",
    ),
    (
        "write-suffix",
        "file",
        "A suffix that does not fit the statement",
        "A statement without rows needs `!`, which gives the number of rows changed; one that returns rows must not "
        "have it, as it would throw them away. With aiosql alone, a write without suffix is a generator: if nobody "
        "iterates over it, it never runs.",
    ),
    (
        "bad-exception",
        "file",
        "An exception that is none",
        "`-- allow: category (reason)`, `-- not-null: column (reason)`, `-- nullable: column (reason)` and `-- unseen: "
        "column (reason)` need a known subject and a reason in parentheses, which a reviewer can weigh. One that no "
        "longer excuses anything is refused too: it would excuse the next fault unseen. Mend it, or take it out.",
    ),
    (
        "syntax",
        "server",
        "Text that is not SQL",
        "PostgreSQL's own parser (of version 18) does not accept the statement; the caret stands where it stopped "
        "reading. The fault is there or just before it: a missing comma, an unclosed parenthesis, a reserved word.",
    ),
    (
        "unknown-table",
        "server",
        "A table that is not there",
        "After all migrations there is no such table, view, CTE or alias in reach. The hint names the nearest ones. "
        "Mend the spelling, or write the migration first.",
    ),
    (
        "unknown-column",
        "server",
        "A column that is not there",
        "None of the tables in reach has such a column; or the alias before the point is another table's. The hint "
        "names the nearest ones.",
    ),
    (
        "unknown-function",
        "server",
        "A function or operator that is not there, for these types",
        "The name is wrong, or there is none for these types of arguments: then a cast on a parameter is missing.",
    ),
    (
        "unknown-type",
        "server",
        "A type that is not there",
        "A cast names a type that the database does not have. Mend the spelling, or make the type in a migration.",
    ),
    (
        "refused",
        "server",
        "A statement that PostgreSQL refuses for another reason",
        "The server does not prepare the statement; its own message says why. What it refuses here it would refuse at "
        "run time.",
    ),
    (
        "not-permitted",
        "server",
        "A statement that its role may not run",
        "Queries are run as `wfstore_app` or `wfstore_worker`; `-- role:` names another. None of those that may run it "
        "has been granted what it needs. Grant it in a migration, or name the role.",
    ),
    (
        "untyped-parameter",
        "types",
        "A parameter without a type of its own",
        "It is neither cast, nor compared to a plain column, nor written into one. The server then guesses its type "
        "from the operator or function, or takes text; a change elsewhere makes it another, and psycopg sends what "
        "does not fit. Write a cast: `:value::bigint`.",
    ),
    (
        "parameter-type",
        "types",
        "A parameter whose type is in doubt",
        "The server finds another type than the header or the other uses of the parameter say, or none that Python has "
        "a value for. Cast it to the type of the column.",
    ),
    (
        "missing-model",
        "types",
        "A model that is not there",
        "`-- returns:` names neither a pydantic model of the models' package nor a type of single values. Write the "
        "model, export it from the package, or mend the spelling.",
    ),
    (
        "missing-field",
        "types",
        "A column for which the model has no field",
        "Each column of the result needs a field of its name; otherwise the row cannot become a model. Add the field, "
        "or do not select the column.",
    ),
    (
        "extra-field",
        "types",
        "A field for which there is no column",
        "The model wants more than the statement selects, so no row can become one. Select the column, or use a model "
        "with fewer fields.",
    ),
    (
        "field-type",
        "types",
        "A field whose type is not the column's",
        "A value of the column's type does not validate as the field, strictly. Change the field, or cast the column.",
    ),
    (
        "nullability",
        "types",
        "A column that may be NULL where the model says never, or the reverse",
        "What is derived from NOT NULL and the joins of the statement differs from the model. A column of the nullable "
        "side of an outer join, of an aggregate over nothing, of a CASE without ELSE can be NULL. Change the field to "
        "`T | None` or back, or, where you know better than the derivation, say `-- not-null: column (reason)` or "
        "`-- nullable: column (reason)`.",
    ),
    (
        "select-star",
        "habits",
        "SELECT * or RETURNING *",
        "What it returns changes with every column that a migration adds: rows no longer fit their model, and wide "
        "columns are read for nothing. Name the columns. Inside a CTE or sub-select `i.*` is fine where the names "
        "stand in the same statement: in the column list of a function's alias, `FROM unnest(...) AS i (a, b)`, or in "
        "the select list of another CTE. So are `count(*)` and `EXISTS (SELECT * ...)`, which return no columns.",
    ),
    (
        "no-cap",
        "habits",
        "A list, or a claim, without a cap",
        "A query that returns a list works in tests and takes the process down when the table has ten million rows; a "
        "claim without LIMIT locks the whole backlog. Give it `LIMIT :limit`. No cap is needed where each table is "
        "held by equality or `= ANY(:array)` on all columns of a unique key, where the rows are those of arrays, or "
        "where an aggregate without GROUP BY makes one row of them; nor for the system catalogs, which grow with the "
        "schema and not with its use.",
    ),
    (
        "offset",
        "habits",
        "OFFSET",
        "The server reads and throws away all rows before the page, and rows that come or go meanwhile are skipped or "
        "shown twice. Begin the page behind the last key of the one before: `id > :after_id ORDER BY id LIMIT :limit`.",
    ),
    (
        "catch-all",
        "habits",
        "A filter that may be switched off by NULL",
        "`:x IS NULL OR col = :x` and `coalesce(:x, col) = col` have one plan for both cases once psycopg has prepared "
        "them, and it is a scan. So has any OR of which one side looks at parameters alone. Write one query per access "
        "path: `page`, `page_by_status`. The system catalogs are excepted: they are small.",
    ),
    (
        "clock",
        "habits",
        "A clock where a parameter belongs",
        "`now()`, `current_timestamp` and their like make a result that no test can repeat without sleeping, and that "
        "no replay gives again. Take `:now::timestamptz` as a parameter. A bare `now()` that an UPDATE assigns to "
        "`updated_at` is fine: it is what the triggers do.",
    ),
    (
        "locks-and-partitions",
        "habits",
        "Row locks beside partitions",
        "PostgreSQL 18 (18.6, at least) may read freed memory, and end with all its connections, where one statement "
        "locks rows (FOR UPDATE, FOR SHARE) and chooses partitions while it runs: once a row that it met or waited for "
        "has changed, the check anew takes with it what chooses them. Lock the rows in a statement of its own, before, "
        "in the same transaction, or let a function in plpgsql do one of the two. An INSERT may go into a partitioned "
        "table.",
    ),
    (
        "unknown-index",
        "habits",
        "A declared index that is not there",
        "`-- index:` names an index that no migration makes. Mend the spelling, or write the migration.",
    ),
    (
        "unserving-index",
        "habits",
        "A declared index that cannot serve the query",
        "With `enable_seqscan` off, as the role that runs it and with a generic plan, PostgreSQL does not use the "
        "index: its first columns are not compared, an operator is not leakproof, a partial index's condition is not "
        "in the query. Mend the query or the index, or take the line out.",
    ),
    (
        "tenant-unbound",
        "tenants",
        "A tenant's table without its tenant",
        "Each reference to a table that has `tenant_id`, in CTEs and sub-selects too, compares it to a parameter, or "
        "to the `tenant_id` of a reference that does; INSERT writes it. Row-level security would still hide other "
        "tenants' rows, but the server reads them all, and on Citus the statement visits every shard or is refused "
        "(DESIGN §8, rule 8). An outer join's condition binds its nullable side only.",
    ),
    (
        "not-leakproof",
        "tenants",
        "Only operators that row-level security keeps from indexes",
        "Before a policy has seen a row, only leakproof operators may: LIKE, `~`, `@>`, `&&`, `@@`, operators of jsonb "
        "and numeric, `lower(col) =` are not, so the statement reads every row of the tenant whatever index exists. "
        "Keep what is searched in a plain column of its own, or in a side table such as `workflow_terms`.",
    ),
    (
        "nested-clock",
        "tenants",
        "now() inside CASE or COALESCE of an UPDATE, or in DO UPDATE SET",
        "Citus refuses it (rule 9): each shard would have to evaluate it. A bare `SET col = now()` is evaluated once. "
        "Take the time as a parameter; in DO UPDATE SET use `excluded.col`.",
    ),
    (
        "volatile-update",
        "tenants",
        "A volatile function in an UPDATE",
        "Citus refuses it (rule 9), since shards and replicas would differ. Compute the value in the client, such as "
        "ids by `wfstore.uuid7()`, and pass it.",
    ),
    (
        "sub-select",
        "tenants",
        "A sub-select in VALUES or RETURNING",
        "Citus refuses it (rule 9). Write INSERT ... SELECT, or a CTE whose rows the last SELECT joins.",
    ),
    (
        "merge",
        "tenants",
        "MERGE",
        "Citus supports it in narrow cases only, and it is not safe against concurrent inserts (rule 9). Write INSERT "
        "... ON CONFLICT, or a CTE of UPDATE and INSERT.",
    ),
    (
        "insert-select",
        "tenants",
        "An INSERT ... SELECT that Citus refuses",
        "Into a tenant's table it ends in ON CONFLICT or RETURNING: without either Citus copies, and says `COPY FROM "
        "not supported with row-level security`. Where it returns, its target has an alias. And it is not the top of a "
        "statement whose CTEs write other tables: the top is a SELECT (rule 12). `ON CONFLICT (key) DO NOTHING` is "
        "often what a repeated call needs anyhow.",
    ),
    (
        "session-call",
        "tenants",
        "NOTIFY, LISTEN or an advisory lock that a shard would run",
        "In a statement on a tenant's table, or in a function or trigger, it happens on whichever worker has the "
        "shard, where nobody listens (rule 13). NOTIFY from a trigger also takes a lock of the whole server at each "
        "commit. The client calls `pg_notify()` and `pg_advisory_lock()` in statements of their own.",
    ),
    (
        "tenant-key",
        "migrations",
        "A key of a tenant's table that does not begin with tenant_id",
        "Each PRIMARY KEY, UNIQUE, unique index and FOREIGN KEY of a table with `tenant_id` has it first (rule 1): "
        "Citus cannot enforce others, and a key without it lets one tenant's rows refer to another's. A foreign key to "
        "a global table is the exception. What must be unique over all tenants has a global table of its own.",
    ),
    (
        "foreign-key-action",
        "migrations",
        "A foreign key that does more than CASCADE",
        "ON DELETE is CASCADE or NO ACTION; there is no ON UPDATE (rule 2). SET NULL and SET DEFAULT would write "
        "`tenant_id` too, and Citus refuses them.",
    ),
    (
        "constraint-name",
        "migrations",
        "A constraint without a name, or with a new one",
        "Every PRIMARY KEY, UNIQUE, FOREIGN KEY, CHECK and EXCLUDE is named (rule 3): errors are told apart by that "
        "name, and names that PostgreSQL makes differ between ways to the same schema. Renaming is not propagated to "
        "shards. Write `CONSTRAINT table_column_check CHECK (...)`.",
    ),
    (
        "mixed-alter",
        "migrations",
        "An ALTER TABLE that adds a constraint and something else",
        "ADD COLUMN and ADD CONSTRAINT are separate statements, one constraint each (rule 3): Citus takes them one by "
        "one. Add the column, then the constraint.",
    ),
    (
        "not-on-citus",
        "migrations",
        "Something that tables spread over machines do not have",
        "Rules, writable views (INSTEAD OF triggers), SET STORAGE and SET STATISTICS on a table that exists (rule 4). "
        "Name the storage in CREATE TABLE; write queries instead of rules and views.",
    ),
    (
        "trigger",
        "migrations",
        "A trigger that does not work on shards",
        "Triggers are row level and on tenant tables (rule 5); on a global table the queries set `updated_at`. Their "
        "functions take the table's name as an argument, as TG_TABLE_NAME is the shard's.",
    ),
    (
        "policy-sub-select",
        "migrations",
        "A policy with a sub-select",
        "Citus refuses it, and on one machine it is planned into every statement (rule 6). The policy compares "
        "`tenant_id` to the setting: `tenant_id = ANY (string_to_array(nullif(current_setting('wfstore.tenant_id', "
        "true), ''), ',')::uuid[])`.",
    ),
    (
        "sql-function",
        "migrations",
        "A function in SQL that reads tables",
        "Functions that query tables are plpgsql (rule 7): Citus inlines those in SQL and then cannot route them. "
        "Functions in SQL that only compute are fine.",
    ),
)
