"""Query files: what is refused, and where; what looks dangerous and is not; what their methods promise."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import aiosql
import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import wfstore
from tests.databasekit import cloned
from wfstore import DEFAULT_TENANT, models, uuid7
from wfstore.errors import InvalidInput, QueryFileError
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.queryfiles.scan import scan, tokens
from wfstore.sync.queries import Queries

HEAD = "-- name: a({})\n-- Do it.\n-- returns: {}\n"


def query(body: str, parameters: str = "", suffix: str = "", returns: str = "int") -> str:
    """A file of one query whose statement begins on line 4."""
    return HEAD.format(parameters, returns).replace(")\n", f"){suffix}\n", 1) + body + "\n"


SELECT = query("SELECT 1;")

# What is in the file, the line that is at fault, and words of the message: among them the thing's name.
BROKEN: Mapping[str, tuple[str, int, str]] = {
    # the file
    "nothing in it": ("", 1, "holds no queries"),
    "only comments": ("-- Users.\n\n-- More.\n", 1, "holds no queries"),
    "a byte-order mark": ("\ufeff" + SELECT, 1, "byte-order mark"),
    "a statement before the first name": ("-- Users.\n\nSELECT 1;\n" + SELECT, 3, "before the first '-- name:'"),
    "a name twice": (f"{SELECT}\n{SELECT}", 6, "a is defined twice, first on line 1"),
    "a form feed": (query("SELECT 1\n+ 1\f;"), 5, "U+000C"),
    "a line separator in a comment": (query("SELECT 1\n-- one\u2028+ 1\n;"), 5, "U+2028"),
    "a line separator in a string": (query("SELECT\n'a\u2028b';"), 5, "U+2028"),
    # the header
    "no list of parameters": (SELECT.replace("a()", "a"), 1, "declared, parameters"),
    "a name with a hyphen": (SELECT.replace("a()", "by-name()"), 1, "snake_case"),
    "a name with a capital": (SELECT.replace("a()", "byName()"), 1, "snake_case"),
    "a word of Python's": (SELECT.replace("a()", "import()"), 1, "import is a word of Python's"),
    "an indented header": ("\n " + SELECT, 2, "a header is"),
    "a suffix for many": (SELECT.replace("a()", "a()*!"), 1, "suffix *!"),
    "a script": (SELECT.replace("a()", "a()#"), 1, "suffix #"),
    "insert returning": (SELECT.replace("a()", "a()<!"), 1, "suffix <!"),
    "parameters out of order": (query("SELECT :b, :a;", "b, a"), 1, "alphabetical order: a, b"),
    "a parameter twice": (query("SELECT :a;", "a, a"), 1, "once each"),
    "a parameter that no call can name": (query("SELECT :class;", "class"), 1, "the name class"),
    "a parameter that is taken": (query("SELECT :self;", "self"), 1, "the name self"),
    "the connection as a parameter": (query("SELECT :connection;", "connection"), 1, "the name connection"),
    "no sentence": (SELECT.replace("-- Do it.\n", ""), 1, "a lacks a sentence"),
    "no result": (SELECT.replace("-- returns: int\n", ""), 1, "a lacks a '-- returns:'"),
    "a result that is no model": (SELECT.replace("int", "Nothing"), 1, "returns Nothing"),
    "a result that is a module": (SELECT.replace("int", "workflows"), 1, "returns workflows"),
    "a binding that is none": (SELECT.replace("int\n", "int\n-- binding: late\n"), 1, "not late"),
    # parameters
    "an undeclared parameter": (query("SELECT\n1,\n:who;"), 6, ":who is not declared by a"),
    "an unused parameter": (query("SELECT 1;", "who"), 1, "who is declared by a and not used"),
    "a parameter in a string only": (query("SELECT ':who';", "who"), 1, "who is declared by a and not used"),
    "a parameter in a comment only": (query("SELECT 1\n-- :who\n;", "who"), 1, "who is declared by a and not used"),
    "a numbered parameter": (query("SELECT :who,\n$1;", "who"), 5, "give this one a name"),
    "an attribute of a parameter": (query("SELECT\n:who.name;", "who"), 5, ":who."),
    "a parameter behind a string": (query("SELECT :who,\n'a':who;", "who"), 5, ":who follows ''a''"),
    "a parameter behind a cast": (query("SELECT :who,\na:::who;", "who"), 5, ":who follows '::'"),
    "two parameters in one": (query("SELECT :a\n+ :a:b;", "a, b"), 5, ":b follows ':a'"),
    # percent, slices
    "percent in code": (query("SELECT 7\n% 4;"), 5, "%"),
    "percent in a string": (query("SELECT 'a' LIKE\n'%a';"), 5, "%"),
    "percent in a name": (query('SELECT 1 AS\n"%";'), 5, "%"),
    "percent in a dollar quote": (query("SELECT\n$$ 100 % $$;"), 5, "%"),
    "percent behind SQL": (query("SELECT 1,\n1 -- 100 %\n;"), 5, "%"),
    "a slice": (query("SELECT ARRAY[1]\n[1:2];"), 5, "slice"),
    "a slice by columns": (query("SELECT a\n[lo:hi] FROM t;", "hi"), 5, ":hi follows 'lo' like the bound of an array"),
    "a slice from nothing": (query("SELECT a\n[:hi] FROM t;", "hi"), 5, "slice"),
    "a slice to nothing": (query("SELECT a\n[lo:] FROM t;"), 5, "slice"),
    "a slice by a name in quotes": (query('SELECT a\n["lo":hi] FROM t;', "hi"), 5, "slice"),
    # strings and comments
    "a parameter in a dollar quote": (query("SELECT 1,\n$$\n:x $$;"), 6, "sees a parameter"),
    "a parameter in a tagged quote": (query("SELECT\n$f$ :x $f$;"), 5, "sees a parameter"),
    "an apostrophe in a dollar quote": (query("SELECT\n$$it's$$, :x, 'b', :x;", "x"), 5, "string or comment at '"),
    "a comment in a dollar quote": (query("SELECT\n$$ /* $$, 1, $$ */ $$;"), 5, "begin a string or comment at /*"),
    "a dollar in a name": (query("SELECT\na$b$c$b$;"), 5, "a$"),
    "a parameter in an E string": (query(r"SELECT" "\n" r"E'\t:x';"), 5, "sees a parameter"),
    "an escaped quote": (query("SELECT\nE'it\\'s', 1;"), 5, "two quotes"),
    "a string without end": (query("SELECT 1,\n'abc;"), 5, "has no end"),
    "a name without end": (query('SELECT 1 AS\n"abc;'), 5, "has no end"),
    "an empty name": (query('SELECT 1 AS\n"";'), 5, "not empty"),
    "a space at the end of a line in a string": (query("SELECT 1,\n'a \nb';"), 5, "end of a line"),
    "a line of a string that looks like a comment": (query("SELECT 1,\n'a\n  -- b';"), 5, "lines that begin with --"),
    "a block comment": (query("SELECT 1\n/* one */;"), 5, "/* */"),
    "a hint": (query("/*+ SeqScan(t) */\nSELECT 1;"), 4, "/* */"),
    "a word of a comment behind SQL": (query("SELECT 1,\n2 -- see :x\n;"), 5, ":words"),
    "an apostrophe behind SQL": (query("SELECT 1,\n2 -- it's\n;"), 5, "quotes"),
    "a name in a string": (query("SELECT 1,\n'-- name: b()\n';"), 5, "begins a new query"),
    "a name in a comment": (query("SELECT 1,\n2 -- see -- name: b()\n;"), 5, "begins a new query"),
    "a name in the sentence": (SELECT.replace("Do it.", "Do -- name: b() it."), 2, "begins a new query"),
    "a name over two lines": (query("SELECT\n--\nname::text FROM t;"), 5, "begins a new query"),
    "a name before the first": (f"-- Users. -- name: b()\n{SELECT}", 1, "begins a new query"),
    "a space that is none": (query("SELECT\n1\u00a0+ 1;"), 5, "U+00A0"),
    # statements
    "no statement": (query(""), 1, "a has no statement"),
    "only a semicolon": (query(";"), 1, "a has no statement"),
    "no semicolon": (query("SELECT 1"), 4, "a must be one statement that ends in a semicolon"),
    "two statements": (query("SELECT 1;\nSELECT 2;"), 5, "a must be one statement"),
    "nothing but a string": (query("'a';"), 1, "a returns no rows"),
    "a lazy update": (query("UPDATE t SET a = 1;"), 1, "a returns no rows; give it the suffix !"),
    "a lazy delete": (query("DELETE FROM t;", suffix="^"), 1, "a returns no rows; give it the suffix !"),
    "rows thrown away": (query("DELETE FROM t RETURNING id;", suffix="!"), 1, "a throws away the rows"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(folder: Path, text: str, name: str = "things.sql") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path) -> Queries:
    return Queries(Catalogue(folder, models))


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused(folder: Path, case: str) -> None:
    """With the line that is at fault, and the name of what is."""
    text, line, words = BROKEN[case]
    path = write(folder, text)
    with pytest.raises(QueryFileError) as caught:
        load(folder)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert words in str(caught.value)


def test_a_fault_far_down_has_its_line(folder: Path) -> None:
    many = "\n\n".join(SELECT.replace("a()", f"a{number}()") for number in range(200))
    text = f"{many}\n{query('SELECT 5, 7 % 2;')}"
    write(folder, text)
    with pytest.raises(QueryFileError, match=rf":{text[: text.index('%')].count(chr(10)) + 1}: a bare %"):
        load(folder)


def test_windows_line_ends(folder: Path) -> None:
    """A checkout on Windows has them; lines are counted as editors do."""
    (folder / "things.sql").write_bytes(query("SELECT\n7 % 2;").replace("\n", "\r\n").encode())
    with pytest.raises(QueryFileError, match=r":5: a bare %"):
        load(folder)
    (folder / "things.sql").write_bytes(query("SELECT 'a\nb';").replace("\n", "\r\n").encode())
    assert "\r" not in Catalogue(folder, models)["things.a"].text


def test_a_file_that_is_not_utf_8(folder: Path) -> None:
    (folder / "things.sql").write_bytes(query("SELECT 'ä';").encode("latin-1"))
    with pytest.raises(QueryFileError, match=r"things\.sql:1: not UTF-8"):
        load(folder)


@pytest.mark.parametrize("name", ["two-words.sql", "1st.sql", "class.sql", "Users.sql", "_private.sql", "a b.sql"])
def test_a_file_that_can_be_no_namespace(folder: Path, name: str) -> None:
    write(folder, SELECT, name)
    with pytest.raises(QueryFileError, match=rf"{name}:1: .*'{name.removesuffix('.sql')}'"):
        load(folder)


def test_a_folder_without_files(folder: Path) -> None:
    with pytest.raises(QueryFileError, match="holds no query files"):
        load(folder)


# --- the traps are real -------------------------------------------------------------------------------------


def as_aiosql_reads(text: str) -> dict[str, str]:
    """The statements that plain aiosql makes of a file, by name."""
    found = aiosql.from_str(text, "psycopg")
    return {name: getattr(found, name).sql for name in found.available_queries if not name.endswith("_cursor")}


@pytest.mark.parametrize(
    ("case", "misread"),
    {
        "a form feed": "SELECT 1\n+ 1\n;",
        "a line separator in a comment": "SELECT 1\n+ 1\n;",
        "a line separator in a string": "SELECT\n'a\nb';",
        "an attribute of a parameter": "SELECT\n%(who__name)s;",
        "a parameter behind a string": "SELECT %(who)s,\n'a':who;",
        "a parameter behind a cast": "SELECT %(who)s,\na:::who;",
        "a slice by columns": "SELECT a\n[lo%(hi)s] FROM t;",
        "an apostrophe in a dollar quote": "SELECT\n$$it's$$, :x, 'b', %(x)s;",
        "a comment in a dollar quote": "SELECT\n$$  $$;",
        "a space at the end of a line in a string": "SELECT 1,\n'a\nb';",
        "a line of a string that looks like a comment": "SELECT 1,\n'a",
        "a name in a string": "SELECT 1,\n'",
        "a hint": "/*+ SeqScan(t) */\nSELECT 1;",
        "percent in code": "SELECT 7\n% 4;",
        "percent in a string": "SELECT 'a' LIKE\n'%a';",
        "a lazy update": "UPDATE t SET a = 1;",
        "two statements": "SELECT 1;\nSELECT 2;",
    }.items(),
)
def test_plain_aiosql_takes_it(case: str, misread: str) -> None:
    """Without a word, and makes another statement of it, or one that fails or does nothing when it is called."""
    text, _, _ = BROKEN[case]
    assert as_aiosql_reads(text)["a"] == misread


@pytest.mark.parametrize(
    ("body", "parameters", "misread"),
    [
        ("SELECT ARRAY[1, 2, 3][1:2];", "", "SELECT ARRAY[1, 2, 3][1%(2)s];"),
        ("SELECT $$ :x $$;", "x", "SELECT $$ %(x)s $$;"),
        ("SELECT E'it\\'s :x';", "x", "SELECT E'it\\'s %(x)s';"),
        ("SELECT 1 -- see :x\n;", "x", "SELECT 1 -- see %(x)s\n;"),
    ],
    ids=["a slice", "a dollar quote", "an E string", "a comment behind SQL"],
)  # fmt: skip
def test_plain_aiosql_makes_a_parameter_of_it(body: str, parameters: str, misread: str) -> None:
    assert as_aiosql_reads(query(body, parameters))["a"] == misread


def test_plain_aiosql_lets_the_last_of_a_name_win(folder: Path) -> None:
    """Of two files in one folder; here each file is a namespace."""
    for number, name in enumerate(("one.sql", "two.sql"), 1):
        write(folder, query(f"SELECT {number};"), name)
    assert aiosql.from_path(folder, "psycopg").a.sql in ("SELECT 1;", "SELECT 2;")
    catalogue = Catalogue(folder, models)
    assert (catalogue["one.a"].text, catalogue["two.a"].text) == ("SELECT 1;", "SELECT 2;")


def test_plain_aiosql_drops_what_stands_before_the_first_name() -> None:
    assert as_aiosql_reads("SET search_path = elsewhere;\n" + SELECT) == {"a": "SELECT 1;"}


# --- what is not refused, and runs --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def connection(server_url: str) -> Iterator[psycopg.Connection[Any]]:
    with cloned(server_url) as url, closing(psycopg.connect(url, autocommit=True)) as opened:
        opened.execute("CREATE TABLE things (id integer, name text, data jsonb, tags text[])")
        yield opened


# A statement, its parameters, its arguments, and what comes back.
TRICKY: Mapping[str, tuple[str, str, dict[str, Any], list[Any]]] = {
    "casts": ("SELECT :a::text::integer + '4'::integer;", "a", {"a": "3"}, [7]),
    "a cast with spaces": ("SELECT :a :: integer;", "a", {"a": "3"}, [3]),
    "a cast of a column": ("SELECT t.data::jsonb->>'x' FROM (VALUES ('{\"x\": 1}')) AS t (data);", "", {}, ["1"]),
    "a comment with an apostrophe": ("SELECT 1 +\n-- it's one's own: :a, 100 %\n    -- \"and indented\n2;", "", {}, [3]),
    "a comment before the statement": ("\n-- it's :so\nSELECT 1;", "", {}, [1]),
    "a comment behind SQL": ("SELECT 1 -- one; a::b\n+ 1;", "", {}, [2]),
    "a time in a string": ("SELECT '12:30'::time::text;", "", {}, ["12:30:00"]),
    "a word in a string": ("SELECT ':a' || :a::text;", "a", {"a": "b"}, [":ab"]),
    "doubled quotes": ("SELECT 'it''s :a' || :a::text || '''';", "a", {"a": "b"}, ["it's :ab'"]),
    "comment signs in a string": ("SELECT '-- /* */ ;' || :a::text;", "a", {"a": "b"}, ["-- /* */ ;b"]),
    "a name in quotes": ('SELECT 1 AS "it\'s a "":b"", --";', "", {}, [1]),
    "a dollar quote": ("SELECT $$a; b$$ || $f$ $$ $f$ || :a::text;", "a", {"a": "b"}, ["a; b $$ b"]),
    "a dollar quote of many lines": ("SELECT $$a\nb\n$$;", "", {}, ["a\nb\n"]),
    "an E string": (r"SELECT E'a\tb''\u00e4\\' || 'c\';", "", {}, ["a\tb'ä\\c\\"]),
    "a string of many lines": ("SELECT 'a\n  b\n\nc' || :a::text;", "a", {"a": "d"}, ["a\n  b\n\ncd"]),
    "unicode": ("SELECT 'ä日\U0001f600\u00a0' || :größe AS \"ö\";", "größe", {"größe": "x"}, ["ä日\U0001f600\u00a0x"]),
    "an escaped unicode name": ("SELECT U&'\\00e4' AS U&\"\\00e4\";", "", {}, ["ä"]),
    "named arguments": ("SELECT make_date(year => :a, month := :b, day:=5)::text;", "a, b", {"a": 1, "b": 2}, ["0001-02-05"]),
    "an index into an array": ("SELECT (:a::integer[])[2] + (ARRAY[ :b, 5])[1];", "a, b", {"a": [1, 2], "b": 3}, [5]),
    "question marks": ("SELECT '{\"a\": 1}'::jsonb ? :a AND '[\"a\"]'::jsonb ?| ARRAY['b', 'a'];", "a", {"a": "a"}, [True]),
    "a path": ("SELECT jsonb_path_query_first(:a::jsonb, '$.x[*] ? (@ > 1)')::text;", "a", {"a": {"x": [1, 2]}}, ["2"]),
    "a cast to JSON in capitals": ("SELECT :a::JSONB->>'x';", "a", {"a": {"x": 1}}, ["1"]),
    "an array of JSON": ("SELECT (:a::jsonb[])[2]->>'x';", "a", {"a": [None, {"x": 2}]}, ["2"]),
    "null": ("SELECT :a::jsonb IS NULL;", "a", {"a": None}, [True]),
    "one parameter many times": ("SELECT :a::integer + :a-:a*:a;", "a", {"a": 3}, [-3]),
    "a parameter next to signs": ("SELECT (:a::integer)+:b,:a;", "a, b", {"a": 1, "b": 2}, [3]),
    "no white space": ("SELECT(1)::text;", "", {}, ["1"]),
    "values": ("VALUES (1), (2);", "", {}, [1, 2]),
    "brackets": ("(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1;", "", {}, [1, 2]),
    "no rows": ("SELECT 1 WHERE false;", "", {}, []),
    "a write in a CTE": (
        "WITH added AS (INSERT INTO things (id) VALUES (:a), (:a + 1) RETURNING id) SELECT id FROM added ORDER BY id;",
        "a", {"a": 10}, [10, 11],
    ),
    "a write that returns": ("INSERT INTO things (id, name) VALUES (:a, ':a') RETURNING name;", "a", {"a": 1}, [":a"]),
}  # fmt: skip


@pytest.mark.parametrize("case", TRICKY)
def test_a_tricky_file_runs(connection: psycopg.Connection[Any], folder: Path, case: str) -> None:
    body, parameters, arguments, expected = TRICKY[case]
    write(folder, query(body, parameters, returns="str"))
    result = load(folder).things.a(connection, **arguments)
    assert result == expected
    assert type(result) is list


def test_shapes(connection: psycopg.Connection[Any], folder: Path) -> None:
    """A list, one row or None, one value or None, a number of rows."""
    connection.execute("TRUNCATE things")
    write(
        folder,
        query("INSERT INTO things (id) SELECT unnest(:ids::integer[]);", "ids", "!").replace("a(", "add(")
        + query("SELECT id FROM things WHERE id > :id ORDER BY id;", "id").replace("a(", "above(")
        + query("SELECT id FROM things WHERE id > :id ORDER BY id;", "id", "^").replace("a(", "first(")
        + query("SELECT count(*) FROM things;", "", "$").replace("a(", "many(")
        + query("DELETE FROM things WHERE id > :id;", "id", "!").replace("a(", "remove("),
    )
    things = load(folder).things
    assert things.add(connection, ids=[1, 2, 3]) == 3
    assert things.above(connection, id=1) == [2, 3]
    assert things.above(connection, id=9) == []
    assert (things.first(connection, id=1), things.first(connection, id=9)) == (2, None)
    assert things.many(connection) == 3
    assert (things.remove(connection, id=1), things.remove(connection, id=1)) == (2, 0)


def test_a_write_that_returns_rows_runs_at_once(connection: psycopg.Connection[Any], folder: Path) -> None:
    """Not when somebody looks at its rows, as aiosql's own method does: nobody may."""
    text = query("UPDATE things SET name = :name RETURNING id;", "name")
    connection.execute("TRUNCATE things")
    connection.execute("INSERT INTO things (id) VALUES (1)")
    aiosql.from_str(text, "psycopg").a(connection, name="lazy")
    assert connection.execute("SELECT name FROM things").fetchall() == [(None,)]
    write(folder, text)
    load(folder).things.a(connection, name="eager")
    assert connection.execute("SELECT name FROM things").fetchall() == [("eager",)]


