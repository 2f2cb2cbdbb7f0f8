"""Migrations on real servers: nothing half done, nobody in the way, no edited file passes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers_tmp import VERSIONS, Server, serve
from wfstore import migrate
from wfstore.errors import DatabaseUnavailable, MigrationError
from wfstore.migrate import files
from wfstore.migrate.backend import LOCK_KEY, Backend
from wfstore.resources import MIGRATIONS

REAL = [file.id for file in files.known()]
GATE = 4711  # an advisory lock at which a migration of a test waits
WAIT_AT_GATE = f"SET LOCAL lock_timeout = 0;\nSELECT pg_advisory_xact_lock({GATE});\n"


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serve(request.param) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the first two real migrations: the roles, and the book of what was applied."""
    target = tmp_path / "migrations [of a test]"  # a name that is a pattern, too
    target.mkdir()
    for path in MIGRATIONS.glob("000[12].*.sql"):
        shutil.copy(path, target)
    return target


def add(folder: Path, name: str, up: str, down: str = "SELECT 1;\n", *, head: str = "") -> str:
    before = files.known(folder)[-1].id
    (folder / f"{name}.sql").write_text(f"{head}-- depends: {before}\n{up}")
    (folder / f"{name}.rollback.sql").write_text(down)
    return name


def query(server: Server, database: str, text: str, *parameters: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        cursor = connection.execute(text, parameters)
        return cursor.fetchall() if cursor.description else []


def tables(server: Server, database: str) -> set[str]:
    return {row[0] for row in query(server, database, "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')")}


def states(server: Server, database: str, folder: Path) -> dict[str, tuple[str, str | None]]:
    return {line.migration: (line.state, line.content) for line in migrate.status(server.url(database), folder=folder)}


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.01)


def at_gate(server: Server, database: str) -> bool:
    """Whether a session stands at the gate."""
    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
    return bool(query(server, database, waiting, GATE))


# --- up, down, up -------------------------------------------------------------------------------------------


def write_rows(server: Server, database: str) -> None:
    """Write a row into every table of wfstore that is there."""
    there = tables(server, database)
    with psycopg.connect(server.url(database)) as connection:
        for table, statement in ROWS.items():
            if table in there:
                connection.execute(statement)


TENANT = "'00000000-0000-7000-8000-000000000001'"
ID = "'01890000-0000-7000-8000-000000000001'"
NOW = "overlay(wfstore_uuid7_floor(date_trunc('hour', now()))::text PLACING '7' FROM 15)::uuid"
ROWS = {
    "tenants": "INSERT INTO tenants (id, slug, name) VALUES (wfstore_uuid7(), 'other', 'Other') ON CONFLICT DO NOTHING",
    "users": f"INSERT INTO users (tenant_id, id, email) VALUES ({TENANT}, {ID}, 'a@b') ON CONFLICT DO NOTHING",
    "workflows": "INSERT INTO workflows (tenant_id, id, user_id, name, workflow_data, content_hash) VALUES"
    f" ({TENANT}, {ID}, {ID}, 'w', '{{}}', sha256('')) ON CONFLICT DO NOTHING",
    "workflow_versions": "INSERT INTO workflow_versions (tenant_id, workflow_id, revision, workflow_data, content_hash)"
    f" VALUES ({TENANT}, {ID}, 1, '{{}}', sha256('')) ON CONFLICT DO NOTHING",
    "workflow_terms": f"INSERT INTO workflow_terms VALUES ({TENANT}, 'TAG', 't', {ID}) ON CONFLICT DO NOTHING",
    "nodes": "INSERT INTO nodes (tenant_id, workflow_id, node_id, node_type, name, ordinal)"
    f" VALUES ({TENANT}, {ID}, 'n', 'ACTION', 'n', 0) ON CONFLICT DO NOTHING",
    "node_connections": "INSERT INTO node_connections (tenant_id, workflow_id, ordinal, source_node_id, target_node_id)"
    f" VALUES ({TENANT}, {ID}, 0, 'n', 'n') ON CONFLICT DO NOTHING",
    "workflow_executions": "INSERT INTO workflow_executions (tenant_id, execution_id, workflow_id, workflow_revision)"
    f" VALUES ({TENANT}, {NOW}, {ID}, 1) ON CONFLICT DO NOTHING",
    "node_executions": "INSERT INTO node_executions (tenant_id, execution_id, node_id, node_type, status)"
    f" VALUES ({TENANT}, {NOW}, 'n', 'ACTION', 'SUCCESS') ON CONFLICT DO NOTHING",
    "execution_queue": f"INSERT INTO execution_queue (tenant_id, execution_id) VALUES ({TENANT}, {NOW})"
    " ON CONFLICT DO NOTHING",
}


