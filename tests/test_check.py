"""`wfstore check`: every broken file is caught where it is broken, and nothing that is right is."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from wfstore import models
from wfstore.check import categories, scratch
from wfstore.check.finding import Finding
from wfstore.check.run import CheckReport, check
from wfstore.cli import main
from wfstore.resources import MIGRATIONS, QUERIES

HERE = Path(__file__).parent
BROKEN, VALID = HERE / "broken", HERE / "valid"
# What other tests are about: they need a server's answer, or a model.
ELSEWHERE = {
    "unknown-table", "unknown-column", "unknown-function", "unknown-type", "refused", "not-permitted",
    "parameter-type", "missing-model", "missing-field", "extra-field", "field-type", "nullability",
    "unknown-index", "unserving-index",
}  # fmt: skip


def expected(path: Path) -> list[tuple[str, int, int]]:
    """Read the `-- expect: category line:column` lines at the top of a broken file."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("-- expect: "):
            category, _, place = line.removeprefix("-- expect: ").partition(" ")
            row, _, column = place.partition(":")
            found.append((category, int(row), int(column)))
    assert found, f"{path} expects nothing"
    return found


def places(report: CheckReport, path: Path) -> list[tuple[str, int, int]]:
    return [(each.category, each.line, each.column) for each in report.findings if each.path == path]


def broken(kind: str) -> list[Path]:
    return sorted((BROKEN / kind).glob("*.sql"))


@pytest.fixture(scope="module")
def of_broken(server_url: str) -> CheckReport:
    """One check of all broken files: none of them hides another's faults, so one is enough."""
    return check(BROKEN / "queries", models, server_url)


@pytest.fixture(scope="module")
def of_broken_migrations(server_url: str) -> CheckReport:
    return check(VALID / "queries", models, server_url, migrations=BROKEN / "migrations")


@pytest.mark.parametrize("path", broken("queries"), ids=lambda path: path.stem)
def test_a_broken_query_is_caught_where_it_is_broken(path: Path, of_broken: CheckReport) -> None:
    assert places(of_broken, path) == expected(path)


@pytest.mark.parametrize("path", broken("migrations"), ids=lambda path: path.stem)
def test_a_broken_migration_is_caught_where_it_is_broken(path: Path, of_broken_migrations: CheckReport) -> None:
    assert places(of_broken_migrations, path) == expected(path)


def test_every_category_has_a_broken_file() -> None:
    shown = {
        category for kind in ("queries", "migrations") for path in broken(kind) for category, _, _ in expected(path)
    }
    assert shown == set(categories.CATEGORIES) - ELSEWHERE


def test_what_is_right_is_not_flagged(server_url: str) -> None:
    report = check(VALID / "queries", models, server_url, migrations=VALID / "migrations")
    assert [each.render() for each in report.findings] == []


def test_our_own_files_have_no_faults(server_url: str) -> None:
    report = check(QUERIES, models, server_url, migrations=MIGRATIONS)
    assert [each.render() for each in report.findings] == []
    assert report.queries > 100
    assert all(each.exception.reason for each in report.exceptions)


def test_the_page_is_generated() -> None:
    page = HERE.parent / "docs" / "check.md"
    assert page.read_text(encoding="utf-8") == categories.page(), (
        "run python -m wfstore.check.categories > docs/check.md"
    )


def test_a_fault_is_shown_as_a_compiler_shows_it(of_broken: CheckReport) -> None:
    [finding] = [each for each in of_broken.findings if each.path.stem == "leak_like"]
    assert finding.render(HERE) == (
        "broken/queries/leak_like.sql:8:14: error[not-leakproof]: "
        "LIKE on name is not leakproof, and nothing else leads into users\n"
        " 8 |     AND name LIKE :pattern;\n"
        "   |              ^\n"
        "   = hint: compare a plain column with =, < or > too, or search a side table"
    )


# --- as a command -------------------------------------------------------------------------------------------