# --- methods ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"workflows\.get lacks id, tenant_id$"),
        ({"id": 1}, r"workflows\.get lacks tenant_id$"),
        ({"id": 1, "tenant_id": 2, "tenant": 3, "ids": 4}, r"workflows\.get has no parameter ids, tenant$"),
        ({"id": 1, "tenantid": 2}, r"workflows\.get lacks tenant_id and has no parameter tenantid$"),
    ],
    ids=["none", "one too few", "two too many", "one misspelt"],
)
def test_arguments_are_checked_by_name(
    connection: psycopg.Connection[Any], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        wfstore.queries.workflows.get(connection, **arguments)


def test_plain_aiosql_takes_any_argument(connection: psycopg.Connection[Any]) -> None:
    found = aiosql.from_str(query("SELECT :a::integer;", "a", "$"), "psycopg")
    assert found.a(connection, a=1, unheard_of=2) == 1


def test_arguments_that_are_not_json(connection: psycopg.Connection[Any], folder: Path) -> None:
    write(folder, query("SELECT :document::jsonb;", "document"))
    for value in (object(), 2**70, "\ud800", {1: object()}):
        with pytest.raises(InvalidInput, match="document is not JSON"):
            load(folder).things.a(connection, document=value)


def test_a_method_tells_what_it_is() -> None:
    get = wfstore.queries.workflows.get
    assert (
        str(inspect.signature(get)) == "(connection, /, *, id, tenant_id) -> wfstore.models.workflows.Workflow | None"
    )
    assert inspect.getdoc(get) == "One workflow with its document."
    assert (get.__name__, get.__qualname__) == ("get", "queries.workflows.get")


def test_every_method_has_a_signature_and_a_sentence() -> None:
    for namespace in dir(wfstore.queries):
        for name in dir(getattr(wfstore.queries, namespace)):
            method = getattr(getattr(wfstore.queries, namespace), name)
            assert list(inspect.signature(method).parameters) == ["connection", *sorted(method.query.parameters)]
            assert re.match(r"[A-Z`].*[.:]", inspect.getdoc(method) or "", re.DOTALL), name


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match=r"no query fetch; it has .*\bget\b"):
        _ = wfstore.queries.workflows.fetch
    with pytest.raises(AttributeError, match=r"no query file workflow\.sql; there are .*\bworkflows\b"):
        _ = wfstore.queries.workflow


