"""Query files: what is refused, and where; what looks dangerous and is not; what their methods promise."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
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
from tests.querycases import BROKEN, SELECT, TRICKY, query
from wfstore import DEFAULT_TENANT, models, uuid7
from wfstore.errors import InvalidInput, QueryFileError
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.queryfiles.scan import scan, tokens
from wfstore.sync.queries import Queries


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
        _ = wfstore.queries.workflows.fetch  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"no query file workflow\.sql; there are .*\bworkflows\b"):
        _ = wfstore.queries.workflow  # type: ignore[attr-defined]


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
