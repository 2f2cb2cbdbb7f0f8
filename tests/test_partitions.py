"""Partitions of history made by a write, by many at once, behind open readers; and the ids that carry their time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.databasekit import cloned, rows, session
from wfstore import DEFAULT_TENANT, uuid7
from wfstore.ids import floor_id, time_of

SESSIONS = 8
MAKE = "SELECT wfstore_make_partition(%s)"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
WORKFLOW = uuid7()


def suffix_of(at: datetime) -> str:
    monday = at.astimezone(UTC).date()
    return f"p{monday - timedelta(days=monday.weekday()):%Y%m%d}"


def partitions(connection: psycopg.Connection[Any], at: datetime) -> list[str]:
    """What is attached for this time, and what is left lying about for it."""
    found = rows(
        connection,
        """
        SELECT coalesce(i.inhparent::regclass::text, 'nothing') AS parent
        FROM pg_class AS t LEFT JOIN pg_inherits AS i ON i.inhrelid = t.oid
        WHERE t.relkind = 'r' AND t.relname ~ %s ORDER BY 1
        """,
        f"^(workflow|node)_executions_{suffix_of(at)}$",
    )
    return [row["parent"] for row in found]


PAIR = ["node_executions", "workflow_executions"]


@pytest.fixture
def unmade(admin: psycopg.Connection[Any]) -> datetime:
    """A time in the window whose partition is not there: the farthest week, unless today made it; then it goes."""
    at = datetime.now(UTC) + timedelta(days=34)
    suffix = suffix_of(at)
    admin.execute(f"DROP TABLE IF EXISTS node_executions_{suffix}, workflow_executions_{suffix}")
    return at


@pytest.fixture
def workflow(admin: psycopg.Connection[Any]) -> UUID:
    admin.execute(
        """
        INSERT INTO workflows (tenant_id, id, name, workflow_data, content_hash)
        VALUES (%s, %s, 'a workflow', '{}', sha256('{}'))
        """,
        [DEFAULT_TENANT, WORKFLOW],
    )
    return WORKFLOW


def enqueue(connection: psycopg.Connection[Any], execution_id: UUID) -> None:
    connection.execute(
        """
        INSERT INTO workflow_executions (tenant_id, execution_id, workflow_id, workflow_revision)
        VALUES (%s, %s, %s, 1)
        """,
        [DEFAULT_TENANT, execution_id, WORKFLOW],
    )


# --- who may make which -------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["wfstore_app", "wfstore_worker", "wfstore_owner"])
def test_a_write_may_have_its_partition_made(
    database: str, admin: psycopg.Connection[Any], unmade: datetime, workflow: UUID, role: str
) -> None:
    with session(database, role, str(DEFAULT_TENANT)) as connection:
        assert connection.execute(MAKE, [unmade]).fetchone() == (suffix_of(unmade),)
        assert connection.execute(MAKE, [unmade]).fetchone() == (suffix_of(unmade),), "again: nothing to do"
    assert partitions(admin, unmade) == PAIR
    with session(database, "wfstore_app", str(DEFAULT_TENANT)) as connection:
        enqueue(connection, uuid7(unmade))


@pytest.mark.parametrize(
    ("role", "function"),
    [
        ("wfstore_readonly", "wfstore_make_partition"),
        ("wfstore_readonly", "wfstore_create_partition"),
        ("wfstore_app", "wfstore_create_partition"),
        ("wfstore_worker", "wfstore_create_partition"),
        ("wfstore_app", "wfstore_make_partitions_ahead"),
        ("wfstore_worker", "wfstore_make_partitions_ahead"),
    ],
)
def test_who_may_not(database: str, role: str, function: str) -> None:
    with session(database, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege, match=function):
        connection.execute(f"SELECT {function}(now())".encode())


@pytest.mark.parametrize("role", ["wfstore_app", "wfstore_worker", "wfstore_owner"])
def test_the_window_of_writes(database: str, role: str) -> None:
    """35 days to both sides; an id made up far from now must not fill the database with tables."""
    far = [
        "now() + interval '35 days 1 minute'",
        "now() - interval '35 days 1 minute'",
        "'infinity'",
        "'-infinity'",
        "'1900-01-01'",
    ]
    with session(database, role) as connection:
        for near in ("now() + interval '34 days 23 hours'", "now() - interval '34 days 23 hours'"):
            connection.execute(f"SELECT wfstore_make_partition({near})".encode())
        for at in far:
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(f"SELECT wfstore_make_partition({at})".encode())
            assert caught.value.sqlstate == "WF005", at
        with pytest.raises(psycopg.errors.NullValueNotAllowed):
            connection.execute("SELECT wfstore_make_partition(NULL)")


def test_operators_make_any(database: str, admin: psycopg.Connection[Any]) -> None:
    """As owner or as superuser; the result is the same, and the owner can drop it: both siblings in one statement."""
    early, late = datetime(2019, 12, 31, 23, 59, tzinfo=UTC), datetime(2044, 2, 29, 12, tzinfo=UTC)
    with session(database, "wfstore_owner") as connection:
        assert connection.execute("SELECT wfstore_create_partition(%s)", [early]).fetchone() == ("p20191230",)
        assert admin.execute("SELECT wfstore_create_partition(%s)", [late]).fetchone() == ("p20440229",)
        assert partitions(admin, early) == partitions(admin, late) == PAIR
        for suffix in ("p20191230", "p20440229"):
            connection.execute(f"DROP TABLE node_executions_{suffix}, workflow_executions_{suffix}".encode())


def test_days_instead_of_weeks(database: str, admin: psycopg.Connection[Any]) -> None:
    """The policy decides what new partitions span; where it changes inside a week that is there, they clash loudly."""
    admin.execute("UPDATE retention_policies SET partition_interval = '1 day', partitions_ahead = 2")
    made = admin.execute("SELECT wfstore_make_partitions_ahead('2030-05-01 00:00+00')").fetchall()
    assert made == [("p20300501",), ("p20300502",), ("p20300503",)]
    now = datetime.now(UTC)
    midweek = now + timedelta(days=(9 - now.weekday()) % 7)  # a Wednesday, in a week that the migration made
    with pytest.raises(psycopg.errors.InvalidObjectDefinition, match="would overlap"):
        admin.execute("SELECT wfstore_create_partition(%s)", [midweek])


# --- many at once, and readers that stay ---------------------------------------------------------------------


def test_eight_sessions_want_the_same_week(database: str, admin: psycopg.Connection[Any], unmade: datetime) -> None:
    """All succeed, and there is one pair. Repeated: the race has several places to go wrong."""
    gate = threading.Barrier(SESSIONS)

    def make(connection: psycopg.Connection[Any], at: datetime) -> str:
        gate.wait(timeout=20)
        [made] = connection.execute(MAKE, [at]).fetchone() or [""]
        return str(made)

    with ExitStack() as stack, ThreadPoolExecutor(SESSIONS) as threads:
        roles = ["wfstore_app", "wfstore_worker"] * (SESSIONS // 2)
        connections = [stack.enter_context(session(database, role)) for role in roles]
        for days in (34, 27, 20, 13):
            at = unmade - timedelta(days=34 - days)
            suffix = suffix_of(at)
            admin.execute(f"DROP TABLE IF EXISTS node_executions_{suffix}, workflow_executions_{suffix}")
            assert list(threads.map(make, connections, [at] * SESSIONS)) == [suffix] * SESSIONS
            assert partitions(admin, at) == PAIR


def test_sessions_want_different_weeks(database: str, admin: psycopg.Connection[Any], unmade: datetime) -> None:
    """They wait for each other, and do not lock each other out."""
    weeks = [unmade - timedelta(days=7 * week) for week in range(4)]
    for at in weeks:
        suffix = suffix_of(at)
        admin.execute(f"DROP TABLE IF EXISTS node_executions_{suffix}, workflow_executions_{suffix}")
    gate = threading.Barrier(SESSIONS)

    def make(at: datetime) -> None:
        with session(database, "wfstore_app") as connection:
            gate.wait(timeout=20)
            connection.execute(MAKE, [at])

    with ThreadPoolExecutor(SESSIONS) as threads:
        list(threads.map(make, weeks * (SESSIONS // len(weeks))))
    assert [partitions(admin, at) for at in weeks] == [PAIR] * len(weeks)


def test_neither_readers_nor_writers_are_stalled(
    database: str, admin: psycopg.Connection[Any], unmade: datetime, workflow: UUID
) -> None:
    """A partition is made while a reader and a writer have open transactions, and others go on before it commits."""
    tenant = str(DEFAULT_TENANT)
    with ExitStack() as stack:
        reader, open_writer, maker, writer = (
            stack.enter_context(session(database, "wfstore_app", tenant)) for _ in range(4)
        )
        for connection in (maker, writer):
            connection.execute("SET statement_timeout = '5s'")
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert reader.execute("SELECT count(*) FROM workflow_executions").fetchone() == (0,)
        assert reader.execute("SELECT count(*) FROM node_executions").fetchone() == (0,)
        open_writer.execute("BEGIN")
        enqueue(open_writer, uuid7())

        with maker.transaction():
            maker.execute(MAKE, [unmade])
            writer.execute("SET lock_timeout = '1ms'")
            enqueue(writer, uuid7())
            assert writer.execute("SELECT count(*) FROM workflow_executions").fetchone() == (1,)
        enqueue(writer, uuid7(unmade))

        open_writer.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM workflow_executions").fetchone() == (0,)
        reader.execute("COMMIT")
    assert admin.execute("SELECT count(*) FROM workflow_executions").fetchone() == (3,)


# --- rows without a place -----------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["workflow_executions", "node_executions"])
def test_a_row_without_a_partition(database: str, workflow: UUID, table: str) -> None:
    """23514, as a CHECK has it, but without a constraint's name: that is how the store tells them apart."""
    far = uuid7(datetime.now(UTC) + timedelta(days=300))
    with session(database, "wfstore_owner", str(DEFAULT_TENANT)) as connection:
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            if table == "workflow_executions":
                enqueue(connection, far)
            else:
                connection.execute(
                    """
                    INSERT INTO node_executions (tenant_id, execution_id, node_id, node_type, status)
                    VALUES (%s, %s, 'a', 'TOOL', 'PENDING')
                    """,
                    [DEFAULT_TENANT, far],
                )
        assert caught.value.sqlstate == "23514"
        assert caught.value.diag.constraint_name is None
        assert caught.value.diag.table_name == table


