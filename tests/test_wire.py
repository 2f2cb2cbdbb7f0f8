"""How calls travel: arguments as bytes, prepared statements, rows as models, what a broken exchange leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import wfstore
import wfstore.aio
from tests import facekit
from tests.facekit import Face
from wfstore import DEFAULT_TENANT, NewExecution, Store, uuid7
from wfstore.catalogue import CATALOGUE
from wfstore.queryfiles.rows import checked, direct
from wfstore.wire.statement import compiled

face, app, hand = facekit.face, facekit.app, facekit.hand

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


# --- arguments ----------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "uuid": st.uuids(),
    "text": TEXTS,
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "boolean": st.booleans(),
    "double precision": st.floats(allow_nan=False),
    "timestamptz": TIMES,
    "jsonb": st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | TEXTS, st.lists, max_leaves=5),
    "interval": st.timedeltas(timedelta(0), timedelta(days=9)),
}
# the same values in other clothes, which psycopg writes: ids as strings, times of a zone of their own
UNUSUAL: dict[str, st.SearchStrategy[Any]] = {
    "uuid": st.uuids().map(str),
    "bigint": st.integers(-9, 9).map(Decimal),
    "timestamptz": TIMES.map(lambda at: at.astimezone(timezone(timedelta(hours=-3, minutes=-30)))),
    "boolean": st.booleans().map(str),
}


@pytest.fixture(scope="module")
def server(server_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server_url, autocommit=True) as connection:
        yield connection


def echoed(connection: psycopg.Connection[Any], cast: str, value: Any) -> Any:
    statement = compiled(f"SELECT %(value)s::{cast}::text", {"value": cast})
    values, formats = statement.bind({"value": value})
    result = connection.pgconn.exec_params(statement.text, values, statement.types, formats)
    assert result.status == psycopg.pq.ExecStatus.TUPLES_OK, result.error_message
    return result.get_value(0, 0)


def by_psycopg(connection: psycopg.Connection[Any], cast: str, value: Any) -> Any:
    if cast == "jsonb":
        value = psycopg.types.json.Jsonb(value) if value is not None else None
    if cast == "jsonb[]":
        value = [None if each is None else psycopg.types.json.Jsonb(each) for each in value]
    [text] = connection.execute(f"SELECT %s::{cast}::text".encode(), [value]).fetchone() or [None]
    return None if text is None else text.encode()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("element", ELEMENTS)
def test_the_server_reads_what_psycopg_would_have_it_read(
    server: psycopg.Connection[Any], element: str, data: st.DataObject
) -> None:
    one, usual = ELEMENTS[element], st.none() | ELEMENTS[element]
    array = data.draw(st.lists(usual) | st.lists(UNUSUAL.get(element, usual)))
    assert echoed(server, f"{element}[]", array) == by_psycopg(server, f"{element}[]", array)
    value = data.draw(st.none() | one | UNUSUAL.get(element, one))
    assert echoed(server, element, value) == by_psycopg(server, element, value)


@pytest.mark.parametrize(
    ("cast", "value", "error"),
    [
        ("integer[]", [1, 2**31], psycopg.errors.NumericValueOutOfRange),
        ("uuid[]", ["no id"], psycopg.errors.InvalidTextRepresentation),
        ("boolean[]", ["perhaps"], psycopg.errors.InvalidTextRepresentation),
        ("text[]", ["a\0b"], psycopg.DataError),
        ("text", "a\0b", psycopg.DataError),
        ("text", "\ud800", UnicodeEncodeError),
        ("text[]", ["\ud800"], UnicodeEncodeError),
        ("integer", object(), psycopg.ProgrammingError),
        ("jsonb", {1: object()}, wfstore.errors.InvalidInput),
        ("jsonb[]", [b"\xff"], wfstore.errors.InvalidInput),
    ],
)
def test_what_cannot_be_sent(server: psycopg.Connection[Any], cast: str, value: Any, error: type[Exception]) -> None:
    statement = compiled(f"SELECT %(value)s::{cast}", {"value": cast})
    with pytest.raises(error):
        values, formats = statement.bind({"value": value})
        result = server.pgconn.exec_params(statement.text, values, statement.types, formats)
        assert result.status != psycopg.pq.ExecStatus.TUPLES_OK
        raise psycopg.errors.error_from_result(result)


def test_a_percent_sign_is_one_and_a_parameter_keeps_its_place() -> None:
    statement = compiled("SELECT 7 %% %(b)s + %(a)s + %(b)s", {"a": "integer[]"})
    assert statement.text == b"SELECT 7 % $1 + $2 + $1"
    assert statement.types == (0, 1007)
    assert statement.bind({"a": [1], "b": 2})[0][0] == b"2"


# --- rows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", list(CATALOGUE), ids=str)
def test_rows_put_together_are_the_rows_that_are_checked(query: Any) -> None:
    """For each model: the same content, equal, with the same fields set, as frozen as the other."""
    model = query.model
    if model is None:
        assert direct(None, ("a",))((1, 2)) == 1
        return
    names = tuple(model.model_fields)
    values = tuple(_sample(field.annotation) for field in model.model_fields.values())
    one, other = checked(model, names)(values), direct(model, names)(values)
    assert one == other
    assert (one.model_dump(), one.model_fields_set, repr(one)) == (
        other.model_dump(),
        other.model_fields_set,
        repr(other),
    )
    assert other.model_copy() == one
    with pytest.raises(ValueError, match="frozen"):
        setattr(other, names[0], values[0])


def _sample(annotation: Any) -> Any:
    known = {UUID: uuid7(), int: 7, str: "x", bool: True, datetime: NOW, float: 0.5, bytes: b"b", Any: {"a": [1]}}
    known |= {Decimal: Decimal(1), timedelta: timedelta(1), dict[str, Any]: {"k": None}, list[str]: ["s"]}
    for each in (annotation, *getattr(annotation, "__args__", ())):
        kind = each if each in known else getattr(each, "__origin__", each)  # Annotated
        if kind in known:
            return known[kind]
        if isinstance(kind, type) and issubclass(kind, str):
            return next(each.value for each in kind.__members__.values())  # type: ignore[attr-defined] # an enumeration's first
    raise AssertionError(f"no sample of {annotation}")


def test_a_model_with_rules_of_its_own_is_always_checked() -> None:
    from pydantic import field_validator

    class Ruled(BaseModel):
        a: int

        @field_validator("a")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("odd")
            return value

    assert direct(Ruled, ("a",))((2,)).a == 2
    with pytest.raises(ValueError, match="odd"):
        direct(Ruled, ("a",))((3,))


def test_a_row_that_does_not_fit_its_model_is_refused(app: Store, admin: psycopg.Connection[Any]) -> None:
    """The schema has changed behind our back: the first row of each result tells."""
    admin.execute("ALTER TABLE users ALTER COLUMN is_active TYPE text USING is_active::text")
    with pytest.raises(ValueError, match="is_active"):
        app.users.create(id=uuid7(), email="a@example.org", name="A", avatar_url=None, role="member")


# --- prepared statements ------------------------------------------------------------------------------------


def prepared_on(store: Store) -> list[str]:
    with store.transaction() as tx:
        rows = tx.connection.execute("SELECT name FROM pg_prepared_statements ORDER BY name")
        cursor = Face.run(rows)
        return [name.partition("#")[0] for [name] in Face.run(cursor.fetchall())]


def test_a_query_is_prepared_when_it_was_used_often(face: Face, database: str) -> None:
    with face.connect(database, min_size=1, max_size=1, prepare_threshold=3) as store:
        for times in range(5):
            assert store.users.get(id=uuid7()) is None
            assert ("users.get" in prepared_on(store)) == (times >= 3), times
    with face.connect(database, min_size=1, max_size=1, prepare_threshold=None) as store:
        for _ in range(9):
            store.users.get(id=uuid7())
        assert prepared_on(store) == []


def test_prepared_statements_that_somebody_discards_are_made_anew(face: Face, database: str) -> None:
    with face.connect(database, min_size=1, max_size=1, prepare_threshold=0) as store:
        assert store.users.get(id=uuid7()) is None
        with store.transaction() as tx:
            Face.run(tx.connection.execute("DEALLOCATE ALL"))
        assert store.users.get(id=uuid7()) is None
        assert "users.get" in prepared_on(store)


def test_one_that_could_not_be_prepared_is_not_taken_for_it(
    face: Face, database: str, admin: psycopg.Connection[Any]
) -> None:
    with face.connect(database, min_size=1, max_size=1, prepare_threshold=0) as store:
        admin.execute("ALTER TABLE users RENAME TO others")
        with pytest.raises(psycopg.errors.UndefinedTable):
            store.users.get(id=uuid7())
        admin.execute("ALTER TABLE others RENAME TO users")
        assert store.users.get(id=uuid7()) is None


# --- exchanges ----------------------------------------------------------------------------------------------


def test_much_goes_both_ways_at_once(app: Store) -> None:
    """More than sockets hold: who only writes while the other only writes hangs."""
    workflow = app.workflows.add({"name": "w", "nodes": [], "connections": []}).id
    load = "x" * 50_000
    made = app.executions.enqueue(
        *(NewExecution(workflow_id=workflow, metadata={"n": n, "load": load}) for n in range(100))
    )
    found = app.executions.get_many(execution_ids=[each.execution_id for each in made])
    assert {each.metadata["n"] for each in found} == set(range(100))
    assert all(each.metadata["load"] == load for each in found)


def test_a_call_that_is_cancelled_leaves_nothing_behind(database: str, admin: psycopg.Connection[Any]) -> None:
    """Its connection is not used again with an answer under way; the pool goes on."""

    async def main() -> None:
        async with await wfstore.aio.connect(database, min_size=1, max_size=1) as store:
            user = await store.users.create(id=uuid7(), email="a@example.org", name="A", avatar_url=None, role="member")
            with psycopg.connect(database) as blocker:
                blocker.execute("LOCK TABLE users")
                call = asyncio.create_task(store.users.get(id=user.id))
                while not admin.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall():
                    await asyncio.sleep(0.01)
                call.cancel()
                with suppress(asyncio.CancelledError):
                    await call
            assert call.cancelled()
            for _ in range(3):
                assert (await store.users.get(id=user.id)) == user

    asyncio.run(main())


def test_a_call_inside_the_callers_own_pipeline(face: Face, app: Store) -> None:
    """psycopg has the pipeline then, and serves the call."""
    with app.transaction() as tx:
        pipeline = tx.connection.pipeline()
        if face.name == "sync":
            with pipeline:
                assert tx.users.get(id=uuid7()) is None
        assert tx.users.get(id=uuid7()) is None


# --- a database of one tenant -------------------------------------------------------------------------------


def test_a_database_of_one_tenant_says_so_itself(face: Face, database: str, admin: psycopg.Connection[Any]) -> None:
    """Its tenant is a setting of the database: a call is one statement. Another tenant's is told, as ever."""
    other = uuid7()
    admin.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, 'other', 'Other')", [other])
    name = admin.info.dbname
    admin.execute(f"ALTER DATABASE {name} SET wfstore.tenant_id = '{DEFAULT_TENANT}'".encode())
    with face.connect(database, min_size=1, max_size=1) as store:
        user = store.users.create(id=uuid7(), email="a@example.org", name="A", avatar_url=None, role="member")
        there = store.for_tenant(other)
        assert there.users.get(id=user.id) is None
        mine = there.users.create(id=uuid7(), email="a@example.org", name="A", avatar_url=None, role="member")
        assert mine.tenant_id == other
        assert store.users.get(id=user.id) == user
        assert store.users.get(id=mine.id) is None
        with store.transaction() as tx:
            assert tx.users.get(id=user.id) == user
        with there.transaction() as tx:
            assert tx.users.get(id=mine.id) == mine
        workflow = store.workflows.add({"name": "w", "nodes": [], "connections": []}).id
        [made] = store.executions.enqueue(NewExecution(workflow_id=workflow))
        assert store.executions.get(execution_id=made.execution_id) is not None
