"""Pages, tenants apart, and what rows are, on both faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import BaseModel, ValidationError

from tests import facekit
from tests.crudkit import add_user, add_workflow, document, enqueue
from tests.facekit import Face
from wfstore import DEFAULT_TENANT, SYSTEM_TENANT, Store, models, uuid7
from wfstore.errors import InvalidInput, NotFound, WfstoreError
from wfstore.ids import FIRST_ID, LAST_ID
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.sync.queries import Queries

face, app = facekit.face, facekit.app

Admin = psycopg.Connection[Any]
NO_SUCH = UUID("00000000-0000-7000-8000-00000000dead")
MANY = 7


# --- pages --------------------------------------------------------------------------------------------------

Walk = Callable[[Store, int], list[Any]]


def _walk(fetch: Callable[[Any], Sequence[Any]], start: Any, key: Callable[[Any], Any], limit: int) -> list[Any]:
    """All pages, each from where the one before ended."""
    found: list[Any] = []
    while page := fetch(start):
        assert len(page) <= limit
        found += [key(row) for row in page]
        start = found[-1]
    return found


def _users(store: Store, limit: int) -> list[Any]:
    return _walk(lambda key: store.users.page(after_id=key, limit=limit), FIRST_ID, lambda row: row.id, limit)


def _workflows(store: Store, limit: int) -> list[Any]:
    return _walk(lambda key: store.workflows.page(before_id=key, limit=limit), LAST_ID, lambda row: row.id, limit)


def _by_term(store: Store, limit: int) -> list[Any]:
    def fetch(key: UUID) -> Sequence[Any]:
        page: list[Any] = store.workflows.find(tag="red", before_id=key, limit=limit)
        return page

    return _walk(fetch, LAST_ID, lambda row: row.id, limit)


def _executions(store: Store, limit: int) -> list[Any]:
    return _walk(
        lambda key: store.executions.page(before_id=key, limit=limit), LAST_ID, lambda row: row.execution_id, limit
    )


def _queue(store: Store, limit: int) -> list[Any]:
    return _walk(
        lambda key: store.executions.page_queue(queue="default", after_id=key, limit=limit),
        FIRST_ID,
        lambda row: row.execution_id,
        limit,
    )


def _new_user(store: Store) -> UUID:
    identifier = uuid7()
    return add_user(store, f"{identifier}@example.org", id=identifier).id


def _new_execution(store: Store) -> UUID:
    found = store.workflows.page(before_id=LAST_ID, limit=1)
    return enqueue(store, found[0].id if found else add_workflow(store))


PAGES: list[Any] = [
    pytest.param(_users, _new_user, False, id="users"),
    pytest.param(_workflows, add_workflow, True, id="workflows"),
    pytest.param(_by_term, add_workflow, True, id="workflows-by-term"),
    pytest.param(_executions, _new_execution, True, id="executions"),
    pytest.param(_queue, _new_execution, False, id="queue"),
]


@pytest.mark.parametrize("limit", [1, 3, MANY, MANY + 1])
@pytest.mark.parametrize(("walk", "add", "latest_first"), PAGES)
def test_pages_hold_every_row_once_in_order(
    app: Store, walk: Walk, add: Callable[[Store], UUID], latest_first: bool, limit: int
) -> None:
    keys = [add(app) for _ in range(MANY)]
    assert walk(app, limit) == sorted(keys, reverse=latest_first)


@pytest.mark.parametrize(("walk", "add", "latest_first"), PAGES)
def test_rows_that_come_meanwhile_disturb_no_page(
    app: Store, walk: Walk, add: Callable[[Store], UUID], latest_first: bool
) -> None:
    """A walk finds all that was there at its beginning, once; what comes meanwhile only where it has not been."""
    keys = [add(app) for _ in range(MANY)]
    late: list[UUID] = []

    def adding(namespace: str) -> Any:
        def call(name: str, **arguments: Any) -> Any:
            page = getattr(getattr(app, namespace), name)(**arguments)
            if len(late) < 3:
                late.append(add(app))
            return page

        return SimpleNamespace(
            **{name: lambda name=name, **arguments: call(name, **arguments) for name in ("page", "find", "page_queue")}
        )

    stand_in: Any = SimpleNamespace(**{name: adding(name) for name in ("users", "workflows", "executions")})
    found = walk(stand_in, 2)
    assert found == sorted(found, reverse=latest_first)
    assert len(set(found)) == len(found)
    assert set(keys) <= set(found) <= {*keys, *late}
    assert len(late) == 3


def test_pages_of_one_users_workflows(app: Store) -> None:
    ada, bob = add_user(app), add_user(app, "bob@example.org")
    hers = [add_workflow(app, user_id=ada.id) for _ in range(3)]
    add_workflow(app, user_id=bob.id)
    page = app.workflows.page_by_user(user_id=ada.id, before_id=LAST_ID, limit=10)
    assert [each.id for each in page] == sorted(hers, reverse=True)


def test_pages_inside_one_workflow(app: Store) -> None:
    saved = app.workflows.add(document(nodes=MANY))
    for revision in range(1, MANY):
        app.workflows.replace(saved.id, document(f"name {revision}", nodes=MANY), revision=revision)
    inside = {"workflow_id": saved.id}
    assert _walk(
        lambda key: app.nodes.page_by_workflow(after_ordinal=key, limit=2, **inside), -1, lambda row: row.ordinal, 2
    ) == list(range(MANY))
    assert _walk(
        lambda key: app.node_connections.page_by_workflow(after_ordinal=key, limit=2, **inside),
        -1,
        lambda row: row.ordinal,
        2,
    ) == list(range(MANY - 1))
    assert _walk(
        lambda key: app.workflow_versions.page(before_revision=key, limit=2, **inside),
        2**63 - 1,
        lambda row: row.revision,
        2,
    ) == list(range(MANY, 0, -1))
    assert _walk(
        lambda key: app.workflow_terms.page_by_workflow(after_kind=key[0], after_term=key[1], limit=2, **inside),
        ("", ""),
        lambda row: (row.kind, row.term),
        2,
    ) == [("NAME", "6"), ("NAME", "name"), ("NAME", "name 6"), ("NODE_TYPE", "ACTION"), ("TAG", "blue"), ("TAG", "red")]


def test_pages_of_one_workflows_executions(app: Store) -> None:
    first, second = add_workflow(app), add_workflow(app)
    runs = [enqueue(app, first) for _ in range(3)]
    enqueue(app, second)
    page = app.executions.page_by_workflow(workflow_id=first, before_id=LAST_ID, limit=10)
    assert [each.execution_id for each in page] == sorted(runs, reverse=True)
    assert app.executions.page_failed(before_id=LAST_ID, limit=10) == []
    open_ones = app.executions.unfinished(execution_ids=[*runs, NO_SUCH])
    assert {each.execution_id for each in open_ones} == set(runs)


# --- tenants apart ------------------------------------------------------------------------------------------


def test_what_another_tenant_has_is_not_there(app: Store, other_tenant: UUID) -> None:
    theirs = app.for_tenant(other_tenant)
    assert theirs.tenant_id == other_tenant
    user = add_user(theirs)
    workflow_id = add_workflow(theirs, user_id=user.id)
    execution_id = enqueue(theirs, workflow_id)
    assert theirs.users.get(id=user.id) == user
    for tenant_id in (DEFAULT_TENANT, other_tenant):  # also to one who names the tenant
        assert app.users.get(tenant_id=tenant_id, id=user.id) is None
        assert app.users.get_by_email(tenant_id=tenant_id, email=user.email) is None
        assert app.users.delete(tenant_id=tenant_id, id=user.id) == 0
        assert app.workflows.get(tenant_id=tenant_id, id=workflow_id) is None
        assert app.workflows.page(tenant_id=tenant_id, before_id=LAST_ID, limit=10) == []
        assert app.workflows.set_active(tenant_id=tenant_id, id=workflow_id, active=True) == 0
        assert app.nodes.get(tenant_id=tenant_id, workflow_id=workflow_id, node_id="n000") is None
        assert app.executions.get(tenant_id=tenant_id, execution_id=execution_id) is None
        assert app.executions.page(tenant_id=tenant_id, before_id=LAST_ID, limit=10) == []
    with pytest.raises(NotFound, match=str(workflow_id)):
        app.workflows.replace(workflow_id, document(), revision=1)
    with pytest.raises(NotFound, match=str(execution_id)):
        app.executions.cancel(execution_id)
    assert theirs.workflows.get(id=workflow_id).revision == 1


def test_one_address_may_be_a_user_of_two_tenants(app: Store, other_tenant: UUID) -> None:
    assert add_user(app).email == add_user(app.for_tenant(other_tenant)).email


def test_a_row_of_another_tenant_is_not_written(app: Store, other_tenant: UUID) -> None:
    with pytest.raises(WfstoreError, match='row-level security policy for table "users"') as refused:
        add_user(app, tenant_id=other_tenant)
    assert "for_tenant" in (refused.value.hint or "")


@pytest.mark.parametrize("tenant", ["default", str(DEFAULT_TENANT), f"{DEFAULT_TENANT},{SYSTEM_TENANT}", None])
def test_for_tenant_takes_an_id(app: Store, tenant: Any) -> None:
    with pytest.raises(InvalidInput, match="for_tenant takes a tenant's id"):
        app.for_tenant(tenant)


# --- rows as models -----------------------------------------------------------------------------------------


def test_rows_are_frozen_models_with_exactly_the_selected_columns(app: Store, admin: Admin) -> None:
    user = add_user(app)
    add_workflow(app, user_id=user.id)
    [summary] = app.workflows.page(before_id=LAST_ID, limit=1)
    assert type(user) is models.User
    assert type(summary) is models.WorkflowSummary
    assert "workflow_data" not in summary.model_dump()
    with pytest.raises(ValidationError, match="frozen"):
        user.name = "Eve"
    columns = [column.name for column in admin.execute("SELECT * FROM users LIMIT 0").description or []]
    assert sorted(user.model_dump()) == sorted(columns)


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ("'t' AS kind_, 'x' AS term", r"kind\s+Field required"),
        ("'TAG' AS kind, 'x' AS term, 1 AS more", r"more\s+Extra inputs are not permitted"),
        ("'TAG' AS kind, 1 AS term", r"term\s+Input should be a valid string"),
        ("'TAG' AS kind, NULL AS term", r"term\s+Input should be a valid string"),
        ("'NONE' AS kind, 'x' AS term", r"kind\s+Input should be 'NAME'"),
    ],
    ids=["missing", "extra", "other type", "null", "no such word"],
)
def test_a_row_of_another_shape_is_refused(admin: Admin, tmp_path: Path, columns: str, fault: str) -> None:
    text = f"-- name: look()\n-- Look.\n-- returns: WorkflowTerm    rows: 0..1\nSELECT {columns};\n"
    (tmp_path / "odd.sql").write_text(text)
    with pytest.raises(ValidationError, match=fault):
        Queries(Catalogue(tmp_path, models)).odd.look(admin)


def test_every_row_model_is_strict_frozen_and_closed() -> None:
    rows = [each for each in vars(models).values() if isinstance(each, type) and issubclass(each, BaseModel)]
    assert rows
    for row in rows:
        config = row.model_config
        assert (config.get("strict"), config.get("frozen"), config.get("extra")) == (True, True, "forbid"), row


def test_queries_of_a_face_take_its_connections(face: Face, app: Store) -> None:
    user = add_user(app)
    with app.transaction() as tx:
        found = face.queries.users.get(tx.connection, tenant_id=app.tenant_id, id=user.id)
    assert found == user
