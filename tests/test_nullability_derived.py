"""What is derived about NULL from a parsed statement, construct by construct."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import postgast
import psycopg
import pytest

from tests.databasekit import cloned
from wfstore.check.facts import Facts
from wfstore.check.nullability import Derived, derive
from wfstore.check.scope import Flow

# n is a column that may be NULL, everything else never is.
SCHEMA = """
CREATE TABLE a (id integer NOT NULL PRIMARY KEY, x integer NOT NULL, n integer, t text NOT NULL, d jsonb NOT NULL);
CREATE TABLE b (id integer NOT NULL PRIMARY KEY, a_id integer NOT NULL, y integer NOT NULL, n integer);
CREATE TABLE c (id integer NOT NULL PRIMARY KEY, b_id integer NOT NULL, z integer NOT NULL, n integer);
CREATE VIEW v AS SELECT id FROM a;
CREATE FUNCTION strict_one(integer) RETURNS integer LANGUAGE sql STRICT RETURN NULL::integer;
"""

# A select list and what follows; for each column: `!` never NULL, `?` may be NULL.
CASES = {
    # columns
    "SELECT id, n FROM a": "!?",
    "SELECT * FROM a": "!!?!!",
    "SELECT a.*, 1 FROM a": "!!?!!!",
    "SELECT q.id, q.n FROM a AS q": "!?",
    "SELECT q.one, q.n FROM a AS q (one, two)": "!?",
    "SELECT public.a.id FROM public.a": "!",
    "SELECT id FROM v": "?",
    "SELECT nothing FROM nowhere": "?",
    "SELECT relname, relacl FROM pg_class": "!?",
    # constants and what passes NULL on
    "SELECT 1, 'a', NULL, true, 1.5": "!!?!!",
    "SELECT x + 1, x + n, -x, NOT (x > n), x::text, n::text, t || 'a', t || n FROM a": "!?!?!?!?",
    "SELECT x = 1 AND n = 1, x = 1 OR x = 2 FROM a": "?!",
    "SELECT x BETWEEN 1 AND 2, x BETWEEN n AND 2, x IN (1, 2), x IN (1, n) FROM a": "!?!?",
    "SELECT t LIKE 'a', t ~ 'a', t ILIKE NULL FROM a": "!!?",
    "SELECT x = ANY(ARRAY[1, 2]), x = ANY(ARRAY[1, n]), x = ANY($1::int[]) FROM a": "!??",
    "SELECT n IS NULL, n IS NOT NULL, (n = 1) IS TRUE, n IS DISTINCT FROM x FROM a": "!!!!",
    "SELECT (x, n) > (1, 2), (x, id) > (1, 2) FROM a": "?!",
    "SELECT d -> 'a', d ->> 'a', d @> '{}', d || '{}' FROM a": "??!!",
    "SELECT d::text, d::integer, to_jsonb(x)::integer FROM a": "!??",
    "SELECT ARRAY[n], ROW(x, 1) FROM a": "!!",
    'SELECT t COLLATE "C", current_user, current_schema, current_timestamp, now() FROM a': "!!?!!",
    # functions
    "SELECT lower(t), length(t), lower(n::text), abs(n), concat(n), upper(t || 'a') FROM a": "!!??!?",
    "SELECT lower(int4range(1, 2)), lower(t::text), lower('A') FROM a": "?!!",
    "SELECT strict_one(x), to_regclass(t), array_length(ARRAY[1], 1), nullif(x, 1) FROM a": "????",
    "SELECT current_setting('a'), current_setting('a', true), set_config('a.b', 'c', true)": "!?!",
    "SELECT substring(t, 1), substring(t FROM 'a') FROM a": "??",
    "SELECT jsonb_build_object('a', n), jsonb_extract_path(d, 'a') FROM a": "!?",
    "SELECT extract(day FROM now()), to_char(now(), 'a'), pg_table_is_visible(1)": "???",
    "SELECT unnest(ARRAY[1, NULL]), generate_series(1, 2)": "??",
    # choosing
    "SELECT coalesce(n, x), coalesce(n, n), coalesce(n, 0), greatest(n, x), least(n, n) FROM a": "!?!!?",
    "SELECT CASE WHEN x = 1 THEN 1 END, CASE WHEN x = 1 THEN 1 ELSE 2 END FROM a": "?!",
    "SELECT CASE WHEN x = 1 THEN n ELSE 2 END, CASE x WHEN 1 THEN 2 ELSE 3 END FROM a": "?!",
    "SELECT CASE WHEN n IS NOT NULL THEN n ELSE 0 END, CASE WHEN n > 1 THEN n ELSE 0 END FROM a": "!!",
    "SELECT CASE WHEN n IS NULL THEN n ELSE 0 END FROM a": "?",
    # what WHERE proves
    "SELECT n FROM a WHERE n IS NOT NULL": "!",
    "SELECT n FROM a WHERE n = 1 AND x = 1": "!",
    "SELECT n FROM a WHERE n = 1 OR x = 1": "?",
    "SELECT n FROM a WHERE n = 1 OR n = 2": "!",
    "SELECT n FROM a WHERE NOT (n = 1)": "!",
    "SELECT n FROM a WHERE n IS NULL": "?",
    "SELECT n FROM a WHERE n + 1 > x": "!",
    "SELECT n FROM a WHERE n = ANY($1::int[])": "!",
    "SELECT n FROM a WHERE n IN (SELECT id FROM b)": "!",
    "SELECT n FROM a WHERE (x, n) IN (SELECT id, y FROM b)": "!",
    "SELECT n FROM a WHERE n IS DISTINCT FROM 1": "?",
    "SELECT n FROM a WHERE NOT (n = ANY(ARRAY[]::int[]))": "?",
    "SELECT n FROM a WHERE (n = ANY(ARRAY[]::int[])) IS NOT NULL": "?",
    "SELECT n FROM a WHERE n NOT IN (SELECT id FROM c WHERE false)": "?",
    "SELECT n FROM a WHERE n NOT IN (2, 9)": "!",
    "SELECT n FROM a WHERE n <> ALL(ARRAY[]::int[])": "?",
    "SELECT n FROM a WHERE (x, n) > (0, 1)": "?",
    "SELECT n FROM a WHERE (x, n) <> (0, 1)": "?",
    "SELECT n FROM a WHERE NOT ((x, n) = (0, 1))": "?",
    "SELECT n FROM a WHERE (x, n) = (1, 2)": "!",
    "SELECT n FROM a WHERE (x, n) IN ((1, 2), (4, 7))": "!",
    "SELECT n FROM a WHERE (x, n) NOT IN ((0, 2), (0, 7))": "?",
    "SELECT n FROM a WHERE n || 'a' = 'a'": "?",
    "SELECT n FROM a WHERE (n IS NOT NULL) IS TRUE": "?",
    "SELECT n FROM a WHERE n::text LIKE '%'": "!",
    "SELECT n FROM a WHERE coalesce(n, 1) = 1": "?",
    "SELECT n FROM a WHERE n BETWEEN 1 AND 2": "!",
    # joins
    "SELECT a.id, b.id, b.n FROM a JOIN b ON b.a_id = a.id": "!!?",
    "SELECT b.n FROM a JOIN b ON b.n = a.id": "!",
    "SELECT a.id, b.id FROM a LEFT JOIN b ON b.a_id = a.id": "!?",
    "SELECT a.id, b.id FROM a RIGHT JOIN b ON b.a_id = a.id": "?!",
    "SELECT a.id, b.id FROM a FULL JOIN b ON b.a_id = a.id": "??",
    "SELECT a.id, b.id FROM a CROSS JOIN b": "!!",
    "SELECT a.id, b.id FROM a, b": "!!",
    "SELECT a.n FROM a LEFT JOIN b ON b.a_id = a.n": "?",
    "SELECT a.id, b.id, c.id FROM a LEFT JOIN b ON b.a_id = a.id LEFT JOIN c ON c.b_id = b.id": "!??",
    "SELECT a.id, b.id, c.id FROM a LEFT JOIN (b JOIN c ON c.b_id = b.id) ON b.a_id = a.id": "!??",
    "SELECT a.id, b.id, c.id FROM (a LEFT JOIN b ON b.a_id = a.id) RIGHT JOIN c ON c.b_id = b.id": "??!",
    "SELECT b.y, b.n FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.id = 1": "!?",
    "SELECT b.y, c.z FROM a LEFT JOIN b ON b.a_id = a.id LEFT JOIN c ON c.b_id = b.id WHERE b.id IS NOT NULL": "!?",
    "SELECT b.y FROM a LEFT JOIN b ON b.a_id = a.id JOIN c ON c.b_id = b.id": "!",
    "SELECT b.n FROM a LEFT JOIN b ON b.n = a.id": "?",
    "SELECT b.n FROM a LEFT JOIN b ON b.n = a.id WHERE b.id IS NOT NULL": "!",
    "SELECT b.id IS NOT NULL, coalesce(b.y, 0) FROM a LEFT JOIN b ON b.a_id = a.id": "!!",
    "SELECT id, a.id, b.id FROM a JOIN b USING (id)": "!!!",
    "SELECT id, a.id, b.id FROM a LEFT JOIN b USING (id)": "!!?",
    "SELECT id, a.id, b.id FROM a RIGHT JOIN b USING (id)": "!?!",
    "SELECT id, a.id, b.id FROM a FULL JOIN b USING (id)": "!??",
    "SELECT * FROM b LEFT JOIN c USING (id)": "!!!????",
    "SELECT * FROM b NATURAL JOIN c": "!!!!!!",
    "SELECT j.id, j.a_id FROM (a JOIN b USING (id)) AS j": "!!",
    "SELECT j.y FROM (a LEFT JOIN b USING (id)) AS j": "?",
    "SELECT l.m FROM a LEFT JOIN LATERAL (SELECT max(y) AS m FROM b WHERE b.a_id = a.id) AS l ON true": "?",
    "SELECT l.k FROM a CROSS JOIN LATERAL (SELECT count(*) AS k FROM b WHERE b.a_id = a.id) AS l": "!",
    # sub-selects and CTEs
    "SELECT s.id, s.n FROM (SELECT id, n FROM a) AS s": "!?",
    "SELECT s.i, s.m FROM (SELECT id, n FROM a) AS s (i, m)": "!?",
    "SELECT s.n FROM (SELECT n FROM a WHERE n > 1) AS s": "!",
    "SELECT s.id FROM a LEFT JOIN (SELECT id FROM b) AS s ON s.id = a.id": "?",
    "WITH s AS (SELECT id, n FROM a) SELECT id, n FROM s": "!?",
    "WITH s (i) AS (SELECT id FROM a) SELECT i FROM s": "!",
    "WITH s AS (SELECT id FROM a), u AS (SELECT s.id FROM b LEFT JOIN s ON s.id = b.id) SELECT id FROM u": "?",
    "WITH a AS (SELECT n AS id FROM a) SELECT id FROM a": "?",
    "WITH RECURSIVE r AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM r WHERE k < 9) SELECT k FROM r": "!",
    "WITH RECURSIVE r AS (SELECT 1 AS k UNION ALL SELECT nullif(k + 1, 3) FROM r WHERE k < 9) SELECT k FROM r": "?",
    "WITH RECURSIVE r (p, q) AS (SELECT 1, 2 UNION ALL SELECT q, NULL FROM r WHERE p > 0) SELECT p, q FROM r": "??",
    "SELECT (SELECT id FROM b LIMIT 1), (SELECT count(*) FROM b), (SELECT max(id) FROM b) FROM a": "?!?",
    "SELECT EXISTS (SELECT FROM b), ARRAY(SELECT n FROM b), (SELECT 1) FROM a": "!!!",
    "SELECT x IN (SELECT id FROM b), x IN (SELECT n FROM b), n IN (SELECT id FROM b) FROM a": "!??",
    # set operations and VALUES
    "SELECT id FROM a UNION SELECT id FROM b": "!",
    "SELECT id FROM a UNION ALL SELECT n FROM b": "?",
    "SELECT id FROM a INTERSECT SELECT n FROM b": "!",
    "SELECT id FROM a EXCEPT SELECT n FROM b": "!",
    "SELECT n FROM a EXCEPT SELECT id FROM b": "?",
    "VALUES (1, NULL), (2, 3)": "!?",
    "SELECT v.p, v.q FROM (VALUES (1, 2), (3, NULL)) AS v (p, q)": "!?",
    # aggregates
    "SELECT count(*), count(n), sum(x), max(x), min(t), avg(x), bool_and(x > 1), array_agg(x) FROM a": "!!??????",
    "SELECT x, count(*), sum(x), max(n), array_agg(n), string_agg(t, ',') FROM a GROUP BY x": "!!!?!!",
    "SELECT n, stddev(x), stddev_pop(x), sum(x) FILTER (WHERE x > 1), count(*) FILTER (WHERE true) FROM a GROUP BY 1": (
        "??!?!"
    ),
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x), mode() WITHIN GROUP (ORDER BY n) FROM a GROUP BY t": "!?",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM a": "?",
    "SELECT x, t, sum(id) FROM a GROUP BY ROLLUP (x, t)": "???",
    "SELECT max(x) FROM a GROUP BY ()": "?",
    "SELECT sum(x) OVER (), row_number() OVER (), lag(x) OVER (ORDER BY id), count(*) OVER () FROM a": "!!?!",
    "SELECT sum(x) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) FROM a": "?",
    # functions in FROM
    "SELECT u.e FROM unnest(ARRAY[1]) AS u (e)": "?",
    "SELECT u.e, u.f, u.o FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS u (e, f, o)": "??!",
    "SELECT u.e, u.o FROM unnest($1::int[]) WITH ORDINALITY AS u (e, o)": "!!",
    "SELECT u FROM unnest($1::int[]) AS u": "!",
    "SELECT g FROM generate_series(1, 3) AS g": "!",
    "SELECT key, value FROM jsonb_each('{}')": "!!",
    "SELECT relid FROM pg_partition_tree('a')": "?",
    "SELECT f.* FROM pg_partition_tree('a') AS f": "????",
    # writes
    "INSERT INTO a (id, x, n, t, d) VALUES (1, 2, 3, 'a', '{}') RETURNING id, n": "!?",
    "INSERT INTO a SELECT 3, 1, 1, 't', '{}' ON CONFLICT (id) DO UPDATE SET n = excluded.x RETURNING id, n": "!?",
    "UPDATE a SET n = 1 WHERE n = 2 RETURNING id, n": "!?",
    "UPDATE a SET x = 1 FROM b WHERE b.a_id = a.id AND b.n = 1 RETURNING a.x, b.n": "!!",
    "UPDATE a SET x = 1 FROM b LEFT JOIN c ON c.b_id = b.id WHERE b.a_id = a.id RETURNING b.y, c.z": "!?",
    "DELETE FROM a WHERE n = 1 RETURNING id, n": "!!",
    "DELETE FROM a USING b WHERE b.a_id = a.id RETURNING a.n, b.n": "??",
    "WITH gone AS (DELETE FROM a RETURNING id, n) SELECT id, n FROM gone": "!?",
    "WITH q AS (UPDATE a SET n = 1 RETURNING id) SELECT b.id, q.id FROM b LEFT JOIN q ON q.id = b.a_id": "!?",
    "UPDATE a SET n = 1 RETURNING *": "!!?!!",
    "UPDATE a SET n = 1 RETURNING old.x, new.x": "!!",
    "DELETE FROM a RETURNING old.x, new.x": "!?",
    "INSERT INTO a (id) VALUES (1) RETURNING old.x, new.x": "?!",
    # parameters
    "SELECT $1::integer, coalesce($1, 1)": "?!",
    "SELECT $1::integer": "!",
    "INSERT INTO a (id, n) VALUES ($1, $2) RETURNING n": "?",
    # what says nothing of NULL
    "SELECT x.p FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS p integer) AS x": "?",
    "SELECT id FROM a TABLESAMPLE SYSTEM (1)": "!",
}

ACCEPTS = {
    "INSERT INTO a (id, x, n) VALUES ($1, $2, $3)": {Flow(3)},
    "INSERT INTO a (id, x, n) VALUES ($1, $2, $3::integer), ($1, $4, $5)": {Flow(3), Flow(5)},
    "INSERT INTO a (id, n) SELECT $1::integer, $2::integer": {Flow(2)},
    "INSERT INTO a (id, n) SELECT i.p, i.q FROM unnest($1::int[], $2::int[]) AS i (p, q)": {Flow(2, True)},
    "WITH i AS (SELECT u.* FROM unnest($1::int[], $2::int[]) AS u (p, q)) INSERT INTO a (id, n) SELECT p, q FROM i": {
        Flow(2, True)
    },
    "INSERT INTO a (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET n = $1": {Flow(1)},
    "UPDATE a SET n = $1, x = $2 WHERE id = $3": {Flow(1)},
    "UPDATE a SET (n, x) = ($1, $2)": {Flow(1)},
    "UPDATE a SET n = $1 + 1": set(),
    "SELECT coalesce($1, x) FROM a": {Flow(1)},
    "SELECT coalesce(n, $1) FROM a": set(),
    "SELECT 1 FROM a WHERE $1::integer IS NULL OR x = $1": {Flow(1)},
    "SELECT 1 FROM a WHERE n IS NOT DISTINCT FROM $1": {Flow(1)},
    "SELECT 1 FROM a WHERE n = $1": set(),
    "WITH w AS (UPDATE a SET n = $1 RETURNING id) SELECT id FROM w": {Flow(1)},
}

ONE_ROW = {
    "SELECT 1": True,
    "SELECT 1 WHERE true": False,
    "SELECT count(*), max(x) FROM a": True,
    "SELECT count(*) FROM a GROUP BY x": False,
    "SELECT count(*) FROM a HAVING count(*) > 1": False,
    "SELECT count(*) FROM a LIMIT 0": False,
    "SELECT count(*) OVER () FROM a": False,
    "SELECT (SELECT count(*) FROM b) FROM a": False,
    "SELECT generate_series(1, 2)": False,
    "SELECT id FROM a": False,
    "VALUES (1)": True,
    "VALUES (1), (2)": False,
    "SELECT 1 UNION SELECT 2": False,
    "INSERT INTO a (id) VALUES (1) RETURNING id": True,
    "INSERT INTO a DEFAULT VALUES RETURNING id": True,
    "INSERT INTO a (id) VALUES (1), (2) RETURNING id": False,
    "INSERT INTO a (id) SELECT id FROM b RETURNING id": False,
    "INSERT INTO a (id) VALUES (1) ON CONFLICT DO NOTHING RETURNING id": False,
    "INSERT INTO a (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 1 RETURNING id": True,
    "INSERT INTO a (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 1 WHERE a.n = 1 RETURNING id": False,
    "UPDATE a SET x = 1 WHERE id = 1 RETURNING id": False,
}


@pytest.fixture(scope="module")
def connection(server_url: str) -> Iterator[psycopg.Connection[Any]]:
    with cloned(server_url) as url, closing(psycopg.connect(url, autocommit=True)) as opened:
        opened.execute(SCHEMA.encode())
        yield opened


@pytest.fixture(scope="module")
def sparse(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    connection.execute("INSERT INTO a VALUES (3, 1, NULL, 'a', '{}'), (4, 1, 2, 'b', '[]'), (5, 4, 7, 'c', '{}')")
    connection.execute("INSERT INTO b VALUES (2, 3, 1, NULL), (3, 3, 5, 1), (4, 9, 2, 4), (8, 4, 1, NULL)")
    connection.execute("INSERT INTO c VALUES (2, 3, 1, NULL), (7, 3, 5, 1), (9, 9, 2, 4)")
    return connection


def derived(connection: psycopg.Connection[Any], statement: str) -> Derived:
    return derive(postgast.parse(statement).stmts[0].stmt, Facts(connection))


@pytest.mark.parametrize("statement", CASES)
def test_what_may_be_null(connection: psycopg.Connection[Any], statement: str) -> None:
    columns = derived(connection, statement).columns
    if columns is None:
        assert set(CASES[statement]) == {"?"}
    else:
        assert "".join("?" if column.value.nullable else "!" for column in columns) == CASES[statement]


NOT_TO_BE_RUN = ("$", "nowhere", "old.", "d::integer", "('a', true)", "current_setting", "PASSING")
RUN = [statement for statement in CASES if not any(words in statement for words in NOT_TO_BE_RUN)]


@pytest.mark.parametrize("statement", RUN)
def test_what_never_is_null_never_was(sparse: psycopg.Connection[Any], statement: str) -> None:
    """The cases themselves, on rows without partners, all NULL where that is allowed, and on none at all."""
    for emptied in ("", "DELETE FROM c", "DELETE FROM b", "DELETE FROM a"):
        with sparse.transaction(force_rollback=True):
            sparse.execute(emptied.encode())
            result = sparse.execute(statement.encode()).pgresult
            assert result is not None
            for column, may_be in enumerate(CASES[statement]):
                values = [result.get_value(row, column) for row in range(result.ntuples)]
                assert may_be == "?" or None not in values, f"column {column + 1} was NULL"


@pytest.mark.parametrize("statement", ACCEPTS)
def test_what_may_be_none(connection: psycopg.Connection[Any], statement: str) -> None:
    assert derived(connection, statement).accepts_none == ACCEPTS[statement]


@pytest.mark.parametrize("statement", ONE_ROW)
def test_what_is_one_row(connection: psycopg.Connection[Any], statement: str) -> None:
    assert derived(connection, statement).one_row is ONE_ROW[statement]


def test_a_left_join_that_is_planned_as_a_right_join(connection: psycopg.Connection[Any]) -> None:
    """The planner hashes the small side: what it calls the nullable side is not what the statement says."""
    statement = "SELECT a.id, b.id FROM a LEFT JOIN b ON b.a_id = a.id"
    with connection.transaction(force_rollback=True):
        connection.execute("TRUNCATE a, b")
        connection.execute("INSERT INTO a SELECT i, i, NULL, '', '{}' FROM generate_series(1, 100) AS i")
        connection.execute("INSERT INTO b SELECT i, i + 1, i, NULL FROM generate_series(1, 20000) AS i")
        connection.execute("ANALYZE a, b")
        plan = "\n".join(line for (line,) in connection.execute(b"EXPLAIN " + statement.encode()))
        assert "Hash Right Join" in plan
        columns = derived(connection, statement).columns
        assert columns is not None
        assert [column.value.nullable for column in columns] == [False, True]
        nulls = connection.execute("SELECT count(*) FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.id IS NULL").fetchone()
        assert nulls == (1,)


def test_overloads_of_extensions_change_nothing(connection: psycopg.Connection[Any]) -> None:
    """citext has a lower, a max and an = of its own."""
    with connection.transaction(force_rollback=True):
        try:
            connection.execute("CREATE EXTENSION citext")
        except psycopg.Error:
            pytest.skip("no citext on this server")
        columns = derived(connection, "SELECT max(x), t = 'a' FROM a GROUP BY t").columns
        assert columns is not None
        assert not any(column.value.nullable for column in columns)


def test_a_function_of_ones_own_may_be_null(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("CREATE FUNCTION upper(integer) RETURNS text LANGUAGE sql STRICT RETURN NULL::text")
        columns = derived(connection, "SELECT upper(t) FROM a").columns
        assert columns is not None
        assert columns[0].value.nullable
