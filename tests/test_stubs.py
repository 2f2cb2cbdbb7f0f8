"""The stubs: they are what the server says, and type checkers accept what is right with them, and nothing else."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

import wfstore
from tests.databasekit import cloned
from tests.editorkit import Editor
from wfstore import aio, models
from wfstore.catalogue import CATALOGUE
from wfstore.cli import main
from wfstore.errors import QueryFileError
from wfstore.resources import QUERIES
from wfstore.stubs.command import stale
from wfstore.stubs.describing import describe_folder
from wfstore.stubs.own import STUBS, own_stubs
from wfstore.stubs.reading import OWN_STUB, read_stub, reference_page
from wfstore.stubs.rendering import Style, queries_module

HERE = Path(__file__).parent
MYPY = importlib.util.find_spec("mypy") is not None
PYRIGHT = shutil.which("basedpyright") or shutil.which("pyright")

# A program whose marked lines are wrong, and no others.
WRONG_SYNC = """\
from typing import Any
from uuid import UUID
import psycopg
import wfstore
from wfstore import queries
def wrong(connection: psycopg.Connection[Any], other: psycopg.AsyncConnection[Any], id: UUID) -> None:
    queries.users.get(connection, id=id)  # wrong: a parameter is missing
    queries.users.get(connection, id=str(id), tenant_id=id)  # wrong: a parameter of another type
    queries.users.get(connection, id=None, tenant_id=id)  # wrong: None where NULL means nothing
    queries.users.get(connection, id=id, tenant_id=id, name="")  # wrong: an unknown parameter
    queries.users.get(id=id, tenant_id=id)  # wrong: no connection
    queries.users.get(other, id=id, tenant_id=id)  # wrong: a connection of the other face
    queries.users.get(connection, id, id)  # wrong: parameters by position
    queries.users.fetch(connection, id=id, tenant_id=id)  # wrong: an unknown query
    queries.people.get(connection, id=id, tenant_id=id)  # wrong: an unknown namespace
    queries.users.get(connection, id=id, tenant_id=id).email  # wrong: a field of what may be None
    for claim in queries.executions.unfinished(connection, execution_ids=[id], tenant_id=id):
        claim.priority + 1
        claim.importance  # wrong: an unknown field of the result
    queries.executions.unfinished(connection, execution_ids=id, tenant_id=id)  # wrong: one for a list
    queries.executions.unfinished(connection, execution_ids=[1], tenant_id=id)  # wrong: a list of others
    number: str = queries.users.delete(connection, id=id, tenant_id=id)  # wrong: a row count is an int
    with wfstore.connect() as store:
        store.users.get(id=id)
        store.users.get(id=str(id))  # wrong: a parameter of another type
        store.users.get()  # wrong: a parameter is missing
        store.users.fetch(id=id)  # wrong: an unknown query
        store.people.get(id=id)  # wrong: an unknown namespace
        store.executions.claim(lease_until=1)  # wrong: the store's own claim
        store.workflows.add("{}")  # wrong: a method of the store's own
        store.users.create(avatar_url=None, email="", id=id, name="", role="").nmae  # wrong: an unknown field
"""


def to_async(program: str) -> str:
    """The same program of the async face, and one mistake more."""
    for old, new in {
        "def wrong": "async def wrong",
        "other: psycopg.Async": "other: psycopg.",
        "connection: psycopg.": "connection: psycopg.Async",
        "import wfstore\n": "",
        "from wfstore import queries": "from wfstore import aio\nfrom wfstore.aio import queries",
        "with wfstore.connect": "async with await aio.connect",
    }.items():
        program = program.replace(old, new)
    program = re.sub(r"(?<![\w.])(queries\.\w+\.\w+\(|store\.\w+\.\w+\()", r"await \1", program)
    program = re.sub(r"await (\S.*\))(\.\w+  # wrong)", r"(await \1)\2", program)
    return f"{program}    queries.users.delete(connection, id=id, tenant_id=id) + 1  # wrong: not awaited\n"


SHOP_SQL = """\
-- What was ordered.