def test_every_table_gets_a_row(server: Server) -> None:
    database = server.create()
    migrate.migrate(server.url(database))
    write_rows(server, database)
    ours = {name for name in tables(server, database) if not name.startswith(("pg_", "sql_", "_yoyo", "yoyo_"))}
    empty = {name for name in ours if not query(server, database, f"SELECT 1 FROM {name} LIMIT 1")}
    assert {name for name in empty if "_executions_p" not in name} == set()


def test_each_migration_goes_up_down_and_up_again_with_rows(server: Server) -> None:
    database = server.create()
    url = server.url(database)
    for migration in REAL:
        before = server.dump(database)
        assert migrate.migrate(url, to=migration) == [migration]
        after = server.dump(database)
        write_rows(server, database)
        assert migrate.rollback(url) == [migration]
        if migration != REAL[0]:  # before the first one, yoyo had no tables yet
            assert server.dump(database) == before, f"{migration} does not undo all that it did"
        assert migrate.migrate(url, to=migration) == [migration]
        assert server.dump(database) == after, f"{migration} does not come back as it was"
        write_rows(server, database)


def test_all_the_way_back_and_up_again(server: Server) -> None:
    database = server.create()
    url = server.url(database)
    assert migrate.migrate(url) == REAL
    full = server.dump(database)
    write_rows(server, database)
    assert migrate.rollback(url, everything=True) == REAL[::-1]
    assert not tables(server, database) & ROWS.keys()
    assert migrate.migrate(url) == REAL
    assert server.dump(database) == full


def test_part_of_the_way(server: Server) -> None:
    database = server.create()
    url = server.url(database)
    assert migrate.plan(url, to="0003") == REAL[:3]
    assert migrate.migrate(url, to="3") == REAL[:3]
    assert migrate.migrate(url, to=REAL[4]) == REAL[3:5]
    assert migrate.migrate(url, to="0001") == []
    assert migrate.plan_rollback(url) == [REAL[4]]
    assert migrate.rollback(url, to="0003") == [REAL[4], REAL[3]]
    assert migrate.rollback(url) == [REAL[2]]
    with pytest.raises(MigrationError, match=f"{REAL[4]} is not applied"):
        migrate.rollback(url, to="5")
    with pytest.raises(MigrationError, match=r"no migration '0005\.workflow'") as caught:
        migrate.migrate(url, to="0005.workflow")
    assert "0005.workflows" in str(caught.value.hint)


def test_every_step_of_yoyo_is_one_statement(server: Server) -> None:
    """sqlparse splits the files for yoyo; what it gets wrong, the server's parser tells."""
    from yoyo import read_migrations

    database = server.create()
    migrations = read_migrations(str(MIGRATIONS))
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        for migration in migrations:
            migration.load()
            for step in migration.steps:
                for text in (step.step._apply, step.step._rollback):
                    result = connection.pgconn.prepare(b"", (text or "SELECT 1").encode())
                    code = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
                    assert code != b"42601", f"{migration.id}: {result.error_message.decode()}\n{text}"
            assert migration.use_transactions == next(f for f in files.known() if f.id == migration.id).transactional


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


# --- edited, unknown, unrecorded ----------------------------------------------------------------------------


def test_an_edited_migration_is_refused_by_name(server: Server, folder: Path) -> None:
    database = server.create()
    url = server.url(database)
    edited = add(folder, "0003.edited", "CREATE TABLE first ();\n", "DROP TABLE first;\n")
    migrate.migrate(url, folder=folder)
    path = folder / f"{edited}.sql"
    path.write_text(path.read_text() + "CREATE TABLE second ();\n")
    add(folder, "0004.next", "CREATE TABLE third ();\n")
    for call in (migrate.migrate, migrate.plan):
        with pytest.raises(MigrationError, match=f"^{edited} was edited after being applied; nothing was done$"):
            call(url, folder=folder)
    assert "third" not in tables(server, database)
    assert states(server, database, folder)[edited] == ("applied", "edited")
    assert migrate.rollback(url, folder=folder) == [edited]  # the way out where data may go
    assert migrate.migrate(url, folder=folder) == [edited, "0004.next"]


def test_line_ends_and_the_rollback_file_may_change(server: Server, folder: Path) -> None:
    database = server.create()
    name = add(folder, "0003.lines", "CREATE TABLE lines ();\n")
    migrate.migrate(server.url(database), folder=folder)
    path = folder / f"{name}.sql"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (folder / f"{name}.rollback.sql").write_text("DROP TABLE lines;\n")
    assert migrate.migrate(server.url(database), folder=folder) == []
    assert migrate.rollback(server.url(database), folder=folder) == [name]


