"""Migrations in trouble: two at once, killed, disconnected, blocked. Nothing is ever half done."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.migratekit import GATE, REAL, WAIT_AT_GATE, add, at_gate, query, scratch, states, tables, until
from tests.servers_tmp import VERSIONS, Server, serve
from wfstore import migrate
from wfstore.errors import DatabaseUnavailable, MigrationError, OutcomeUnknown
from wfstore.migrate import files
from wfstore.migrate.backend import LOCK_KEY, Backend
from wfstore.resources import MIGRATIONS


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serve(request.param) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return scratch(tmp_path)


# --- two at once --------------------------------------------------------------------------------------------


def test_two_at_once_one_waits_and_both_succeed(server: Server, folder: Path) -> None:
    database = server.create()
    slow = add(folder, "0003.slow", WAIT_AT_GATE + "CREATE TABLE slow ();\n")
    told: dict[int, list[str]] = {0: [], 1: []}
    start = threading.Barrier(2)

    def run(number: int) -> list[str]:
        start.wait()
        return migrate.migrate(server.url(database), folder=folder, report=told[number].append)

    with ThreadPoolExecutor(2) as pool, psycopg.connect(server.url(database)) as gate:
        gate.execute("SELECT pg_advisory_lock(%s)", (GATE,))
        both = [pool.submit(run, number) for number in (0, 1)]
        until(lambda: at_gate(server, database), "one is in the middle")
        until(lambda: any("waiting for it" in line for lines in told.values() for line in lines), "one waits")
        assert query(server, database, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'") == [(1,)]
        gate.execute("SELECT pg_advisory_unlock(%s)", (GATE,))
        results = sorted(future.result(timeout=20) for future in both)
    assert results == [[], [*REAL[:2], slow]]
    assert sum("waiting for it" in line for lines in told.values() for line in lines) == 1


def test_who_waits_does_not_hold_up_a_concurrent_index(server: Server, folder: Path) -> None:
    """CREATE INDEX CONCURRENTLY waits for every older snapshot: a waiter inside the server would never end."""
    database = server.create()
    add(folder, "0003.table", "CREATE TABLE big (a int);\n", "DROP TABLE big;\n")
    add(
        folder, "0004.index", "CREATE INDEX CONCURRENTLY IF NOT EXISTS big_a_idx ON big (a);\n",
        "DROP INDEX CONCURRENTLY big_a_idx;\n", head="-- transactional: false\n",
    )  # fmt: skip
    url = server.url(database)
    migrate.migrate(url, folder=folder, to="3")
    waiting, told = threading.Event(), []

    def tell(line: str) -> None:
        told.append(line)
        waiting.set()

    with ThreadPoolExecutor(2) as pool, psycopg.connect(url) as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM big")  # an old snapshot: the first one stops here
        first = pool.submit(migrate.migrate, url, folder=folder)
        stopped = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'virtualxid' AND datname = current_database()"
        until(lambda: bool(query(server, database, stopped)), "the index waits for the reader")
        second = pool.submit(migrate.migrate, url, folder=folder, report=tell)
        assert waiting.wait(20)
        reader.rollback()
        assert first.result(timeout=20) == ["0004.index"]
        assert second.result(timeout=20) == []
    assert migrate.rollback(url, folder=folder) == ["0004.index"]


def test_databases_of_one_new_server_at_once() -> None:
    """Roles belong to the server: both create them, and neither may fail for it."""
    with serve("18") as server, ThreadPoolExecutor(4) as pool:
        databases = [server.create() for _ in range(4)]
        start = threading.Barrier(4)

        def run(database: str) -> list[str]:
            start.wait()
            return migrate.migrate(server.url(database))

        assert list(pool.map(run, databases)) == [REAL] * 4


def test_without_the_lock_nothing_is_applied(server: Server, folder: Path) -> None:
    """As behind a pooler that gives each transaction another session."""
    from yoyo import read_migrations

    database = server.create()
    known = files.known(folder)
    with psycopg.connect(server.url(database)) as other, Backend(server.url(database), known) as backend:
        other.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
        backend.prepare()
        with pytest.raises(MigrationError, match="another session holds"):
            backend.apply_one(read_migrations(str(MIGRATIONS))[0])
    assert states(server, database, folder)[REAL[0]] == ("pending", None)


# --- the end of a client, of a connection, of room ----------------------------------------------------------


def start(server: Server, database: str, folder: Path) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from pathlib import Path; from wfstore import migrate;"
        "migrate.migrate(sys.argv[1], folder=Path(sys.argv[2]))"
    )
    return subprocess.Popen([sys.executable, "-c", code, server.url(database), str(folder)])


def test_killed_in_the_middle_leaves_nothing(server: Server, folder: Path) -> None:
    database = server.create()
    half = add(folder, "0003.half", f"CREATE TABLE half ();\n{WAIT_AT_GATE}CREATE TABLE other_half ();\n")
    ours = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'wfstore migrate' AND datname = current_database()"
    with psycopg.connect(server.url(database)) as gate:
        gate.execute("SELECT pg_advisory_lock(%s)", (GATE,))
        process = start(server, database, folder)
        until(lambda: at_gate(server, database), "it is in the middle")
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
        # The gate is still shut: the server itself must see that the client is gone.
        until(lambda: not query(server, database, ours), "its session has ended")
    assert "half" not in tables(server, database)
    assert states(server, database, folder)[half] == ("pending", None)
    told: list[str] = []
    assert migrate.migrate(server.url(database), folder=folder, report=told.append) == [half]
    assert not any("waiting" in line or "lock" in line for line in told)
    assert {"half", "other_half"} <= tables(server, database)


def test_a_lost_connection_is_one_sentence(server: Server, folder: Path) -> None:
    database = server.create()
    half = add(folder, "0003.half", f"CREATE TABLE half ();\n{WAIT_AT_GATE}")
    with ThreadPoolExecutor(1) as pool, psycopg.connect(server.url(database), autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(%s)", (GATE,))
        running = pool.submit(migrate.migrate, server.url(database), folder=folder)
        until(lambda: at_gate(server, database), "it is in the middle")
        gate.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'wfstore migrate' AND datname = current_database()"
        )
        with pytest.raises(DatabaseUnavailable, match=f"^{half}: the connection to the server was lost$"):
            running.result(timeout=20)
    assert states(server, database, folder)[half] == ("pending", None)


def test_a_connection_lost_while_committing_leaves_the_outcome_open(server: Server, folder: Path) -> None:
    database = server.create()
    name = add(
        folder,
        "0003.late",
        "CREATE TABLE late (a int);\n"
        "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS\n"
        f"$$ BEGIN PERFORM pg_advisory_xact_lock({GATE}); RETURN NULL; END $$;\n"
        "CREATE CONSTRAINT TRIGGER stop AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED\n"
        "    FOR EACH ROW EXECUTE FUNCTION stop();\nINSERT INTO late VALUES (1);\n",
    )
    with ThreadPoolExecutor(1) as pool, psycopg.connect(server.url(database), autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(%s)", (GATE,))
        running = pool.submit(migrate.migrate, server.url(database), folder=folder)
        until(lambda: at_gate(server, database), "it commits")
        gate.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'"
        )
        with pytest.raises(OutcomeUnknown, match=f"^{name}: the connection was lost while it was being committed$"):
            running.result(timeout=20)
    assert states(server, database, folder)[name] == ("pending", None)
    assert migrate.migrate(server.url(database), folder=folder) == [name]


def test_no_room_is_one_sentence(server: Server, folder: Path) -> None:
    database = server.create()
    full = add(
        folder, "0003.full", "CREATE TABLE half ();\nDO $$ BEGIN RAISE 'full' USING ERRCODE = '53100'; END $$;\n"
    )
    with pytest.raises(MigrationError, match=r"^0003.full: full \(0003.full.sql:3\)$") as caught:
        migrate.migrate(server.url(database), folder=folder)
    assert "disk is full" in str(caught.value.hint)
    assert states(server, database, folder)[full] == ("pending", None)
    assert "half" not in tables(server, database)


def test_a_mistake_is_told_with_its_line(server: Server, folder: Path) -> None:
    database = server.create()
    add(folder, "0003.typo", "CREATE TABLE half ();\n\n-- why: it must\nALTER TABLE half\n    ADD COLUMN a integr;\n")
    with pytest.raises(MigrationError, match=r'^0003.typo: type "integr" does not exist \(0003.typo.sql:6\)$'):
        migrate.migrate(server.url(database), folder=folder)
    assert "half" not in tables(server, database)


def test_a_role_without_rights_is_told_what_it_needs(server: Server) -> None:
    database = server.create()
    query(server, database, "DROP ROLE IF EXISTS nobody; CREATE ROLE nobody LOGIN")
    with pytest.raises(MigrationError, match="permission denied") as caught:
        migrate.migrate(server.url(database, "nobody"))
    assert "CREATEROLE" in str(caught.value.hint)


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(DatabaseUnavailable, match="no connection"):
        migrate.migrate("postgresql://nobody@/nowhere?host=/nowhere")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_new_server_migrated_by_a_role_that_is_no_superuser(version: str) -> None:
    with serve(version) as server:
        query(server, "postgres", "CREATE ROLE migrator LOGIN CREATEROLE")
        database = server.create(owner="migrator")
        url = server.url(database, "migrator")
        assert migrate.migrate(url) == REAL
        full = server.dump(database)
        assert migrate.rollback(url, everything=True) == REAL[::-1]
        assert migrate.migrate(url) == REAL
        assert server.dump(database) == full
        owners = query(
            server, database,
            "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace",
        )  # fmt: skip
        assert owners == [("wfstore_owner",)]
        by_superuser = server.create()
        migrate.migrate(server.url(by_superuser))
        assert server.dump(by_superuser) == full


# --- locks of others ----------------------------------------------------------------------------------------


def test_a_lock_of_others_is_tried_again(server: Server, folder: Path) -> None:
    database = server.create()
    url = server.url(database)
    add(folder, "0003.busy", "CREATE TABLE busy ();\n")
    migrate.migrate(url, folder=folder)
    add(folder, "0004.alter", "CREATE TABLE new ();\nALTER TABLE busy ADD COLUMN a int;\n")
    pauses: list[float] = []
    told: list[str] = []
    with psycopg.connect(url) as reader:
        reader.execute("SET idle_in_transaction_session_timeout = '15s'")  # a failing test ends, too
        reader.execute("SELECT 1 FROM busy")

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                reader.rollback()

        assert migrate.migrate(url, folder=folder, report=told.append, sleep=pause) == ["0004.alter"]
    assert pauses == [0.25, 0.5]
    assert [line for line in told if line.startswith("0004.alter: others lock its tables; try 2 of 8")]
    assert "new" in tables(server, database)


def test_a_lock_that_stays_ends_in_one_sentence(server: Server, folder: Path) -> None:
    database = server.create()
    url = server.url(database)
    add(folder, "0003.busy", "CREATE TABLE busy ();\n")
    migrate.migrate(url, folder=folder)
    quick = "SET LOCAL lock_timeout = '10ms';\n"
    add(folder, "0004.alter", f"{quick}CREATE TABLE new ();\nALTER TABLE busy ADD COLUMN a int;\n")
    pauses: list[float] = []
    with psycopg.connect(url) as reader:
        reader.execute("SELECT 1 FROM busy")
        with pytest.raises(MigrationError, match=r"^0004.alter: canceling statement due to lock timeout") as caught:
            migrate.migrate(url, folder=folder, sleep=pauses.append)
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, 8]
    assert "pg_stat_activity" in str(caught.value.hint)
    assert "new" not in tables(server, database)


def test_a_failed_concurrent_index_is_built_anew(server: Server, folder: Path) -> None:
    database = server.create()
    url = server.url(database)
    add(folder, "0003.table", "CREATE TABLE big (a int);\nINSERT INTO big VALUES (1), (1);\n", "DROP TABLE big;\n")
    name = add(
        folder, "0004.index", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS big_a_key ON big (a);\n",
        "DROP INDEX CONCURRENTLY big_a_key;\n", head="-- transactional: false\n",
    )  # fmt: skip
    with pytest.raises(MigrationError, match='could not create unique index "big_a_key"'):
        migrate.migrate(url, folder=folder)
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'big_a_key'::regclass"
    assert query(server, database, valid) == [(False,)]
    query(server, database, "DELETE FROM big WHERE ctid = '(0,1)'")
    told: list[str] = []
    assert migrate.migrate(url, folder=folder, report=told.append) == [name]
    assert query(server, database, valid) == [(True,)]
    assert [line for line in told if "big_a_key" in line and "failed run" in line]
    assert migrate.rollback(url, folder=folder) == [name]


def test_what_a_step_sets_ends_with_it(server: Server, folder: Path) -> None:
    database = server.create()
    url = server.url(database)
    add(
        folder, "0003.session", "SET ROLE wfstore_owner;\nSET statement_timeout = '1h';\nSELECT 1;\n",
        head="-- transactional: false\n",
    )  # fmt: skip
    add(folder, "0004.seen", "CREATE TABLE seen AS SELECT current_user::text, current_setting('statement_timeout');\n")
    migrate.migrate(url, folder=folder)
    assert query(server, database, "SELECT * FROM seen") == [("postgres", "0")]