-- name: add(customer, note, tags, tenant_id)^
-- Add an order; a note is not needed.
-- returns: Order
INSERT INTO shop_orders AS o (tenant_id, customer, note, tags)
VALUES (:tenant_id, :customer, :note, :tags::text[])
RETURNING o.customer, o.note, o.tags, o.total;

-- name: list(tenant_id)
-- A name that is Python's list, too.
-- returns: str
SELECT customer
FROM shop_orders
WHERE tenant_id = :tenant_id
LIMIT 10;

-- name: totals(tenant_id)$
-- What was ordered in all; None before the first order.
-- returns: Decimal|None
SELECT sum(total)
FROM shop_orders
WHERE tenant_id = :tenant_id;
"""
SHOP_MIGRATION = """\
CREATE TABLE shop_orders (
    tenant_id uuid NOT NULL,
    customer text NOT NULL,
    note text,
    tags text[] NOT NULL,
    total numeric NOT NULL DEFAULT 0
);
GRANT SELECT, INSERT ON shop_orders TO wfstore_app;
"""
SHOP_MODELS = """\
from decimal import Decimal
from wfstore.models import Row
class Order(Row):
    customer: str
    note: str | None
    tags: list[str]
    total: Decimal
"""
SHOP_QUERIES = """\
from pathlib import Path
from shop import models
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.sync.queries import Queries
queries = Queries(Catalogue(Path(__file__).parent / "sql", models))
"""
SHOP_PROGRAM = """\
from decimal import Decimal
from typing import Any
from uuid import UUID
import psycopg
from typing_extensions import assert_type
from shop.models import Order
from shop.queries import queries
def program(connection: psycopg.Connection[Any], tenant_id: UUID) -> None:
    order = queries.orders.add(connection, customer="c", note=None, tags=["a"], tenant_id=tenant_id)
    assert_type(order, Order)
    assert_type(queries.orders.list(connection, tenant_id=tenant_id), list[str])
    assert_type(queries.orders.totals(connection, tenant_id=tenant_id), Decimal | None)
    queries.orders.add(connection, customer=None, note="", tags=["a"], tenant_id=tenant_id)  # wrong: never NULL
    queries.orders.drop(connection)  # wrong: an unknown query