def test_an_id_that_carries_no_time_is_refused(database: str, workflow: UUID) -> None:
    """Even where its bits would fall into a partition."""
    other_versions = [UUID(int=uuid7().int & ~(0xF << 76) | version << 76) for version in (0, 1, 4, 6, 8, 15)]
    other_versions += [UUID(int=uuid7().int & ~(0b11 << 62) | variant << 62) for variant in (0b00, 0b01, 0b11)]
    with session(database, "wfstore_app", str(DEFAULT_TENANT)) as connection:
        for identifier in other_versions:
            with pytest.raises(psycopg.errors.CheckViolation) as caught:
                enqueue(connection, identifier)
            assert caught.value.diag.constraint_name == "workflow_executions_execution_id_check"
        enqueue(connection, uuid7())


# --- ids ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ids(server_url: str) -> Iterator[psycopg.Connection[Any]]:
    with cloned(server_url) as url, closing(psycopg.connect(url, autocommit=True)) as connection:
        yield connection


# Beyond, a double no longer holds microseconds.
times = st.datetimes(datetime(1970, 1, 1), datetime(2242, 1, 1), timezones=st.just(UTC))


def to_the_millisecond(at: datetime) -> datetime:
    return EPOCH + (at - EPOCH) // MILLISECOND * MILLISECOND


