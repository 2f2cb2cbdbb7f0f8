"""Create, read, change, delete and page through every table of the definitions, on both faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import BaseModel, ValidationError

from tests import facekit
from tests.conftest import as_role
from tests.facekit import Face
from wfstore import DEFAULT_TENANT, SYSTEM_TENANT, NewExecution, Role, Store, models, queries, uuid7
from wfstore.errors import AlreadyExists, InvalidInput, NotFound, StillReferenced, WfstoreError
from wfstore.ids import FIRST_ID, LAST_ID
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.sync.queries import Queries
from wfstore.vocabulary import ExecutionMode, ExecutionStatus, TermKind

face, app = facekit.face, facekit.app

Admin = psycopg.Connection[Any]
NO_SUCH = UUID("00000000-0000-7000-8000-00000000dead")
MANY = 7


def add_user(store: Store, email: str = "ada@example.org", **changes: Any) -> models.User:
    facts = {"id": uuid7(), "email": email, "name": "Ada", "avatar_url": None, "role": "user"} | changes
    user: models.User = store.users.create(**facts)
    return user


def document(name: str = "a workflow", nodes: int = 2) -> dict[str, Any]:
    """A chain of nodes."""
    return {
        "name": name,
        "tags": ["red", "blue"],
        "nodes": [{"node_id": f"n{i:03}", "node_type": "ACTION", "name": f"Node {i}"} for i in range(nodes)],
        "connections": [{"source_node_id": f"n{i:03}", "target_node_id": f"n{i + 1:03}"} for i in range(nodes - 1)],
    }


def add_workflow(store: Store, **changes: Any) -> UUID:
    return store.workflows.add(document(), **changes).id


def enqueue(store: Store, workflow_id: UUID, **changes: Any) -> UUID:
    [created] = store.executions.enqueue(NewExecution(workflow_id=workflow_id, **changes))
    return created.execution_id


def cancel(store: Store, execution_id: UUID) -> None:
    """End an execution now, or when it began if that is later: ids of a test may be made ahead of the clock."""
    store.executions.cancel(execution_id, now=datetime.now(UTC) + timedelta(minutes=1))


# --- tenants ------------------------------------------------------------------------------------------------


def test_a_tenant_is_made_by_a_session_that_works_for_it(app: Store) -> None:
    tenant_id = uuid7()
    store = app.for_tenant(tenant_id)
    made = store.tenants.create(id=tenant_id, slug="acme", name="Acme", settings={"plan": "free"})
    assert made == store.tenants.get(id=tenant_id)
    assert (made.slug, made.is_active, made.settings) == ("acme", True, {"plan": "free"})
    changed = store.tenants.update(id=tenant_id, name="ACME", settings={}, is_active=False)
    assert (changed.name, changed.settings, changed.is_active, changed.slug) == ("ACME", {}, False, "acme")
    assert changed.updated_at > made.updated_at
    assert store.tenants.delete(id=tenant_id) == 1
    assert store.tenants.get(id=tenant_id) is None
    assert store.tenants.delete(id=tenant_id) == 0


def test_a_tenant_is_not_made_from_another_one(app: Store) -> None:
    with pytest.raises(WfstoreError, match="row-level security") as refused:
        app.tenants.create(id=uuid7(), slug="acme", name="Acme", settings={})
    assert "for_tenant" in (refused.value.hint or "")


@pytest.mark.parametrize("slug", ["Upper", "", "-a", "a-", "a b", "x" * 64])
def test_a_slug_that_is_none_is_refused(app: Store, slug: str) -> None:
    tenant_id = uuid7()
    with pytest.raises(InvalidInput, match="tenants_slug_check"):
        app.for_tenant(tenant_id).tenants.create(id=tenant_id, slug=slug, name="", settings={})


def test_a_slug_is_unique_among_all_tenants(app: Store, other_tenant: UUID) -> None:
    tenant_id = uuid7()
    with pytest.raises(AlreadyExists, match=r"^tenants: there is such a row already \(tenants_slug_key: slug other\)$"):
        app.for_tenant(tenant_id).tenants.create(id=tenant_id, slug="other", name="", settings={})


def test_a_tenant_with_users_stays(app: Store) -> None:
    add_user(app)
    with pytest.raises(StillReferenced, match="rows of users still refer to it") as refused:
        app.tenants.delete(id=DEFAULT_TENANT)
    assert refused.value.hint == "Remove those first."


def test_slugs_lead_to_active_tenants(app: Store, admin: Admin, other_tenant: UUID) -> None:
    assert app.tenants.resolve(slug="other") == other_tenant
    assert app.tenants.resolve(slug="default") == DEFAULT_TENANT
    assert app.tenants.resolve(slug="nobody") is None
    admin.execute("UPDATE tenants SET is_active = false WHERE slug = 'other'")
    assert app.tenants.resolve(slug="other") is None


def test_a_session_sees_its_own_tenant_alone(app: Store, other_tenant: UUID) -> None:
    assert [each.id for each in app.tenants.page(after_id=FIRST_ID, limit=10)] == [DEFAULT_TENANT]
    assert app.tenants.get(id=other_tenant) is None
    assert app.tenants.update(id=other_tenant, name="mine now", settings={}, is_active=True) is None


# --- users --------------------------------------------------------------------------------------------------


def test_a_user_comes_changes_and_goes(app: Store) -> None:
    made = add_user(app, avatar_url="https://example.org/a.png")
    assert made == app.users.get(id=made.id)
    assert (made.tenant_id, made.is_active, made.role) == (DEFAULT_TENANT, True, "user")
    changed = app.users.update(
        id=made.id, email="New@Example.Org", name="Åda", avatar_url=None, is_active=False, role="admin"
    )
    assert changed == app.users.get(id=made.id)
    assert (changed.email, changed.name, changed.avatar_url) == ("new@example.org", "Åda", None)
    assert (changed.is_active, changed.role) == (False, "admin")
    assert changed.created_at == made.created_at < changed.updated_at
    assert app.users.delete(id=made.id) == 1
    assert app.users.get(id=made.id) is None


@pytest.mark.parametrize("asked", ["Ada@Example.ORG", "ada@example.org", "ADA@EXAMPLE.ORG"])
def test_a_user_is_found_by_address_in_whatever_case(app: Store, asked: str) -> None:
    user = add_user(app, "aDa@eXample.org")
    assert user.email == "ada@example.org"
    assert app.users.get_by_email(email=asked) == user


def test_an_address_is_unique_in_whatever_case(app: Store) -> None:
    add_user(app, "ada@example.org")
    with pytest.raises(
        AlreadyExists, match=r"^users: there is such a row already \(users_email_key: email ADA@example\.org\)$"
    ):
        add_user(app, "ADA@example.org")
    other = add_user(app, "bob@example.org")
    with pytest.raises(AlreadyExists, match="users_email_key"):
        app.users.update(id=other.id, email="Ada@Example.org", name="", avatar_url=None, is_active=True, role="user")


def test_an_id_is_taken_once(app: Store) -> None:
    user = add_user(app)
    with pytest.raises(AlreadyExists, match="users_pkey"):
        add_user(app, "bob@example.org", id=user.id)


@pytest.mark.parametrize("email", ["nobody", "a b@example.org", "", "a@b@c"])
def test_an_address_that_is_none_is_refused(app: Store, email: str) -> None:
    with pytest.raises(InvalidInput, match=r"users: a value is not allowed \(users_email_check"):
        add_user(app, email)


def test_a_user_who_owns_workflows_stays(app: Store) -> None:
    user = add_user(app)
    workflow_id = add_workflow(app, user_id=user.id)
    with pytest.raises(StillReferenced, match="rows of workflows still refer to it"):
        app.users.delete(id=user.id)
    assert app.workflows.delete(id=workflow_id) == 1
    assert app.users.delete(id=user.id) == 1


@pytest.mark.parametrize(
    ("name", "problem"),
    [("a\0b", "users.create: name: contains a NUL"), ("\ud800", "users.create: name: contains a lone surrogate")],
    ids=["NUL", "surrogate"],
)
def test_what_text_cannot_hold_is_refused_by_name(app: Store, name: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        add_user(app, name=name)
    with app.transaction() as tx, pytest.raises(InvalidInput, match=problem):
        add_user(tx, name=name)  # type: ignore[arg-type]


def test_what_jsonb_cannot_hold_is_refused_by_name(app: Store) -> None:
    with pytest.raises(InvalidInput, match=r"^tenants\.update: settings\.plans\[1\]: contains a NUL character"):
        app.tenants.update(id=DEFAULT_TENANT, name="", settings={"plans": ["a", "b\0"]}, is_active=True)


def test_a_wrong_argument_is_named(app: Store) -> None:
    with pytest.raises(TypeError, match=r"users\.get lacks id and has no parameter user_id"):
        app.users.get(user_id=NO_SUCH)
    with pytest.raises(AttributeError, match=r"store\.users has no find; it has create, delete, get"):
        app.users.find(id=NO_SUCH)


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("users.get", {"id": NO_SUCH}),
        ("users.get_by_email", {"email": "no@one.org"}),
        ("workflows.get", {"id": NO_SUCH}),
        ("workflows.revision", {"id": NO_SUCH}),
        ("workflow_versions.get", {"workflow_id": NO_SUCH, "revision": 1}),
        ("nodes.get", {"workflow_id": NO_SUCH, "node_id": "x"}),
        ("node_connections.get", {"workflow_id": NO_SUCH, "ordinal": 0}),
        ("executions.get", {"execution_id": NO_SUCH}),
        ("executions.get_queue_entry", {"execution_id": NO_SUCH}),
        ("retention_policies.get", {"table_name": "no such table"}),
        (
            "users.update",
            {"id": NO_SUCH, "email": "a@b.c", "name": "", "avatar_url": None, "is_active": True, "role": "user"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_row_that_is_not_there_is_none(app: Store, query: str, arguments: dict[str, Any]) -> None:
    namespace, _, name = query.partition(".")
    assert getattr(getattr(app, namespace), name)(**arguments) is None


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("users.delete", {"id": NO_SUCH}),
        ("workflows.delete", {"id": NO_SUCH}),
        ("workflows.set_active", {"id": NO_SUCH, "active": True}),
        ("workflows.set_settings", {"id": NO_SUCH, "settings": {}}),
        ("workflows.set_static_data", {"id": NO_SUCH, "static_data": 1}),
        ("workflows.set_pin_data", {"id": NO_SUCH, "pin_data": 1}),
        ("executions.delete", {"execution_id": NO_SUCH}),
        ("executions.update_metadata", {"execution_id": NO_SUCH, "metadata": {}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_change_of_what_is_not_there_counts_no_row(app: Store, query: str, arguments: dict[str, Any]) -> None:
    namespace, _, name = query.partition(".")
    assert getattr(getattr(app, namespace), name)(**arguments) == 0


# --- workflows and what belongs to them ---------------------------------------------------------------------


def test_what_changes_at_run_time_makes_no_version(app: Store) -> None:
    workflow_id = add_workflow(app)
    before = app.workflows.get(id=workflow_id)
    assert app.workflows.set_active(id=workflow_id, active=True) == 1
    assert app.workflows.set_settings(id=workflow_id, settings={"timezone": "UTC"}) == 1
    assert app.workflows.set_static_data(id=workflow_id, static_data={"cursor": [1, None]}) == 1
    assert app.workflows.set_pin_data(id=workflow_id, pin_data=[{"json": {}}]) == 1
    after = app.workflows.get(id=workflow_id)
    assert (after.active, after.settings, after.static_data, after.pin_data) == (
        True,
        {"timezone": "UTC"},
        {"cursor": [1, None]},
        [{"json": {}}],
    )
    assert (after.revision, after.content_revision, after.content_hash) == (1, 1, before.content_hash)
    assert after.workflow_data == before.workflow_data == document()
    assert app.workflows.set_static_data(id=workflow_id, static_data=None) == 1
    assert app.workflows.get(id=workflow_id).static_data is None


def test_a_workflow_goes_with_all_that_is_of_it(app: Store, admin: Admin) -> None:
    workflow_id = add_workflow(app)
    assert app.workflows.delete(id=workflow_id) == 1
    for table in ("workflows", "workflow_versions", "nodes", "node_connections", "workflow_terms"):
        assert admin.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_a_workflow_that_has_run_stays(app: Store) -> None:
    workflow_id = add_workflow(app)
    execution_id = enqueue(app, workflow_id)
    with pytest.raises(StillReferenced, match="rows of workflow_executions still refer to it"):
        app.workflows.delete(id=workflow_id)
    cancel(app, execution_id)
    assert app.executions.delete(execution_id=execution_id) == 1
    assert app.workflows.delete(id=workflow_id) == 1


def test_versions_nodes_and_connections_one_by_one(app: Store) -> None:
    saved = app.workflows.add(document(), change_summary="first")
    version = app.workflow_versions.get(workflow_id=saved.id, revision=1)
    assert (version.workflow_data, version.change_summary, version.created_by) == (document(), "first", None)
    node = app.nodes.get(workflow_id=saved.id, node_id="n001")
    assert (node.name, node.ordinal, node.node_type) == ("Node 1", 1, "ACTION")
    connection = app.node_connections.get(workflow_id=saved.id, ordinal=0)
    assert (connection.source_node_id, connection.target_node_id) == ("n000", "n001")
    assert app.workflows.revision(id=saved.id).revision == 1


def test_system_templates_are_read_by_all_and_written_by_none(app: Store) -> None:
    system = app.for_tenant(SYSTEM_TENANT)
    template = system.workflows.add(document("template"), is_template=True, template_category="mail").id
    assert app.workflows.get(id=template) is None, "it is not the tenant's own"
    assert app.workflows.get(tenant_id=SYSTEM_TENANT, id=template).template_category == "mail"
    assert app.nodes.get(tenant_id=SYSTEM_TENANT, workflow_id=template, node_id="n000").name == "Node 0"
    assert app.workflows.delete(tenant_id=SYSTEM_TENANT, id=template) == 0
    assert app.workflows.set_active(tenant_id=SYSTEM_TENANT, id=template, active=True) == 0


# --- executions ---------------------------------------------------------------------------------------------


def test_an_execution_comes_changes_and_goes(app: Store) -> None:
    workflow_id = add_workflow(app)
    parent = enqueue(app, workflow_id)
    [created] = app.executions.enqueue(
        NewExecution(
            workflow_id=workflow_id,
            mode=ExecutionMode.WEBHOOK,
            triggered_by="hook",
            parent_execution_id=parent,
            metadata={"a": [1, 1.5, None]},
            priority=3,
        )
    )
    found = app.executions.get(execution_id=created.execution_id)
    assert (found.status, found.mode, found.triggered_by) == (ExecutionStatus.NEW, ExecutionMode.WEBHOOK, "hook")
    assert (found.parent_execution_id, found.metadata, found.workflow_revision) == (parent, {"a": [1, 1.5, None]}, 1)
    assert app.executions.get_queue_entry(execution_id=found.execution_id).priority == 3
    assert app.executions.update_metadata(execution_id=found.execution_id, metadata={"b": 1}) == 1
    assert app.executions.get(execution_id=found.execution_id).metadata == {"b": 1}
    assert app.executions.delete(execution_id=found.execution_id) == 0, "it has not ended"
    cancel(app, found.execution_id)
    assert app.executions.delete(execution_id=found.execution_id) == 1
    assert app.executions.get(execution_id=found.execution_id) is None


def test_enqueuing_again_does_nothing(app: Store) -> None:
    execution = NewExecution(workflow_id=add_workflow(app))
    [first], [second] = app.executions.enqueue(execution), app.executions.enqueue(execution)
    assert (first.created, second.created) == (True, False)


def test_an_execution_of_no_workflow_is_refused_with_all_beside_it(app: Store) -> None:
    there = NewExecution(workflow_id=add_workflow(app))
    with pytest.raises(
        NotFound, match=rf"^workflow_executions: refers to what is not there \(.*: workflow_ids .*{NO_SUCH}\)$"
    ):
        app.executions.enqueue(there, NewExecution(workflow_id=NO_SUCH))
    assert app.executions.get(execution_id=there.execution_id) is None


def test_an_execution_id_without_a_time_is_refused(app: Store) -> None:
    identifier = UUID("11111111-1111-4111-8111-111111111111")
    with pytest.raises(InvalidInput, match=f"execution id {identifier} is not a UUIDv7") as refused:
        enqueue(app, add_workflow(app), execution_id=identifier)
    assert "wfstore.uuid7()" in (refused.value.hint or "")
    with pytest.raises(InvalidInput, match=f"execution id {identifier} is not a UUIDv7"), app.transaction() as tx:
        tx.executions.enqueue(NewExecution(workflow_id=NO_SUCH, execution_id=identifier))


def test_a_number_out_of_range_is_refused_by_name(app: Store) -> None:
    with pytest.raises(InvalidInput, match=r"^executions\.enqueue_many: priorities is out of range: integer"):
        enqueue(app, add_workflow(app), priority=2**31)


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
        page: list[Any] = store.workflows.page_by_term(kind=TermKind.TAG, term="red", before_id=key, limit=limit)
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
    [workflow] = store.workflows.page(before_id=LAST_ID, limit=1) or [None]
    return enqueue(store, workflow.id if workflow else add_workflow(store))


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
            **{
                name: lambda name=name, **arguments: call(name, **arguments)
                for name in ("page", "page_by_term", "page_queue")
            }
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
    ) == [("NODE_TYPE", "ACTION"), ("TAG", "blue"), ("TAG", "red")]


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


# --- retention policies -------------------------------------------------------------------------------------


def test_retention_policies_are_read_by_all_and_written_by_the_owner(app: Store, database: str) -> None:
    policy = app.retention_policies.get(table_name="workflow_executions")
    assert (policy.keep, policy.partition_interval) == (timedelta(days=90), timedelta(days=7))
    change = {"table_name": "audit_log", "keep": None, "partition_interval": timedelta(days=1), "partitions_ahead": 9}
    with pytest.raises(WfstoreError, match="permission denied for table retention_policies") as refused:
        app.retention_policies.set(**change)
    assert "the owner's" in (refused.value.hint or "")
    with psycopg.connect(as_role(database, Role.OWNER)) as owner:
        made = queries.retention_policies.set(owner, **change)
        again = queries.retention_policies.set(owner, **change | {"keep": timedelta(days=1)})
    assert (made.keep, again.keep, again.partitions_ahead) == (None, timedelta(days=1), 9)
    names = [each.table_name for each in app.retention_policies.page(after_table_name="", limit=10)]
    assert names == ["audit_log", "workflow_executions"]
    with psycopg.connect(as_role(database, Role.OWNER)) as owner:
        assert queries.retention_policies.delete(owner, table_name="audit_log") == 1
        assert queries.retention_policies.delete(owner, table_name="audit_log") == 0
        with pytest.raises(psycopg.errors.CheckViolation, match="partition_interval_check"):
            queries.retention_policies.set(owner, **change | {"partition_interval": timedelta(days=2)})


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
        ("'NONE' AS kind, 'x' AS term", r"kind\s+Input should be 'TAG'"),
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