def yoyo(server: Server, database: str, folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "yoyo", *arguments, "--batch", "-d", server.yoyo_url(database)]
    plain = folder.with_name("plain")
    shutil.copytree(folder, plain, dirs_exist_ok=True)  # plain yoyo takes the folder's name for a pattern
    done = subprocess.run(
        [*command, str(plain)], env={**os.environ, "PYTHONWARNINGS": "ignore"}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_plain_yoyo_applied_is_recorded_and_told(server: Server, folder: Path) -> None:
    database = server.create()
    url = server.url(database)
    name = add(folder, "0003.plain", "CREATE TABLE plain ();\n", "DROP TABLE plain;\n")
    yoyo(server, database, folder, "apply")
    assert states(server, database, folder)[name] == ("applied", "unrecorded")
    told: list[str] = []
    assert migrate.migrate(url, folder=folder, report=told.append) == []
    assert [line for line in told if "Recorded" in line and all(one in line for one in (*REAL[:2], name))]
    assert states(server, database, folder)[name] == ("applied", "recorded")
    # Undone and applied again behind our back, edited in between: what was recorded is of another application.
    yoyo(server, database, folder, "rollback")
    path = folder / f"{name}.sql"
    path.write_text(path.read_text().replace("TABLE plain ()", "TABLE plain (a int)"))
    yoyo(server, database, folder, "apply")
    assert states(server, database, folder)[name] == ("applied", "unrecorded")
    assert migrate.migrate(url, folder=folder) == []
    assert states(server, database, folder)[name] == ("applied", "recorded")


def test_the_lock_row_of_a_killed_yoyo_is_told_and_does_not_stop_us(server: Server, folder: Path) -> None:
    database = server.create()
    yoyo(server, database, folder, "apply")
    add(folder, "0003.next", "SELECT 1;\n")
    query(server, database, "INSERT INTO yoyo_lock (locked, pid) VALUES (1, 99999999)")
    told: list[str] = []
    assert migrate.migrate(server.url(database), folder=folder, report=told.append) == ["0003.next"]
    assert [line for line in told if "99999999" in line and "yoyo break-lock" in line]


def test_a_newer_release_s_migrations_are_shown_and_kept(server: Server, folder: Path) -> None:
    database = server.create()
    url = server.url(database)
    newer = add(
        folder, "0003.newer", "INSERT INTO wfstore_migrations (migration_id, breaking) VALUES ('0003.newer', true);\n"
    )
    migrate.migrate(url, folder=folder)
    for path in folder.glob("0003.*"):
        path.unlink()
    lines = migrate.status(url, folder=folder)
    assert [(line.migration, line.state, line.breaking) for line in lines if line.state != "applied"] == [
        (newer, "unknown", True)
    ]
    assert migrate.migrate(url, folder=folder) == []
    with pytest.raises(MigrationError, match=f"^{newer} is applied, and not a migration of this release$"):
        migrate.rollback(url, folder=folder)


def test_a_renamed_migration_is_refused_by_name(server: Server, folder: Path) -> None:
    database = server.create()
    add(folder, "0003.before", "SELECT 1;\n")
    migrate.migrate(server.url(database), folder=folder)
    for path in folder.glob("0003.*"):
        path.rename(path.with_name(path.name.replace("before", "after")))
    with pytest.raises(MigrationError, match=r"^0003\.before is applied, and this release has another"):
        migrate.migrate(server.url(database), folder=folder)


def test_others_may_keep_migrations_in_the_same_table(server: Server, folder: Path) -> None:
    database = server.create()
    url = server.url(database)
    migrate.migrate(url, folder=folder)
    mark = "INSERT INTO _yoyo_migration VALUES ('hash', '20260101_01_Ab3d-theirs', now())"
    query(server, database, mark)
    assert migrate.migrate(url, folder=folder) == []
    assert migrate.rollback(url, folder=folder) == [REAL[1]]


def test_a_rollback_is_what_was_agreed_to(server: Server, folder: Path) -> None:
    database = server.create()
    migrate.migrate(server.url(database), folder=folder)
    agreed = migrate.plan_rollback(server.url(database), folder=folder)
    migrate.rollback(server.url(database), folder=folder, expected=agreed)
    with pytest.raises(MigrationError, match="somebody else has migrated meanwhile"):
        migrate.rollback(server.url(database), folder=folder, expected=agreed)
    assert states(server, database, folder)[REAL[0]][0] == "applied"


def test_what_goes_is_told(server: Server, folder: Path) -> None:
    database = server.create()
    url = server.url(database)
    name = add(
        folder, "0003.goods", "CREATE TABLE goods (a int);\nALTER TABLE wfstore_migrations ADD COLUMN extra int;\n",
        "ALTER TABLE wfstore_migrations\n    DROP COLUMN extra;\nDROP TABLE goods;\n",
    )  # fmt: skip
    migrate.migrate(url, folder=folder)
    query(server, database, "INSERT INTO goods SELECT generate_series(1, 5000)")
    loss = migrate.loss(url, [name], folder=folder)
    assert loss.columns == ["wfstore_migrations.extra"]
    assert [(table.table_name, table.bytes > 100_000) for table in loss.tables] == [("goods", True)]


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
