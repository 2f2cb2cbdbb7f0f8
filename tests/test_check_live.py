"""Queries against a live server and their models: what is wrong is found, by category, where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import psycopg
import pytest
from pydantic import BaseModel, ConfigDict, Field

from tests.databasekit import cloned
from wfstore import models
from wfstore.check.categories import CATEGORIES
from wfstore.check.checked import CheckedQuery
from wfstore.check.finding import Finding
from wfstore.check.live import live_findings
from wfstore.models import Row
from wfstore.queryfiles.scan import scan
from wfstore.resources import QUERIES

OURS = [CheckedQuery.of(statement) for path in sorted(QUERIES.glob("*.sql")) for statement in scan(path)]


class Status(StrEnum):
    """Lacks CANCELED."""

    NEW = "NEW"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"


UserName = NewType("UserName", str)


class Person(Row):
    """Fits `id, email, avatar_url` of users."""

    id: UUID
    email: UserName
    avatar_url: str | None


class Aliased(Row):
    """Fits by alias, and has what need not be selected."""

    identifier: UUID = Field(alias="id")
    note: str = "none"


class Wrong(Row):
    """Each field is something else than the column of its name."""

    id: str
    email: bytes
    is_active: int
    created_at: str
    tags: list[int]
    settings: UUID
    revision: Decimal
    anything: Any


class Never(Row):
    """Says of a nullable column that it never is NULL."""

    avatar_url: str


class Perhaps(Row):
    """Says of a column that is never NULL that it may be."""

    email: str | None


class Vocabulary(Row):
    """Knows fewer words than the table allows."""

    status: Annotated[Status, Field(strict=False)]


class Words(Row):
    """The same by a Literal."""

    status: Literal["NEW", "RUNNING", "WAITING"]


class StrictVocabulary(Row):
    """A strict model takes no text for an enumeration."""

    status: Status


class Lax(BaseModel):
    """A lax one does."""

    model_config = ConfigDict(frozen=True)

    status: Literal["NEW", "RUNNING", "WAITING", "SUCCESS", "ERROR", "CANCELED"]
    start_time: int | None
    created_at: datetime


MODELS = ModuleType("shop.models")
for each in (Person, Aliased, Wrong, Never, Perhaps, Vocabulary, Words, StrictVocabulary, Lax):
    setattr(MODELS, each.__name__, each)


def query(statement: str, parameters: str = "", suffix: str = "", returns: str = "int", header: str = "") -> str:
    """A file of one query; its statement begins on the line behind the header."""
    return f"-- name: some({parameters}){suffix}\n-- Do it.\n-- returns: {returns}\n{header}{statement}\n"


# In each, « stands before the place of the fault and is not part of the file.
BROKEN: dict[str, tuple[str, str, str]] = {
    # what the server says
    "a table": (query("SELECT id FROM «workflow;"), "unknown-table", "did you mean workflows"),
    "an alias": (
        query("SELECT «w.id FROM workflows AS x;"),
        "unknown-table",
        'missing FROM-clause entry for table "w"',
    ),
    "a column": (query("SELECT id,\n    «nmae\nFROM workflows;"), "unknown-column", "did you mean name"),
    "a column behind letters of two bytes": (
        query("SELECT 'äöü' AS ä, «nmae\nFROM workflows;"),
        "unknown-column",
        "did you mean name",
    ),
    "a column of a written table": (
        query("UPDATE workflows SET «nam = :name WHERE id = :id;", "id, name", "!"),
        "unknown-column",
        "did you mean name",
    ),
    "a function": (query("SELECT «cuont(*) FROM workflows;"), "unknown-function", "did you mean count"),
    "a function for these types": (query("SELECT «length(1);", "", "$"), "unknown-function", "length(integer)"),
    "an operator": (query("SELECT id FROM workflows WHERE id «= 1;"), "unknown-function", "uuid = integer"),
    "a type": (query("SELECT 1::«intger;", "", "$"), "unknown-type", "did you mean integer"),
    "two groups": (query("SELECT «id, count(*) FROM workflows;"), "refused", "GROUP BY"),
    "an ambiguous column": (
        query("SELECT «id FROM workflows AS a JOIN workflows AS b ON a.id = b.id;"),
        "refused",
        "ambiguous",
    ),
    "a table of the owner's": (
        query("DELETE FROM «wfstore_migrations;", "", "!"),
        "not-permitted",
        "permission denied for table wfstore_migrations",
    ),
    "a function of the owner's": (
        query("SELECT «wfstore_create_partition(:at::timestamptz);", "at", "$", "str|None"),
        "not-permitted",
        "wfstore_create_partition",
    ),
    "a role that is not there": (
        query("SELECT 1;", "", "$", header="-- role: nobody_at_all\n").replace("-- name", "«-- name"),
        "not-permitted",
        'role "nobody_at_all" does not exist',
    ),
    "a role that may not": (
        query("DELETE FROM «users WHERE id = :id;", "id", "!", header="-- role: worker\n"),
        "not-permitted",
        "permission denied for table users",
    ),
    # parameters
    "a parameter cast to another type": (
        query("SELECT revision FROM workflows WHERE id «= :id::text;", "id"),
        "parameter-type",
        "uuid = text",
    ),
    "a parameter of two types": (
        query("UPDATE workflows SET revision = :new, active = «:new;", "new", "!"),
        "parameter-type",
        "inconsistent types deduced for parameter :new",
    ),
    "a parameter of a type that the column does not take": (
        query("UPDATE workflows SET tags = «:tags::jsonb WHERE id = :id;", "id, tags", "!"),
        "parameter-type",
        'column "tags" is of type text[]',
    ),
    "a parameter that Python has no type for": (
        query("SELECT 1 WHERE point(1, 1) <@ «:area::box;", "area", "$", "int|None"),
        "parameter-type",
        ":area is box",
    ),
    "a parameter without a type": (
        query("SELECT 1 WHERE «:a IS NULL;", "a", "$", "int|None"),
        "untyped-parameter",
        ":a",
    ),
    # models
    "a model": (query("SELECT id FROM users;", returns="«Persn"), "missing-model", "did you mean Person"),
    "a value of three columns": (query("SELECT id, email FROM users;", returns="«UUID"), "missing-model", "id, email"),
    "a field": (
        query("SELECT id, email, avatar_url,\n    «role AS rle\nFROM users;", returns="Person"),
        "missing-field",
        "Person has no field rle",
    ),
    "a misspelled field": (
        query("SELECT id, email, «avatar_url AS avatar FROM users;", returns="Person"),
        "missing-field",
        "did you mean avatar_url",
    ),
    "a column twice": (
        query("SELECT id, email, avatar_url, «id FROM users;", returns="Person"),
        "missing-field",
        "two columns of the result are called id",
    ),
    "a field too many": (query("SELECT id, email FROM users;", returns="«Person"), "extra-field", "wants avatar_url"),
    "text for a UUID": (query("SELECT «id::text FROM users;", returns="Aliased"), "field-type", "is UUID"),
    "a word too few": (
        query("SELECT «status FROM workflow_executions;", returns="Vocabulary"),
        "field-type",
        "does not know CANCELED",
    ),
    "words too few": (
        query("SELECT «status FROM workflow_executions;", returns="Words"),
        "field-type",
        "does not know CANCELED, ERROR, SUCCESS",
    ),
    "an enumeration in a strict model": (
        query("SELECT «status FROM execution_queue;", returns="StrictVocabulary"),
        "field-type",
        "Field(strict=False)",
    ),
    "a single value of another type": (
        query("SELECT «id FROM users;", returns="int"),
        "field-type",
        "the column is uuid",
    ),
    "a number of rows": (query("DELETE FROM users WHERE id = :id;", "id", "!", "«str"), "field-type", "int"),
    # NULL
    "a nullable column": (query("SELECT «avatar_url FROM users;", returns="Never"), "nullability", "can be NULL"),
    "a column that never is": (query("SELECT «email FROM users;", returns="Perhaps"), "nullability", "never NULL"),
    "an outer join": (
        query(
            "SELECT w.id, «u.email, u.avatar_url\nFROM workflows AS w\n"
            "LEFT JOIN users AS u ON u.tenant_id = w.tenant_id AND u.id = w.user_id;",
            returns="Person",
        ),
        "nullability",
        "email can be NULL",
    ),
    "a value that may be NULL": (
        query("SELECT max(revision) FROM workflows;", "", "$", "«int"),
        "nullability",
        "max can",
    ),
    "a value without a row": (
        query("SELECT email FROM users WHERE id = :id;", "id", "$", "«str"),
        "nullability",
        "there may be no row",
    ),
    "a value that always is": (query("SELECT count(*) FROM users;", "", "$", "«int|None"), "nullability", "never NULL"),
    # exceptions
    "an exception about nothing": (
        query("SELECT id FROM users;", returns="UUID", header="-- not-null: «email (because)\n"),
        "bad-exception",
        "no column email",
    ),
    "an exception that is not needed": (
        query("SELECT id FROM users;", returns="UUID", header="-- not-null: «id (because)\n"),
        "bad-exception",
        "id is never NULL anyhow",
    ),
    "nullable that is so anyhow": (
        query("SELECT avatar_url FROM users;", returns="str|None", header="-- nullable: «avatar_url (because)\n"),
        "bad-exception",
        "can be NULL anyhow",
    ),
}

RIGHT: dict[str, str] = {
    "a model": query("SELECT id, email, avatar_url FROM users;", returns="Person"),
    "an alias, and a field with a default": query("SELECT id FROM users;", returns="Aliased"),
    "a lax model": query("SELECT status, start_time, created_at FROM workflow_executions;", returns="Lax"),
    "not-null": query("SELECT avatar_url FROM users;", returns="Never", header="-- not-null: avatar_url (all have)\n"),
    "nullable": query("SELECT email FROM users;", returns="Perhaps", header="-- nullable: email (soon it is)\n"),
    "unseen": query("SELECT email FROM users;", returns="Perhaps", header="-- unseen: email (the model is shared)\n"),
    "a subset of the words": query("SELECT status FROM execution_queue;", returns="Vocabulary"),
    "a worker's query": query("UPDATE node_executions SET retry_count = 1 WHERE node_id = :id;", "id", "!"),
    "an owner's query": query("DELETE FROM wfstore_migrations;", "", "!", header="-- role: owner\n"),
    "an administrator's query": query("SELECT count(*) FROM pg_authid;", "", "$", header="-- role: admin\n"),
    "a role by its own name": query("SELECT count(*) FROM users;", "", "$", header="-- role: wfstore_readonly\n"),
    "a utility statement": query("SET LOCAL lock_timeout = :t;", "t", "!", header="-- binding: client\n"),
}


def checked(folder: Path, text: str) -> tuple[CheckedQuery, tuple[int, int]]:
    """The only query of a file, and the place that « marks."""
    before, _, _ = text.partition("«")
    path = folder / "mine.sql"
    path.write_text(text.replace("«", ""), encoding="utf-8")
    [statement] = scan(path)
    return CheckedQuery.of(statement), (before.count("\n") + 1, len(before) - before.rfind("\n"))


@pytest.fixture(scope="module")
def connection(server_url: str) -> Iterator[psycopg.Connection[Any]]:
    with cloned(server_url) as url, closing(psycopg.connect(url, autocommit=True)) as opened:
        yield opened


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_found_where_it_stands(connection: psycopg.Connection[Any], tmp_path: Path, name: str) -> None:
    text, category, words = BROKEN[name]
    broken, place = checked(tmp_path, text)
    findings = live_findings(connection, broken, MODELS)
    wanted = [finding for finding in findings if finding.category == category]
    assert wanted, findings
    assert (wanted[0].line, wanted[0].column) == place, wanted[0].render()
    assert words in wanted[0].render()
    assert all(finding.category in CATEGORIES for finding in findings)


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_left_alone(connection: psycopg.Connection[Any], tmp_path: Path, name: str) -> None:
    right, _ = checked(tmp_path, RIGHT[name])
    assert live_findings(connection, right, MODELS) == []


@pytest.mark.parametrize("ours", OURS, ids=lambda query: query.name)
def test_ours_have_no_fault(connection: psycopg.Connection[Any], ours: CheckedQuery) -> None:
    assert [finding.render() for finding in live_findings(connection, ours, models)] == []


def test_every_wrong_field_is_named(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    statement = (
        "SELECT u.id, u.email, u.is_active, u.created_at, w.tags, w.settings, w.revision, w.name AS anything\n"
        "FROM users AS u\nJOIN workflows AS w ON w.tenant_id = u.tenant_id AND w.user_id = u.id;"
    )
    wrong, _ = checked(tmp_path, query(statement, returns="Wrong"))
    findings = live_findings(connection, wrong, MODELS)
    assert [(finding.category, finding.message.partition(" ")[0]) for finding in findings] == [
        ("field-type", f"Wrong.{name}") for name in Wrong.model_fields
    ]
    assert {finding.line for finding in findings} == {4}
    assert len({finding.column for finding in findings}) == len(findings)


def test_a_finding_reads_like_a_compilers(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    broken, _ = checked(tmp_path, BROKEN["a column"][0])
    [finding] = live_findings(connection, broken, MODELS)
    assert finding.render(tmp_path).split("\n") == [
        'mine.sql:5:5: error[unknown-column]: column "nmae" does not exist',
        " 5 |     nmae",
        "   |     ^",
        "   = hint: did you mean name?",
    ]


def test_nothing_is_executed_and_nothing_is_left(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    [before] = connection.execute("SELECT count(*) FROM tenants").fetchone() or [0]
    removing, _ = checked(tmp_path, query("DELETE FROM tenants WHERE slug <> :slug;", "slug", "!"))
    assert live_findings(connection, removing, MODELS) == []
    [after] = connection.execute("SELECT count(*) FROM tenants").fetchone() or [0]
    assert before == after > 0
    names = "SELECT name FROM pg_prepared_statements WHERE name LIKE 'wfstore%'"
    assert connection.execute(names).fetchall() == []
    assert connection.execute("SELECT current_user::text = session_user::text").fetchone() == (True,)


def test_inside_of_a_transaction(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    """A refusal does not end the caller's transaction."""
    broken, _ = checked(tmp_path, BROKEN["a table"][0])
    with connection.transaction():
        connection.execute("CREATE TABLE shop (id uuid NOT NULL PRIMARY KEY)")
        assert categories(live_findings(connection, broken, MODELS)) == ["unknown-table"]
        connection.execute("GRANT SELECT ON shop TO wfstore_app")
        mine, _ = checked(tmp_path, query("SELECT id FROM shop;", returns="UUID"))
        assert live_findings(connection, mine, MODELS) == []
        connection.execute("DROP TABLE shop")


def categories(findings: list[Finding]) -> list[str]:
    return [finding.category for finding in findings]
