"""Restored versions, duplicates, and workflows made from templates, on both faces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests import facekit
from tests.crudkit import add_user
from tests.documentkit import chain, state
from tests.facekit import Face
from wfstore import SYSTEM_TENANT, Store, models, uuid7
from wfstore.documents import content_hash
from wfstore.documents.copying import copied, copy_name
from wfstore.errors import AlreadyExists, InvalidDocument, InvalidInput, NotFound, RevisionConflict
from wfstore.ids import LAST_ID
from wfstore.n8n import to_document, to_export, workflow_id

face, app = facekit.face, facekit.app

Admin = psycopg.Connection[Any]


def versions(store: Store, identifier: UUID) -> list[tuple[int, str]]:
    page = store.workflow_versions.page(workflow_id=identifier, before_revision=2**60, limit=99)
    return [(each.revision, each.change_summary) for each in page]


def stored(store: Store, identifier: UUID) -> models.Workflow:
    found = store.workflows.get(id=identifier)
    assert found is not None
    return found


# --- restore ------------------------------------------------------------------------------------------------


def test_a_version_is_restored_as_the_next_save(app: Store) -> None:
    user = add_user(app)
    first = app.workflows.add(chain(3, "first"), change_summary="begun")
    app.workflows.replace(first.id, chain(2, "second"), revision=1, change_summary="shorter")
    restored = app.workflows.restore(first.id, 1, revision=2, user_id=user.id)
    assert (restored.revision, restored.content_revision, restored.changed) == (3, 3, True)
    assert versions(app, first.id) == [(3, "restored from revision 1"), (2, "shorter"), (1, "begun")]
    now, then = (app.workflow_versions.get(workflow_id=first.id, revision=revision) for revision in (3, 1))
    assert now is not None
    assert then is not None
    assert (now.workflow_data, now.content_hash) == (then.workflow_data, then.content_hash)
    assert now.created_by == user.id
    assert stored(app, first.id).workflow_data == chain(3, "first")
    assert [each.id for each in app.workflows.find(name="first")] == [first.id]
    assert app.workflows.find(name="second") == []
    assert len(app.nodes.page_by_workflow(workflow_id=first.id, after_ordinal=-1, limit=9)) == 3


def test_a_summary_of_ones_own(store: Store) -> None:
    saved = store.workflows.add(chain(1))
    store.workflows.replace(saved.id, chain(2), revision=1)
    store.workflows.restore(saved.id, 1, revision=2, change_summary="it was better")
    store.workflows.restore(saved.id, 2, revision=3, change_summary="")
    assert versions(store, saved.id) == [(4, ""), (3, "it was better"), (2, ""), (1, "")]


def test_what_is_there_already_makes_no_version(store: Store) -> None:
    saved = store.workflows.add(chain(1))
    restored = store.workflows.restore(saved.id, 1, revision=1)
    assert (restored.revision, restored.content_revision, restored.changed) == (2, 1, False)
    assert versions(store, saved.id) == [(1, "")]


def test_numbers_come_back_as_they_were(store: Store) -> None:
    odd = chain(1) | {"numbers": [1, 1.0, 1e16, -0.0, 2**64 - 1, 0.1]}
    saved = store.workflows.add(odd)
    store.workflows.replace(saved.id, chain(1), revision=1)
    store.workflows.restore(saved.id, 1, revision=2)
    assert stored(store, saved.id).content_hash == content_hash(odd)


def test_no_such_version(app: Store, admin: Admin) -> None:
    saved = app.workflows.add(chain(1))
    app.workflows.replace(saved.id, chain(1), revision=1)
    before = state(admin)
    for revision in (2, 7, 0):  # the second save changed nothing
        with pytest.raises(NotFound, match=f"workflow {saved.id} has no version of revision {revision}") as refused:
            app.workflows.restore(saved.id, revision, revision=2)
        assert "workflow_versions.page" in (refused.value.hint or "")
    with pytest.raises(NotFound, match="has no version"):
        app.workflows.restore(uuid7(), 1, revision=1)
    assert state(admin) == before


def test_over_another_revision_it_is_refused(app: Store, admin: Admin) -> None:
    saved = app.workflows.add(chain(1))
    app.workflows.replace(saved.id, chain(2), revision=1)
    before = state(admin)
    with pytest.raises(RevisionConflict, match="is at revision 2, not 1"):
        app.workflows.restore(saved.id, 1, revision=1)
    assert state(admin) == before


def test_of_many_at_once_one_restores(app: Store) -> None:
    saved = app.workflows.add(chain(1))
    app.workflows.replace(saved.id, chain(2), revision=1)

    def restore(_: int) -> bool:
        try:
            return app.workflows.restore(saved.id, 1, revision=2).changed
        except RevisionConflict:
            return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(restore, range(8))) == 1
    assert [revision for revision, _ in versions(app, saved.id)] == [3, 2, 1]


def test_inside_a_transaction_of_ones_own(app: Store) -> None:
    saved = app.workflows.add(chain(1))
    with app.transaction() as transaction:
        transaction.workflows.replace(saved.id, chain(2), revision=1)
        transaction.workflows.restore(saved.id, 1, revision=2)
        copy = transaction.workflows.duplicate(saved.id)
    assert stored(app, copy.id).workflow_data["nodes"] == chain(1)["nodes"]
    with pytest.raises(RevisionConflict), app.transaction() as transaction:
        transaction.workflows.duplicate(saved.id, new_id=uuid7())
        transaction.workflows.restore(saved.id, 1, revision=2)
    assert len(app.workflows.page(before_id=LAST_ID, limit=9)) == 2


def test_another_tenants_versions_are_not_there(store: Store, other_tenant: UUID) -> None:
    saved = store.workflows.add(chain(1))
    with pytest.raises(NotFound):
        store.for_tenant(other_tenant).workflows.restore(saved.id, 1, revision=1)
    with pytest.raises(NotFound):
        store.for_tenant(other_tenant).workflows.duplicate(saved.id)


# --- duplicate ----------------------------------------------------------------------------------------------


def test_a_copy(app: Store) -> None:
    user = add_user(app)
    source = chain(3, "mine") | {"tags": ["t"], "version": "1.2", "of our own": [1, 1.0]}
    saved = app.workflows.add(source, user_id=user.id, is_template=True, template_category="mail")
    app.workflows.replace(saved.id, source, revision=1)
    app.workflows.set_active(id=saved.id, active=True)
    copy = app.workflows.duplicate(saved.id)
    row = stored(app, copy.id)
    assert copy.id != saved.id
    assert (copy.revision, copy.content_revision, copy.changed, copy.warnings) == (1, 1, True, saved.warnings)
    assert row.workflow_data == source | {"name": "mine (copy)"}
    assert (row.name, row.tags, row.version) == ("mine (copy)", ["t"], "1.2")
    assert (row.active, row.is_template, row.template_category, row.user_id) == (False, False, None, None)
    assert versions(app, copy.id) == [(1, "copied from mine revision 1")]
    assert [each.id for each in app.workflows.find(name="copy")] == [copy.id]
    assert len(app.node_connections.page_by_workflow(workflow_id=copy.id, after_ordinal=-1, limit=9)) == 2


def test_a_copy_as_it_is_asked_for(store: Store) -> None:
    user, new_id = add_user(store), uuid7()
    saved = store.workflows.add(chain(1))
    copy = store.workflows.duplicate(
        saved.id, name="other", new_id=new_id, user_id=user.id, is_template=True, template_category="mail"
    )
    row = stored(store, new_id)
    assert copy.id == new_id
    assert (row.name, row.workflow_data["name"], row.user_id) == ("other", "other", user.id)
    assert (row.is_template, row.template_category) == (True, "mail")


def test_a_copy_has_settings_and_pinned_data_at_run_time_and_no_memory(store: Store) -> None:
    source = chain(1) | {"static_data": {"seen": 1}, "pin_data": {"node-0": [1]}}
    saved = store.workflows.add(source)
    store.workflows.set_settings(id=saved.id, settings={"timezone": "Europe/Berlin", "ours": 1})
    store.workflows.set_static_data(id=saved.id, static_data={"seen": 2})
    store.workflows.set_pin_data(id=saved.id, pin_data={"node-0": [2]})
    row = stored(store, store.workflows.duplicate(saved.id).id)
    assert row.settings == row.workflow_data["settings"] == {"timezone": "Europe/Berlin", "ours": 1}
    assert row.pin_data == row.workflow_data["pin_data"] == {"node-0": [2]}
    assert row.static_data is None
    assert "static_data" not in row.workflow_data
    assert stored(store, saved.id).workflow_data == source


def test_what_was_cleared_at_run_time_is_not_in_a_copy(store: Store) -> None:
    saved = store.workflows.add(chain(1) | {"pin_data": {"node-0": [1]}})
    store.workflows.set_settings(id=saved.id, settings={})
    store.workflows.set_pin_data(id=saved.id, pin_data=None)
    row = stored(store, store.workflows.duplicate(saved.id).id)
    assert (row.settings, row.pin_data) == ({}, None)
    assert not row.workflow_data.keys() & {"settings", "pin_data"}


@pytest.mark.parametrize("nothing", [{}, {"settings": {}, "pin_data": None}, {"settings": None, "pin_data": {}}])
def test_nothing_stays_as_it_is_written(nothing: dict[str, Any]) -> None:
    document = {"name": "a", "nodes": [], **nothing}
    assert copied(document, name="b", settings={}, pin_data=None) == document | {"name": "b"}
    assert document["name"] == "a"


@pytest.mark.parametrize(
    ("name", "copy"),
    [
        ("X", "X (copy)"),
        ("X (copy)", "X (copy 2)"),
        ("X (copy 2)", "X (copy 3)"),
        ("X (copy 99)", "X (copy 100)"),
        ("a\nb (copy)", "a\nb (copy 2)"),
        ("X (copy) of it", "X (copy) of it (copy)"),
        ("X (copy two)", "X (copy two) (copy)"),
        (f"X (copy {'9' * 5000})", f"X (copy {'9' * 5000}) (copy)"),
    ],
)
def test_what_a_copy_is_called(name: str, copy: str) -> None:
    assert copy_name(name) == copy


def test_what_cannot_be_copied(app: Store, admin: Admin) -> None:
    saved = app.workflows.add(chain(1))
    before = state(admin)
    nowhere = uuid7()
    with pytest.raises(NotFound, match=f"workflow {nowhere} is not there"):
        app.workflows.duplicate(nowhere)
    with pytest.raises(AlreadyExists, match=str(saved.id)):
        app.workflows.duplicate(saved.id, new_id=saved.id)
    with pytest.raises(InvalidDocument, match="name"):
        app.workflows.duplicate(saved.id, name="")
    with pytest.raises(NotFound, match=str(nowhere)):
        app.workflows.duplicate(saved.id, user_id=nowhere)
    assert state(admin) == before


def test_settings_that_no_document_may_have_are_not_copied(store: Store, admin: Admin) -> None:
    saved = store.workflows.add(chain(1))
    store.workflows.set_settings(id=saved.id, settings={"timezone": 5})
    before = state(admin)
    with pytest.raises(InvalidDocument, match=r"settings\.timezone"):
        store.workflows.duplicate(saved.id)
    assert state(admin) == before


def test_a_copy_of_an_import_is_not_a_revision_of_it() -> None:
    """Its export has another identity, and is not active; all else is the same."""
    node = {
        "id": "1",
        "name": "A",
        "type": "n8n-nodes-base.set",
        "typeVersion": 1,
        "position": [0, 0],
        "parameters": {},
    }
    export = {
        "id": "abcDEF1234567890",
        "versionId": "5",
        "name": "W",
        "active": True,
        "nodes": [node],
        "connections": {},
        "pinData": {},
        "meta": {"instanceId": "here"},
        "ours": 1,
    }
    document = to_document(export).document
    copy = copied(document, name="W", settings=document.get("settings") or {}, pin_data=document.get("pin_data"))
    again = to_export(copy)
    assert again == {key: value for key, value in export.items() if key not in ("id", "versionId")} | {"active": False}
    assert workflow_id(again, "there") != workflow_id(export, "there")
    assert to_export(document) == export


@pytest.mark.parametrize("meta", [None, 5, {}, {"n8n": None}, {"n8n": {"rest": []}}, {"wfformat": {"rest": {"id": 1}}}])
def test_other_meta_is_copied_as_it_is(meta: Any) -> None:
    document = {"name": "a", "meta": meta}
    assert copied(document, name="a", settings={}, pin_data=None) == document


# --- templates ----------------------------------------------------------------------------------------------


@pytest.fixture
def system(app: Store) -> Store:
    """The system tenant's store, as wfstore_app."""
    return app.for_tenant(SYSTEM_TENANT)