@settings(max_examples=60, deadline=None)
@given(at=times)
def test_an_id_carries_its_time(ids: psycopg.Connection[Any], at: datetime) -> None:
    query = "SELECT wfstore_uuid7(%(at)s), wfstore_uuid7_floor(%(at)s), wfstore_uuid7_floor(%(at)s + interval '1 ms')"
    identifier, lower, upper = ids.execute(query, {"at": at}).fetchone() or (None, None, None)
    assert identifier is not None and lower is not None and upper is not None
    assert (identifier.version, identifier.variant) == (7, "specified in RFC 4122")
    assert lower < identifier < upper
    assert lower.int % (1 << 80) == 0
    told = ids.execute("SELECT wfstore_uuid7_time(%s), wfstore_is_uuid7(%s)", [identifier, identifier]).fetchone()
    assert told == (to_the_millisecond(at), True)
    assert time_of(identifier) == told[0]


@settings(max_examples=60, deadline=None)
@given(at=times.map(to_the_millisecond))
def test_python_and_sql_make_the_same_ids(ids: psycopg.Connection[Any], at: datetime) -> None:
    query = "SELECT wfstore_uuid7_floor(%s), wfstore_uuid7_time(%s)"
    assert ids.execute(query, [at, uuid7(at)]).fetchone() == (floor_id(at), at)


@settings(max_examples=60, deadline=None)
@given(identifier=st.uuids())
def test_only_version_7_is_a_uuid7(ids: psycopg.Connection[Any], identifier: UUID) -> None:
    """As RFC 9562 has it, and Python: other variants have no versions."""
    assert ids.execute("SELECT wfstore_is_uuid7(%s)", [identifier]).fetchone() == (identifier.version == 7,)
    as_version_7 = UUID(int=identifier.int, version=4).int & ~(0xF << 76) | 7 << 76
    assert ids.execute("SELECT wfstore_is_uuid7(%s)", [UUID(int=as_version_7)]).fetchone() == (True,)


def test_ids_are_random(ids: psycopg.Connection[Any]) -> None:
    made = ids.execute("SELECT wfstore_uuid7('2030-01-01') FROM generate_series(1, 2000)").fetchall()
    assert len(set(made)) == 2000
    ones = [sum(identifier.int >> bit & 1 for (identifier,) in made) for bit in range(80)]
    fixed = {63: 2000, 62: 0, 79: 0, 78: 2000, 77: 2000, 76: 2000}  # the variant, the version
    assert {bit: ones[bit] for bit in fixed} == fixed
    assert all(800 < count < 1200 for bit, count in enumerate(ones) if bit not in fixed)


def test_ids_of_now(ids: psycopg.Connection[Any]) -> None:
    """Without an argument: of the clock, not of the transaction's beginning."""
    with ids.transaction():
        query = "SELECT wfstore_uuid7_time(wfstore_uuid7()) >= date_trunc('milliseconds', %s::timestamptz)"
        [before] = ids.execute("SELECT clock_timestamp()").fetchone() or [None]
        assert ids.execute(query, [before]).fetchone() == (True,)
    assert ids.execute("SELECT wfstore_uuid7(NULL), wfstore_uuid7_floor(NULL)").fetchone() == (None, None)