def test_rows_become_models(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "INSERT INTO users (tenant_id, id, email) VALUES (%s, %s, 'a@example.org')", [DEFAULT_TENANT, uuid7()]
    )
    [user] = wfstore.queries.users.page(connection, tenant_id=DEFAULT_TENANT, after_id=UUID(int=0), limit=10)
    assert type(user) is models.User
    assert user.email == "a@example.org"


# --- whatever is accepted is read the same by all -----------------------------------------------------------

_NAMES = st.sampled_from(["a", "b_2", "tenant_id", "größe"])
_PARAMETERS = _NAMES.map(lambda name: f":{name}")
_SIGNS = [*":ax'\"\\$-/*; \n%.[]\u00a0\u2028\f", "--", "::", "name:"]
_INSIDE = st.lists(st.sampled_from(_SIGNS), max_size=6).map("".join)
_FRAGMENTS = st.one_of(
    _PARAMETERS,
    _INSIDE,
    st.sampled_from(["SELECT", "::", ":=", ":", "::jsonb[]", "[", "]", "(", ")", ",", ".", "1", "--", "/*", "*/"]),
    st.sampled_from(["E'", "''", "'", '"', "$$", "$f$"]),
    _INSIDE.map(lambda text: "'" + text.replace("'", "''") + "'"),
    _INSIDE.map(lambda text: f"E'{text}'"),
    _INSIDE.map(lambda text: f'"{text}"'),
    _INSIDE.map(lambda text: f"$${text}$$"),
    _INSIDE.map(lambda text: f"$f${text}$f$"),
    _INSIDE.map(lambda text: f"--{text}\n"),
    _INSIDE.map(lambda text: f"\n  --{text}\n"),
)  # fmt: skip
_BODIES = st.lists(st.tuples(st.sampled_from(["", "", " ", "\n"]), _FRAGMENTS), min_size=1, max_size=9)