def test_a_system_template_is_instantiated_by_another_tenant(app: Store, system: Store, admin: Admin) -> None:
    user = add_user(app)
    template = system.workflows.add(
        chain(2, "greeting") | {"static_data": {"seen": 1}}, is_template=True, template_category="mail"
    )
    system.workflows.replace(template.id, chain(3, "greeting"), revision=1)
    before = admin.execute("SELECT t::text FROM workflows AS t").fetchall()
    made = app.workflows.instantiate(template.id, user_id=user.id)
    row = stored(app, made.id)
    assert row.tenant_id == app.tenant_id
    assert row.workflow_data == chain(3, "greeting")
    assert (row.name, row.user_id, row.revision, row.active) == ("greeting", user.id, 1, False)
    assert (row.is_template, row.template_category, row.static_data) == (False, None, None)
    assert versions(app, made.id) == [(1, "from template greeting revision 2")]
    assert [each.id for each in app.workflows.find(name="greeting")] == [made.id]
    assert [row for row in admin.execute("SELECT t::text FROM workflows AS t").fetchall() if row in before] == before
    named = app.workflows.instantiate(template.id, name="hello", new_id=uuid7())
    assert stored(app, named.id).name == "hello"


def test_the_system_tenants_store_is_connected_to(face: Face, database: str) -> None:
    with face.connect(database, tenant=SYSTEM_TENANT) as system, face.connect(database) as app:
        template = system.workflows.add(chain(1), is_template=True)
        app.workflows.instantiate(template.id)
        own = system.workflows.instantiate(template.id)
        assert [each.id for each in app.workflows.templates()] == [template.id]
        assert [each.id for each in system.workflows.templates()] == [template.id]
        assert {each.id for each in system.workflows.page(before_id=LAST_ID, limit=9)} == {own.id, template.id}


