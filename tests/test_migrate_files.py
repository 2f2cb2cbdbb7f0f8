"""Rules of migration files, checked before anything runs; and the commands."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import psycopg
import pytest
import typer
from typer.testing import CliRunner

from wfstore.cli import migrate as commands
from wfstore.errors import MigrationError
from wfstore.migrate import files
from wfstore.resources import MIGRATIONS

ALL = [file.id for file in files.known()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, target)
    return target


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


def test_the_files_of_this_release_keep_the_rules(folder: Path) -> None:
    assert [file.number for file in files.known(folder)] == list(range(1, len(ALL) + 1))


def test_a_missing_rollback_file(folder: Path) -> None:
    (folder / "0002.functions.rollback.sql").unlink()
    with pytest.raises(MigrationError, match=r"^0002.functions.sql has no 0002.functions.rollback.sql$"):
        files.known(folder)


def test_a_rollback_file_of_nothing(folder: Path) -> None:
    (folder / "0001.role.rollback.sql").write_text("SELECT 1;\n")
    with pytest.raises(MigrationError, match=r"^0001.role.rollback.sql undoes a migration that is not there$"):
        files.known(folder)


@pytest.mark.parametrize("name", ["9.short.sql", "0009-dash.sql", "0009.Upper.sql", "0009.sql", "0009.code.py"])
def test_a_name_that_is_none(folder: Path, name: str) -> None:
    (folder / name).write_text("SELECT 1;\n")
    with pytest.raises(MigrationError, match=f"^{name} is not the name of a migration$"):
        files.known(folder)


def test_a_number_that_occurs_twice(folder: Path) -> None:
    for end in ("sql", "rollback.sql"):
        shutil.copy(folder / f"0003.tenants.{end}", folder / f"0003.zones.{end}")
    with pytest.raises(MigrationError, match=r"^0003.tenants and 0003.zones have the same number$"):
        files.known(folder)


def test_a_gap(folder: Path) -> None:
    for path in folder.glob("0003.*"):
        path.unlink()
    with pytest.raises(MigrationError, match=r"^migration 0003 is missing: 0004.users follows 0002.functions$"):
        files.known(folder)


@pytest.mark.parametrize("depends", ["", "0001.roles", "0003.tenants 0001.roles", "0002.function", "0004.users"])
def test_a_dependency_on_anything_but_the_one_before(folder: Path, depends: str) -> None:
    rewrite(folder / "0003.tenants.sql", lambda text: text.replace("depends: 0002.functions", f"depends: {depends}"))
    with pytest.raises(MigrationError, match=r"^0003.tenants.sql says `-- depends: .*` instead of"):
        files.known(folder)


@pytest.mark.parametrize("header", ["/* why: so */\n", "SET LOCAL lock_timeout = '1s';\n"])
def test_a_directive_that_yoyo_would_not_see(folder: Path, header: str) -> None:
    rewrite(folder / "0003.tenants.sql", lambda text: f"{header}-- transactional: false\n{text}")
    with pytest.raises(MigrationError, match=r"^0003.tenants.sql:2: `-- transactional:` stands too late and would be"):
        files.known(folder)


def test_a_directive_that_means_nothing(folder: Path) -> None:
    rewrite(folder / "0003.tenants.sql", lambda text: f"-- transactional: no\n{text}")
    with pytest.raises(MigrationError, match=r"^0003.tenants.sql: `-- transactional:` is followed by neither"):
        files.known(folder)


@pytest.mark.parametrize("statement", ["COMMIT;", "commit and chain;", "BEGIN;", "START TRANSACTION;", "ROLLBACK;"])
@pytest.mark.parametrize("end", ["sql", "rollback.sql"])
def test_what_would_end_the_transaction(folder: Path, statement: str, end: str) -> None:
    rewrite(folder / f"0003.tenants.{end}", lambda text: f"{text}\n{statement}\n")
    with pytest.raises(MigrationError, match=f"^0003.tenants.{end}:[0-9]+: `{statement}` would end the migration's"):
        files.known(folder)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="there are no migrations in"):
        files.known(tmp_path)


def test_indexes_that_a_failed_build_leaves_behind(folder: Path) -> None:
    text = (
        "-- transactional: false\n-- depends: 0002.functions\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS one_idx ON a (b);\n"
        "create unique index concurrently two_key on a (b);\nREINDEX INDEX CONCURRENTLY three_idx;\n"
        "CREATE INDEX four_idx ON a (b);\n"
    )
    (folder / "0003.tenants.sql").write_text(text)
    file = files.known(folder)[2]
    assert not file.transactional
    assert file.indexes_built() == ["one_idx", "two_key", "three_idx"]


# --- the commands -------------------------------------------------------------------------------------------


@pytest.fixture
def run(empty_database: str) -> Callable[..., tuple[int, str, str]]:
    app = typer.Typer()
    commands.register(app)

    def run(*arguments: str, say: str | None = None) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, [*arguments, "--database-url", empty_database], input=say)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


def test_status_and_dry_run_touch_nothing(run: Callable[..., tuple[int, str, str]], empty_database: str) -> None:
    code, out, _ = run("migrate", "--status", "--json")
    assert code == 0
    assert [(line["migration"], line["state"]) for line in orjson.loads(out)] == [(one, "pending") for one in ALL]
    assert orjson.loads(run("migrate", "--dry-run", "--to", "0002", "--json")[1]) == {"would_apply": ALL[:2]}
    assert run("migrate", "--dry-run")[1].splitlines() == [f"would apply {one}" for one in ALL]
    with psycopg.connect(empty_database) as connection:
        found = connection.execute("SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchall()
    assert found == []


def test_migrate_and_roll_back(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run("migrate", "--to", "3")
    assert (code, out) == (0, f"3 migrations were applied. The schema is at {ALL[2]}, {len(ALL) - 3} pending.\n")
    assert [line.split()[0] for line in err.splitlines()] == ALL[:3]
    assert orjson.loads(run("migrate", "--json")[1]) == {"applied": ALL[3:]}
    assert run("migrate")[1] == f"No migrations were applied. The schema is at {ALL[-1]}.\n"
    assert f"To go back: wfstore rollback --to {ALL[2]}" in run("migrate", "--to", "3")[1]
    code, out, err = run("rollback", "--yes")
    assert (code, out) == (0, f"1 migration was rolled back. The schema is at {ALL[-2]}, 1 pending.\n")
    assert orjson.loads(run("rollback", "--to", "4", "--yes", "--json")[1]) == {"rolled_back": ALL[-2:3:-1]}
    assert run("rollback", "--all", "--yes")[1].endswith("The database has no wfstore schema.\n")
    assert run("rollback", "--all", "--yes")[:2] == (
        0,
        "No migrations were rolled back. The database has no wfstore schema.\n",
    )


def test_rollback_asks_and_tells_what_goes(
    run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("migrate", "--to", "4")
    code, _, err = run("rollback", say="y\n")  # a pipe cannot be asked
    assert code == 2
    assert "add --yes" in " ".join(err.split())
    code, out, err = run("rollback", "--dry-run")
    assert (code, out) == (0, f"would roll back {ALL[3]}\n")
    assert "table users goes: about 0 rows" in err
    dry = orjson.loads(run("rollback", "--dry-run", "--all", "--json")[1])
    assert dry["would_roll_back"] == ALL[3::-1]
    assert {table["table_name"] for table in dry["tables"]} >= {"users", "tenants", "retention_policies"}
    monkeypatch.setattr(commands, "_can_ask", lambda: True)
    code, _, err = run("rollback", say="n\n")
    assert code == 1
    assert "table users goes" in err
    assert f"Roll back {ALL[3]}?" in err
    assert orjson.loads(run("migrate", "--status", "--json")[1])[3]["state"] == "applied"
    assert run("rollback", say="y\n")[0] == 0
    assert orjson.loads(run("migrate", "--status", "--json")[1])[3]["state"] == "pending"


def test_options_that_exclude_each_other(run: Callable[..., tuple[int, str, str]]) -> None:
    assert run("migrate", "--status", "--dry-run")[0] == 2
    assert run("rollback", "--all", "--to", "1", "--yes")[0] == 2


def test_the_table(run: Callable[..., tuple[int, str, str]]) -> None:
    run("migrate", "--to", "1")
    out = run("migrate", "--status")[1]
    assert [line for line in out.splitlines() if "0001.roles" in line and "applied" in line and "unrecorded" in line]
    assert [line for line in out.splitlines() if "0002.functions" in line and "pending" in line]
