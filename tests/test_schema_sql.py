"""sql/schema.sql: generated, up to date, and the same schema as the migrations give."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.servers_tmp import VERSIONS, Server, serve
from wfstore import migrate
from wfstore.migrate import files, schema_file
from wfstore.resources import MIGRATIONS, SQL

SCHEMA = SQL / "schema.sql"
YOYO = [sys.executable, "-m", "yoyo"]


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serve(request.param) as server:
        yield server


def load(server: Server, database: str, user: str = "postgres") -> None:
    said = server.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(SCHEMA), server.url(database, user))
    assert said == ""


def yoyo(command: str, server: Server, database: str, *options: str) -> str:
    """Run plain yoyo as documented, from the top of the checkout, where yoyo.ini is."""
    done = subprocess.run(
        [*YOYO, command, "--batch", "-d", server.yoyo_url(database), *options],
        cwd=MIGRATIONS.parent,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def states(listing: str) -> dict[str, str]:
    rows = [line.split() for line in listing.splitlines()[2:]]
    return {row[1]: row[0] for row in rows}


def rows(server: Server, database: str, table: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url(database)) as connection:
        found = connection.execute(f"SELECT to_jsonb(t) - '{{created_at,updated_at}}'::text[] FROM {table} AS t")
        return sorted(found.fetchall(), key=str)


def test_three_ways_one_schema(server: Server) -> None:
    by_wfstore, by_yoyo, by_psql = (server.create() for _ in range(3))
    migrate.migrate(server.url(by_wfstore))
    yoyo("apply", server, by_yoyo)
    load(server, by_psql)
    assert server.dump(by_yoyo) == server.dump(by_wfstore)
    assert server.dump(by_psql) == server.dump(by_wfstore)
    for table in ("tenants", "retention_policies"):
        assert rows(server, by_wfstore, table) == rows(server, by_yoyo, table) == rows(server, by_psql, table) != []
    for database in (by_wfstore, by_yoyo, by_psql):
        assert set(states(yoyo("list", server, database)).values()) == {"A"}
        assert migrate.plan(server.url(database)) == []


def test_nothing_is_pending_after_schema_sql(server: Server) -> None:
    database = server.create()
    load(server, database)
    listed = states(yoyo("list", server, database))
    assert listed == {file.id: "A" for file in files.known()}
    told: list[str] = []
    assert migrate.migrate(server.url(database), report=told.append) == []
    assert told == []
    assert {line.content for line in migrate.status(server.url(database))} == {"recorded"}


def test_schema_sql_can_be_rolled_back(server: Server) -> None:
    database = server.create()
    load(server, database)
    full = server.dump(database)
    migrate.rollback(server.url(database), everything=True)
    migrate.migrate(server.url(database))
    assert server.dump(database) == full


def test_a_second_load_changes_nothing(server: Server) -> None:
    database = server.create()
    load(server, database)
    before = server.dump(database)
    with pytest.raises(AssertionError, match="already exists"):
        load(server, database)
    assert server.dump(database) == before


def test_loaded_by_a_role_that_is_no_superuser(server: Server) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE ROLE loader LOGIN CREATEROLE")
        roles = ("wfstore_owner", "wfstore_app", "wfstore_worker", "wfstore_readonly")
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'wfstore_owner'").fetchone():
            for role in roles:  # made by another database's administrator, who lets this one in
                connection.execute(f"GRANT {role} TO loader WITH ADMIN OPTION")
    database, reference = server.create(owner="loader"), server.create()
    load(server, database, user="loader")
    migrate.migrate(server.url(reference))
    assert server.dump(database) == server.dump(reference)


def test_plain_yoyo_rolls_back_and_applies_again(server: Server) -> None:
    database = server.create()
    yoyo("apply", server, database)
    full = server.dump(database)
    last = files.known()[-1].id
    yoyo("rollback", server, database)
    assert states(yoyo("list", server, database))[last] == "U"
    yoyo("rollback", server, database, "--all")
    assert set(states(yoyo("list", server, database)).values()) == {"U"}
    yoyo("apply", server, database)
    assert server.dump(database) == full


def test_the_file_is_up_to_date_and_the_same_every_time(tmp_path: Path) -> None:
    schema_file.main(check=False, output=tmp_path / "schema.sql")
    assert (tmp_path / "schema.sql").read_text() == SCHEMA.read_text()


def test_a_stale_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stale = tmp_path / "schema.sql"
    stale.write_text(SCHEMA.read_text().replace("CREATE TABLE public.users", "CREATE TABLE public.people"))
    with pytest.raises(Exception, match="1"):
        schema_file.main(check=True, output=stale)
    said = capsys.readouterr()
    assert "-CREATE TABLE public.people" in said.out
    assert "stale" in said.err


def test_it_is_the_same_in_another_week() -> None:
    with serve("18") as server:
        database = server.create()
        migrate.migrate(server.url(database))
        with psycopg.connect(server.url(database)) as connection:
            for week in (-200, -3, 9, 40):
                connection.execute("SELECT wfstore_create_partition(now() + %s * interval '7 days')", (week,))
            connection.execute("UPDATE _yoyo_migration SET applied_at_utc = applied_at_utc - interval '9 weeks'")
            connection.execute("UPDATE wfstore_migrations SET recorded_at = recorded_at - interval '9 weeks'")
        assert schema_file.generate(server.url(database), str(server.bin / "pg_dump")) == SCHEMA.read_text()


def test_nothing_in_it_is_unknown_to_older_versions() -> None:
    text = SCHEMA.read_text()
    for foreign in ("restrict", "transaction_timeout", "Dumped"):
        assert foreign not in text