def test_a_template_of_ones_own(app: Store) -> None:
    template = app.workflows.add(chain(2), is_template=True)
    app.workflows.set_settings(id=template.id, settings={"timezone": "Asia/Tokyo"})
    made = app.workflows.instantiate(template.id)
    assert stored(app, made.id).settings == {"timezone": "Asia/Tokyo"}
    assert [each.id for each in app.workflows.templates()] == [template.id]


def test_what_is_no_template_is_refused(app: Store, system: Store, admin: Admin, other_tenant: UUID) -> None:
    theirs = app.for_tenant(other_tenant).workflows.add(chain(1, "theirs"), is_template=True)
    ours, systems = (store.workflows.add(chain(1, "no template")) for store in (app, system))
    before = state(admin)
    for plain in (ours, systems):
        with pytest.raises(InvalidInput, match=f"workflow {plain.id}, 'no template', is no template") as refused:
            app.workflows.instantiate(plain.id)
        assert "duplicate" in (refused.value.hint or "")
    for nowhere in (uuid7(), theirs.id):
        with pytest.raises(NotFound, match=f"template {nowhere} is not there"):
            app.workflows.instantiate(nowhere)
    with pytest.raises(AlreadyExists, match=str(ours.id)):
        app.workflows.instantiate(app.workflows.add(chain(1), is_template=True).id, new_id=ours.id)
    assert len(state(admin)["workflows"]) == len(before["workflows"]) + 1