def declared(body: str) -> str:
    """The parameters that a statement seems to have."""
    return ", ".join(sorted({token.text[1:] for token in tokens(body) if token.kind == "parameter"}))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([("", "'a"), ("\n", "-- b'")])
@example([("", "$$it's$$, :a, 'b', :a")])
@example([("", "a:::a + :a")])
@example([("", "x[1 :a]")])
@example([("", "--\nname::a")])
@given(_BODIES)
def test_what_is_accepted_is_read_the_same_by_all(folder: Path, fragments: list[tuple[str, str]]) -> None:
    """aiosql puts exactly the declared parameters in, exactly where they stand, and leaves the rest as it is."""
    body = "".join(["SELECT 0", *(space + text for space, text in fragments)])
    path = write(folder, query(f"{body}\n;", declared(body)))
    try:
        [statement] = scan(path)
    except QueryFileError as refused:
        assert re.match(rf"{re.escape(str(path))}:\d+: \S", str(refused))
        return
    [read] = as_aiosql_reads(path.read_text(encoding="utf-8")).values()
    assert set(re.findall(r"%\((\w+)\)s", read)) == set(statement.header.parameters)
    back = re.sub(r"%\((\w+)\)s", r":\1", read)
    assert code(back) == code(body + "\n;")
    # a placeholder stands in code, or psycopg would not find it there: within quotes it is text
    ours = [token.text[1:] for token in statement.tokens if token.kind == "parameter"]
    assert re.findall(r"%\((\w+)\)s", "".join(map(str, code(read)))) == ours
    assert [text for text in code(read) if len(text) > 4 and "%(" in text] == []


def code(text: str) -> list[str]:
    return [token.text for token in tokens(text) if token.kind not in ("comment", "space")]