"""


@pytest.fixture(scope="module")
def connection(server_url: str) -> Iterator[psycopg.Connection[Any]]:
    with cloned(server_url) as url, closing(psycopg.connect(url, autocommit=True)) as opened:
        opened.execute(SHOP_MIGRATION.encode())
        yield opened


@pytest.fixture
def project(tmp_path: Path, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder outside of ours, with the programs of tests/typing, wrong ones, and an application of its own."""
    for path in (HERE / "typing").glob("*.py"):
        shutil.copy(path, tmp_path)
    (tmp_path / "wrong_sync.py").write_text(WRONG_SYNC, encoding="utf-8")
    (tmp_path / "wrong_async.py").write_text(to_async(WRONG_SYNC), encoding="utf-8")
    shop(tmp_path)
    (tmp_path / "program.py").write_text(SHOP_PROGRAM, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        monkeypatch.delitem(sys.modules, name)
    namespaces = describe_folder(connection, tmp_path / "shop" / "sql", importlib.import_module("shop.models"))
    stub = queries_module(namespaces, Style("sync"), "shop.models")
    (tmp_path / "shop" / "queries.pyi").write_text(stub, encoding="utf-8")
    return tmp_path


def shop(folder: Path) -> None:
    """Write an application that imports wfstore and has a query file, a model and a migration of its own."""
    for path, text in {
        "shop/__init__.py": "",
        "shop/models.py": SHOP_MODELS,
        "shop/queries.py": SHOP_QUERIES,
        "shop/sql/orders.sql": SHOP_SQL,
        "shop/migrations/0001.orders.sql": SHOP_MIGRATION,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def lines_to_be_refused(project: Path) -> set[tuple[str, int]]:
    return {
        (path.name, number)
        for path in project.glob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1)
        if "# wrong" in line
    }


# --- the stubs themselves -----------------------------------------------------------------------------------


def test_ours_are_what_the_server_says(connection: psycopg.Connection[Any]) -> None:
    differing = stale(own_stubs(describe_folder(connection, QUERIES, models)))
    assert differing == {}, "run `wfstore stubs`"


@pytest.mark.parametrize("face", ["sync", "async"])
def test_every_query_is_in_them(face: str) -> None:
    """The classes of the stub are those of run time: the same queries, parameters and sentences."""
    namespaces = {each.name: each for each in read_stub(STUBS["sync"])}
    assert namespaces.keys() == CATALOGUE.namespaces.keys()
    queries: Any = wfstore.queries if face == "sync" else aio.queries
    for name, namespace in namespaces.items():
        assert [query.name for query in namespace.queries] == list(CATALOGUE.namespaces[name])
        for query in namespace.queries:
            method = getattr(getattr(queries, name), query.name)
            assert list(inspect.signature(method).parameters)[1:] == list(query.parameters)
            assert " ".join(query.doc.split()).startswith(" ".join(method.__doc__.split()))


def test_the_faces_differ_in_nothing_but_await() -> None:
    def classes(text: str) -> list[str]:
        return [ast.unparse(each) for each in ast.parse(text).body if isinstance(each, ast.ClassDef)]

    text = re.sub(r"\bAsync(?=[A-Z])", "", STUBS["async"].read_text(encoding="utf-8"))
    assert classes(text.replace("async def", "def")) == classes(STUBS["sync"].read_text(encoding="utf-8"))


def test_the_namespaces_of_a_store_do_without_a_tenant() -> None:
    tree = ast.parse(STUBS["sync"].read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    get = next(
        each for each in classes["UsersNamespace"].body if isinstance(each, ast.FunctionDef) and each.name == "get"
    )
    assert [each.arg for each in get.args.kwonlyargs] == ["id", "tenant_id"]
    assert [default is not None for default in get.args.kw_defaults] == [False, True]
    of_executions = {each.name for each in classes["ExecutionsNamespace"].body if isinstance(each, ast.FunctionDef)}
    assert "claim" not in of_executions, "the store has a claim of its own"
    assert "claim" in {each.name for each in classes["ExecutionsQueries"].body if isinstance(each, ast.FunctionDef)}


def test_a_stale_stub_is_shown(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    path = tmp_path / "typed.pyi"
    wanted = own_stubs(describe_folder(connection, QUERIES, models))[OWN_STUB]
    assert "+class UsersQueries:" in stale({path: wanted})[path]
    path.write_text(wanted.replace("keep: timedelta | None", "keep: timedelta"), encoding="utf-8")
    assert [line for line in stale({path: wanted})[path] if line.startswith("+ ")] == [
        "+        keep: timedelta | None,"
    ] * 2
    path.write_text(wanted, encoding="utf-8")
    assert stale({path: wanted}) == {}


def test_what_the_server_refuses_has_no_stub(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    (tmp_path / "mine.sql").write_text("-- name: a()\n-- A.\n-- returns: int\nSELECT nmae FROM workflows;\n")
    with pytest.raises(QueryFileError, match=r'mine.sql:4: column "nmae" does not exist'):
        describe_folder(connection, tmp_path, models)
    (tmp_path / "mine.sql").write_text("-- name: a()\n-- A.\n-- returns: Nothing\nSELECT name FROM workflows;\n")
    with pytest.raises(QueryFileError, match="returns Nothing"):
        describe_folder(connection, tmp_path, models)


# --- type checkers ------------------------------------------------------------------------------------------


@pytest.mark.skipif(not MYPY, reason="mypy is not installed; the extra dev has it")
def test_mypy_accepts_what_is_right_and_nothing_else(project: Path) -> None:
    programs = sorted(path.name for path in project.glob("*.py"))
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *programs]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    found = {(match[1], int(match[2])) for match in re.finditer(r"^(\S+?):(\d+): error:", done.stdout, re.MULTILINE)}
    assert found == lines_to_be_refused(project), done.stdout


@pytest.mark.skipif(PYRIGHT is None, reason="pyright is not installed; the extra dev has it, as basedpyright")
def test_pyright_accepts_what_is_right_and_nothing_else(project: Path) -> None:
    settings = {"typeCheckingMode": "strict", "include": ["*.py"], "reportUnusedExpression": False}
    (project / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [str(PYRIGHT), "--outputjson", "--level", "error", "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    found = {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1)
        for each in report["generalDiagnostics"]
        # What follows from a mistake is not counted as one: the type of something unknown is unknown.
        if not each.get("rule", "").startswith(("reportUnknown", "reportUnused"))
    }
    assert found == lines_to_be_refused(project), done.stdout


@pytest.mark.skipif(PYRIGHT is None, reason="pyright is not installed; the extra dev has it, as basedpyright")
def test_hovering_shows_a_signature_and_a_sentence(tmp_path: Path) -> None:
    """Asked of a language server, as editors do."""
    program = "from wfstore import queries\nqueries.executions.claim\n"
    (tmp_path / "program.py").write_text(program)
    with Editor(f"{PYRIGHT}-langserver", tmp_path) as editor:
        shown = editor.hover("program.py", program, line=1, character=len("queries.executions.cl"))
    assert "claim" in shown
    assert "tenant_ids: list[UUID]" in shown
    assert "worker_id: str | None" in shown
    assert "-> list[Claim]" in shown
    assert "Hand up to :limit ready executions of one queue to a worker, most urgent first." in shown


# --- the commands -------------------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, server_url: str) -> Callable[..., Any]:
    monkeypatch.setenv("DATABASE_URL", server_url)
    if not main.app.registered_commands:
        main.register()
    return lambda *arguments: CliRunner().invoke(main.app, list(arguments))


def test_stubs_of_an_application(run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        monkeypatch.delitem(sys.modules, name)
    of_shop = ("--queries", "shop/sql", "--models", "shop.models", "--migrations", "shop/migrations")
    command = ("stubs", *of_shop, "--output", "shop/queries.pyi")
    missing = run(*command, "--check")
    assert missing.exit_code == 1
    assert "shop/queries.pyi is stale" in missing.output
    assert not Path("shop/queries.pyi").exists()
    assert run(*command).exit_code == 0
    assert run(*command, "--check").exit_code == 0
    text = Path("shop/queries.pyi").read_text()
    assert "def list(self, connection: Connection[Any], /, *, tenant_id: UUID) -> builtins.list[str]:" in text
    assert "note: str | None," in text
    assert "queries: TypedQueries" in text
    assert run(*command, "--face", "async").exit_code == 0
    assert "queries: AsyncTypedQueries" in Path("shop/queries.pyi").read_text()


def test_stubs_that_cannot_be_asked_for(run: Callable[..., Any]) -> None:
    assert run("stubs", "--queries", "shop/sql").exit_code == 2
    assert run("stubs", "--face", "upside-down").exit_code == 2


def test_our_queries_listed(run: Callable[..., Any]) -> None:
    everything = run("queries")
    assert everything.exit_code == 0
    for query in CATALOGUE:
        assert f"{query.name}(" in everything.output
    users = json.loads(run("queries", "users", "--json").output)
    assert [each["name"] for each in users] == list(CATALOGUE.namespaces["users"])
    assert users[2] == {
        "namespace": "users",
        "name": "get",
        "parameters": {"id": "UUID", "tenant_id": "UUID"},
        "returns": "User | None",
        "sentence": "One user by id.",
    }
    assert run("queries", "people").exit_code == 2


def test_the_reference_page_is_generated(run: Callable[..., Any]) -> None:
    page = reference_page(read_stub(OWN_STUB))
    assert (HERE.parent / "docs" / "reference.md").read_text(encoding="utf-8") == page, (
        "run `wfstore queries --markdown > docs/reference.md`"
    )
    assert run("queries", "--markdown").output == page
