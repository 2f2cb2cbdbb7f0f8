"""Migrations on real servers: there and back with rows in the tables, and no edited file passes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.migratekit import REAL, add, query, scratch, states, tables, yoyo
from tests.servers_tmp import VERSIONS, Server, serve
from wfstore import migrate
from wfstore.errors import MigrationError
from wfstore.migrate import files
from wfstore.resources import MIGRATIONS


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serve(request.param) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return scratch(tmp_path)


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
NOW = "overlay(wfstore_uuid7_floor(date_trunc('hour', now()))::text PLACING '7000-8' FROM 15)::uuid"
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
    "execution_queue": "INSERT INTO execution_queue (tenant_id, execution_id, workflow_id)"
    f" VALUES ({TENANT}, {NOW}, {ID}) ON CONFLICT DO NOTHING",
    "concurrency_limits": f"INSERT INTO concurrency_limits VALUES ({TENANT}, 'k') ON CONFLICT DO NOTHING",
    "execution_pauses": f"INSERT INTO execution_pauses VALUES ({TENANT}, 'QUEUE', 'q') ON CONFLICT DO NOTHING",
    "execution_signals": f"INSERT INTO execution_signals VALUES ({TENANT}, {NOW}, {ID}, 's') ON CONFLICT DO NOTHING",
    "execution_keys": f"INSERT INTO execution_keys VALUES ({TENANT}, 'k', {NOW}, now()) ON CONFLICT DO NOTHING",
    "dead_letters": f"INSERT INTO dead_letters VALUES ({TENANT}, {NOW}, {ID}, 'default', 1, 'r', now())"
    " ON CONFLICT DO NOTHING",
    "execution_stats": f"INSERT INTO execution_stats VALUES ({TENANT}, {ID}, date_trunc('hour', now()), 'SUCCESS', 0,"
    " 1, 5, wfstore_histogram('{5}')) ON CONFLICT DO NOTHING",
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