def test_one_id_of_two_tenants(app: Store, system: Store) -> None:
    """Ids of imports are the same in every tenant: the tenant's own comes first, if it is a template."""
    both, systems = uuid7(), uuid7()
    system.workflows.add(chain(1, "the system's"), workflow_id=both, is_template=True)
    system.workflows.add(chain(1, "the system's"), workflow_id=systems, is_template=True)
    app.workflows.add(chain(1, "ours"), workflow_id=both, is_template=True)
    app.workflows.add(chain(1, "ours"), workflow_id=systems)
    names = {each.id: each.name for each in app.workflows.templates()}
    assert names == {both: "ours", systems: "the system's"}
    for template, name in names.items():
        assert stored(app, app.workflows.instantiate(template).id).name == name


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_templates_come_in_pages(app: Store, system: Store, other_tenant: UUID, limit: int) -> None:
    made = []
    for number in range(7):
        store = (app, system)[number % 2]
        made.append(store.workflows.add(chain(1, str(number)), is_template=True).id)
        store.workflows.add(chain(1))
    for number in (2, 3):  # one id, two templates
        (system, app)[number % 2].workflows.add(chain(1), workflow_id=made[number], is_template=True)
    app.for_tenant(other_tenant).workflows.add(chain(1), is_template=True)
    walked: list[UUID] = []
    while page := app.workflows.templates(limit=limit, before_id=walked[-1] if walked else LAST_ID):
        assert len(page) <= limit
        walked += [each.id for each in page]
    assert walked == sorted(made, reverse=True)