QUERY = """\
-- name: names()
-- All pets.
-- returns: Pet
{allow}SELECT name, age
FROM pets
ORDER BY name;
"""
MODELS = """\
from pydantic import BaseModel

class Pet(BaseModel, frozen=True, extra="forbid"):
    name: str
    age: int | None
"""
MIGRATION = "CREATE TABLE pets (name text NOT NULL CONSTRAINT pets_pkey PRIMARY KEY, age integer);\n"
MIGRATION += "GRANT SELECT ON pets TO wfstore_app;\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of somebody else's: queries, models, a migration."""
    for folder in ("queries", "migrations"):
        (tmp_path / folder).mkdir()
    (tmp_path / "queries" / "pets.sql").write_text(QUERY.format(allow=""))
    (tmp_path / "pet_models.py").write_text(MODELS)
    (tmp_path / "migrations" / "0001.pets.sql").write_text(MIGRATION)
    return tmp_path


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(project: Path, server_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command, in the project's folder and this process: it takes a second to import."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("DATABASE_URL", server_url)
    monkeypatch.setattr(sys, "path", ["", *sys.path])

    def call(*arguments: str) -> Done:
        sys.modules.pop("pet_models", None)
        importlib.invalidate_caches()
        monkeypatch.setattr(sys, "argv", ["wfstore", "check", *arguments])
        capsys.readouterr()
        code: Any = 0
        try:
            main.run()
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return call


OF_PROJECT = ("--queries", "queries", "--models", "pet_models", "--migrations", "migrations")


def test_a_fault_of_a_project_is_one_line_and_a_caret(project: Path, run: Run) -> None:
    done = run(*OF_PROJECT)
    assert done.returncode == 1, done.stderr
    assert done.stdout == (
        "queries/pets.sql:5:6: error[no-cap]: pets.names returns as many rows of pets as there are\n"
        " 5 | FROM pets\n"
        "   |      ^\n"
        "   = hint: add LIMIT :limit, or compare all columns of a unique key\n"
        "\n"
        "1 query in 2 files checked: 1 fault\n"
    )


def test_faults_as_json(project: Path, run: Run) -> None:
    done = run(*OF_PROJECT, "--json")
    assert done.returncode == 1
    told = orjson.loads(done.stdout)
    assert (told["queries"], told["files"], told["complete"]) == (1, 2, True)
    assert told["faults"] == [
        {
            "category": "no-cap",
            "file": str(Path("queries/pets.sql")),
            "line": 5,
            "column": 6,
            "query": "pets.names",
            "message": "pets.names returns as many rows of pets as there are",
            "hint": "add LIMIT :limit, or compare all columns of a unique key",
        }
    ]


def test_an_exception_with_a_reason(project: Path, run: Run) -> None:
    (project / "queries" / "pets.sql").write_text(QUERY.format(allow="-- allow: no-cap (a shop has few pets)\n"))
    done = run(*OF_PROJECT)
    assert (done.returncode, done.stdout) == (0, "1 query in 2 files checked: no faults\n")
    done = run(*OF_PROJECT, "--exceptions")
    assert done.returncode == 0
    assert done.stdout == "queries/pets.sql:4: pets.names: allow no-cap (a shop has few pets)\n1 exception\n"


def test_rules_about_tenants_are_optional(project: Path, run: Run) -> None:
    migration = MIGRATION.replace("age integer", "age integer CHECK (age > 0)")
    (project / "migrations" / "0001.pets.sql").write_text(migration)
    (project / "queries" / "pets.sql").write_text(QUERY.format(allow="-- allow: no-cap (a shop has few pets)\n"))
    assert "error[constraint-name]" in run(*OF_PROJECT).stdout
    assert run(*OF_PROJECT, "--no-tenant-rules").returncode == 0


def test_a_migration_that_the_server_refuses(project: Path, run: Run) -> None:
    (project / "migrations" / "0002.more.sql").write_text("SELECT 1;\nALTER TABLE poets ADD COLUMN x text;\n")
    done = run(*OF_PROJECT)
    assert done.returncode == 1
    assert 'migrations/0002.more.sql:2:1: error[unknown-table]: relation "poets" does not exist' in done.stdout
    assert "no query was held against the server" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--explain", "no-cap"), 0, "no-cap: A list, or a claim, without a cap."),
        (("--explain", "no-cup"), 1, "Did you mean no-cap"),
        (("--queries", "queries"), 2, "--models"),
        (("--queries", "nowhere", "--models", "pet_models"), 1, "nowhere is not there"),
        (("--queries", "queries", "--models", "no_models"), 1, "No module named 'no_models'"),
        (("--queries", "migrations", "--models", "pet_models"), 1, "'0001.pets' is no identifier"),
        (("--database-url", "postgresql://nobody@127.0.0.1:1/none"), 1, "no connection to the server"),
    ],
)
def test_exit_codes(arguments: tuple[str, ...], code: int, said: str, run: Run) -> None:
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    assert said in " ".join((done.stdout + done.stderr).split())


def test_one_more_migration_beside_ours(tmp_path: Path, server_url: str) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    last = sorted(path.stem for path in folder.glob("*.sql") if ".rollback" not in path.name)[-1]
    name = f"{int(last[:4]) + 1:04}.more"
    (folder / f"{name}.sql").write_text(f"-- depends: {last}\nSELECT 1;\nALTER TABLE poets ADD COLUMN x text;\n")
    (folder / f"{name}.rollback.sql").write_text("SELECT 1;\n")
    [finding] = check(VALID / "queries", models, server_url, migrations=folder).findings
    assert (finding.category, finding.path.name, finding.line) == ("unknown-table", f"{name}.sql", 3)


def test_without_the_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "postgast", None)
    done = run(*OF_PROJECT)
    assert done.returncode == 1
    assert "pip install 'wfstore[check]'" in done.stderr


def test_nothing_is_left_on_the_server(project: Path, server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def apply(url: str, folder: Path | None) -> Finding | None:
        made.append(url)
        return scratch.apply(url, folder)

    monkeypatch.setattr("wfstore.check.run.apply", apply)
    check(project / "queries", models, server_url)
    [name] = [conninfo_to_dict(url)["dbname"] for url in made]
    with psycopg.connect(server_url) as connection:
        assert connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None
