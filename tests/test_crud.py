"""Create, read, change and delete in every table of the definitions, on both faces."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests import facekit
from tests.conftest import as_role
from tests.crudkit import add_user, add_workflow, cancel, document, enqueue
from wfstore import DEFAULT_TENANT, SYSTEM_TENANT, NewExecution, Role, Store, queries, uuid7
from wfstore.errors import AlreadyExists, InvalidInput, NotFound, StillReferenced, WfstoreError
from wfstore.ids import FIRST_ID
from wfstore.vocabulary import ExecutionMode, ExecutionStatus

face, app = facekit.face, facekit.app

Admin = psycopg.Connection[Any]
NO_SUCH = UUID("00000000-0000-7000-8000-00000000dead")


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
        app.users.get(user_id=NO_SUCH)  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match=r"store\.users has no find; it has create, delete, get"):
        app.users.find(id=NO_SUCH)  # type: ignore[attr-defined]


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
    with pytest.raises(InvalidInput, match=f"{identifier}: its id is not a UUIDv7") as refused:
        enqueue(app, add_workflow(app), execution_id=identifier)
    assert "wfstore.uuid7()" in (refused.value.hint or "")
    with pytest.raises(InvalidInput, match=f"{identifier}: its id is not a UUIDv7"), app.transaction() as tx:
        tx.executions.enqueue(NewExecution(workflow_id=NO_SUCH, execution_id=identifier))


def test_a_number_out_of_range_is_refused_by_name(app: Store) -> None:
    with pytest.raises(InvalidInput, match=r"^executions\.enqueue_many: priorities is out of range: "):
        enqueue(app, add_workflow(app), priority=2**31)


# --- retention policies -------------------------------------------------------------------------------------


def test_retention_policies_are_read_by_all_and_written_by_the_owner(app: Store, database: str) -> None:
    policy = app.retention_policies.get(table_name="workflow_executions")
    assert (policy.keep, policy.partition_interval) == (timedelta(days=90), timedelta(days=7))
    day = timedelta(days=1)
    change: dict[str, Any] = {"table_name": "audit_log", "keep": None, "partition_interval": day, "partitions_ahead": 9}
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
