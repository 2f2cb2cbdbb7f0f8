"""Saving definitions: revisions, versions, and rows that never differ from their document, on both faces."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import facekit
from tests.documentkit import Document, chain, documents, exactly, expected, rows_of, state, stored, with_positions
from tests.facekit import until
from wfstore import Store, uuid7
from wfstore.documents import content_hash
from wfstore.errors import AlreadyExists, InvalidDocument, NotFound, RevisionConflict, WfstoreError

Admin = psycopg.Connection[Any]

face, app = facekit.face, facekit.app


# --- revisions and versions ---------------------------------------------------------------------------------


def test_a_save_counts_and_a_change_makes_a_version(app: Store) -> None:
    first = app.workflows.add(chain(2), change_summary="begun")
    assert (first.revision, first.content_revision, first.changed, first.warnings) == (1, 1, True, [])
    second = app.workflows.replace(first.id, chain(3), revision=1, change_summary="longer")
    assert (second.revision, second.content_revision, second.changed) == (2, 2, True)
    third = app.workflows.replace(first.id, chain(3), revision=2)
    assert (third.revision, third.content_revision, third.changed) == (3, 2, False)
    fourth = app.workflows.replace(first.id, chain(2), revision=3)
    assert (fourth.revision, fourth.content_revision, fourth.changed) == (4, 4, True)
    versions = app.workflow_versions.page(workflow_id=first.id, before_revision=99, limit=9)
    assert [(each.revision, each.change_summary) for each in versions] == [(4, ""), (2, "longer"), (1, "begun")]
    assert app.workflow_versions.get(workflow_id=first.id, revision=2).workflow_data == chain(3)
    assert app.workflow_versions.get(workflow_id=first.id, revision=3) is None


def test_a_save_of_the_same_touches_nothing_but_the_count(app: Store, admin: Admin) -> None:
    saved = app.workflows.add(chain(5))
    before = state(admin)
    app.workflows.replace(saved.id, chain(5), revision=1)
    after = state(admin)
    assert {table for table in before if before[table] != after[table]} == {"workflows"}


def test_what_was_read_is_the_same_when_it_is_saved(app: Store) -> None:
    numbers = [1e16, -0.0, 2.0**63, 1.5e300, 1e-7, 2**64 - 1, 1, 1.0, 10**16]
    odd = chain(1) | {"numbers": numbers, "tuple": (1, "😀", "1e16, [-0.0]")}
    saved = app.workflows.add(odd)
    read = app.workflows.get(id=saved.id)
    assert repr(read.workflow_data["numbers"]) == repr([*numbers[:1], 0.0, *numbers[2:]])
    assert read.workflow_data["tuple"] == [*odd["tuple"]]
    assert content_hash(read.workflow_data) == read.content_hash == content_hash(odd)
    assert not app.workflows.replace(saved.id, read.workflow_data, revision=1).changed
    assert not app.workflows.replace(saved.id, odd, revision=2).changed


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (0, False), ("1", 1), (None, "null"), ([], {})], ids=repr)
def test_what_python_may_take_for_equal_is_a_change(app: Store, admin: Admin, one: Any, other: Any) -> None:
    def having(value: Any) -> Document:
        node = {"node_id": "a", "node_type": "TOOL", "parameters": {"x": value}}
        return {"name": "w", "nodes": [node], "connections": []}

    saved = app.workflows.add(having(one))
    assert app.workflows.replace(saved.id, having(other), revision=1).changed
    [row] = rows_of(admin, saved.id)["nodes"]
    assert row["parameters"] == exactly(json.dumps({"x": other}))


def test_the_documents_columns(app: Store) -> None:
    document = chain(1) | {
        "description": "what for",
        "version": "2",
        "tags": ["a", "b", "a"],
        "static_data": {"n": 1},
        "pin_data": {"node-0": [1]},
    }
    saved = app.workflows.add(document)
    row = app.workflows.get(id=saved.id)
    assert (row.name, row.description, row.version, row.tags) == ("a chain", "what for", "2", ["a", "b", "a"])
    assert (row.settings, row.static_data, row.pin_data) == ({"timezone": "UTC"}, {"n": 1}, {"node-0": [1]})
    app.workflows.replace(saved.id, document | {"name": "renamed", "tags": None}, revision=1)
    row = app.workflows.get(id=saved.id)
    assert (row.name, row.tags) == ("renamed", [])


ABSENT = "absent"
AT_RUN_TIME = {"set": "at run time"}


def with_own(column: str, value: Any) -> Document:
    return chain(1) | {column: value} if value != ABSENT else {key: chain(1)[key] for key in chain(1) if key != column}


@pytest.mark.parametrize("column", ["settings", "static_data", "pin_data"])
@pytest.mark.parametrize(
    "case",
    [
        ({"x": 1}, {"x": 1}, False),
        ({"x": 1, "y": 1}, {"y": 1, "x": 1}, False),
        ({"x": 1e16}, {"x": 1e16}, False),
        (ABSENT, None, False),
        (None, ABSENT, False),
        ({"x": 1}, {"x": 2}, True),
        ({"x": 1}, {"x": 1.0}, True),
        ({"x": 1}, {"x": True}, True),
        ({"x": 1}, {}, True),
        ({"x": 1}, ABSENT, True),
        ({"x": 1}, None, True),
        (ABSENT, {"x": 1}, True),
        (None, {"x": 1}, True),
    ],
    ids=repr,
)
def test_what_was_set_at_run_time_stays_until_the_documents_own_changes(
    app: Store, admin: Admin, column: str, case: tuple[Any, Any, bool]
) -> None:
    before, after, follows = case
    saved = app.workflows.add(with_own(column, before))
    getattr(app.workflows, f"set_{column}")(id=saved.id, **{column: AT_RUN_TIME})
    app.workflows.replace(saved.id, with_own(column, before), revision=1)
    assert getattr(app.workflows.get(id=saved.id), column) == AT_RUN_TIME, "a save of the same"
    app.workflows.replace(saved.id, with_own(column, after) | {"name": "renamed"}, revision=2)
    [[kept]] = admin.execute(f"SELECT {column}::text FROM workflows WHERE id = %s", [saved.id]).fetchall()
    own = None if after == ABSENT else after
    expected = (own or {} if column == "settings" else own) if follows else AT_RUN_TIME
    assert exactly(kept or "null") == exactly(json.dumps(expected))


def test_settings_that_are_empty_are_as_good_as_none(app: Store) -> None:
    saved = app.workflows.add(with_own("settings", ABSENT))
    app.workflows.set_settings(id=saved.id, settings=AT_RUN_TIME)
    app.workflows.replace(saved.id, with_own("settings", {}), revision=1)
    assert app.workflows.get(id=saved.id).settings == AT_RUN_TIME


@pytest.mark.parametrize("kept", [{}, [], "", 0, False, [None]], ids=repr)
def test_what_is_empty_is_not_nothing(app: Store, kept: Any) -> None:
    saved = app.workflows.add(with_own("static_data", kept))
    assert repr(app.workflows.get(id=saved.id).static_data) == repr(kept)
    app.workflows.set_static_data(id=saved.id, static_data=AT_RUN_TIME)
    app.workflows.replace(saved.id, with_own("static_data", None), revision=1)
    assert app.workflows.get(id=saved.id).static_data is None
    app.workflows.replace(saved.id, with_own("static_data", kept), revision=2)
    assert repr(app.workflows.get(id=saved.id).static_data) == repr(kept)


# --- refused: nothing is written ----------------------------------------------------------------------------


def refused(app: Store, admin: Admin, kind: type[WfstoreError], save: Callable[[UUID], Any]) -> WfstoreError:
    """The error of a save, which has changed nothing."""
    saved = app.workflows.add(chain(3))
    app.workflows.replace(saved.id, chain(4), revision=1)
    before = state(admin)
    with pytest.raises(kind) as caught:
        save(saved.id)
    assert state(admin) == before
    assert app.workflows.replace(saved.id, chain(2), revision=2).revision == 3, "the connection is as good as before"
    return caught.value


@pytest.mark.parametrize("revision", [1, 3, 0, -1])
def test_a_save_over_another_revision_is_refused(app: Store, admin: Admin, revision: int) -> None:
    error = refused(app, admin, RevisionConflict, lambda it: app.workflows.replace(it, chain(9), revision=revision))
    assert f"is at revision 2, not {revision}" in str(error)
    assert error.hint == "Read it again and repeat the change."


def test_a_save_of_what_is_not_there_is_refused(app: Store, admin: Admin) -> None:
    nowhere = uuid7()
    error = refused(app, admin, NotFound, lambda _: app.workflows.replace(nowhere, chain(1), revision=1))
    assert str(error) == f"workflow {nowhere} is not there"


def test_an_id_is_taken_once(app: Store, admin: Admin) -> None:
    error = refused(app, admin, AlreadyExists, lambda it: app.workflows.add(chain(1), workflow_id=it))
    assert str(error).startswith("workflows: there is such a row already (workflows_pkey: id ")


def test_an_owner_who_is_not_there_is_refused(app: Store, admin: Admin) -> None:
    nobody = uuid7()
    error = refused(app, admin, NotFound, lambda _: app.workflows.add(chain(1), user_id=nobody))
    assert str(error) == f"workflows: refers to what is not there (workflows_user_fkey: user_id {nobody})"


def test_refusals_do_not_spoil_prepared_statements(app: Store) -> None:
    """In the pipeline of a refused save the statements behind it are being prepared, and are not."""
    saved = app.workflows.add(chain(2))
    for _ in range(12):
        with pytest.raises(RevisionConflict):
            app.workflows.replace(saved.id, chain(3), revision=7)
    for revision in range(1, 13):
        app.workflows.replace(saved.id, chain(2 + revision), revision=revision)


def test_a_refusal_is_no_news_for_the_log(app: Store, caplog: pytest.LogCaptureFixture) -> None:
    saved = app.workflows.add(chain(300))
    for _ in range(5):
        with pytest.raises(RevisionConflict):
            app.workflows.replace(saved.id, chain(300), revision=7)
        with pytest.raises(AlreadyExists):
            app.workflows.add(chain(300), workflow_id=saved.id)
    assert caplog.messages == []


class Colour(StrEnum):
    RED = "red"


DEEP: list[Any] = []
for _ in range(300):
    DEEP = [DEEP]

UNSTORABLE: list[Any] = [
    pytest.param("a\0b", "contains a NUL character", id="NUL"),
    pytest.param("\ud800", "contains a lone surrogate", id="surrogate"),
    pytest.param(2**64, "is an integer beyond 64 bits", id="2**64"),
    pytest.param(-(2**63) - 1, "is an integer beyond 64 bits", id="-2**63-1"),
    pytest.param(math.nan, "is nan, which JSON has no number for", id="NaN"),
    pytest.param(-math.inf, "is -inf, which JSON has no number for", id="infinity"),
    pytest.param({1}, "is of type set, which is not JSON", id="set"),
    pytest.param(b"x", "is of type bytes, which is not JSON", id="bytes"),
]


@pytest.mark.parametrize("replacing", [False, True], ids=["add", "replace"])
@pytest.mark.parametrize(("value", "problem"), UNSTORABLE)
def test_what_cannot_be_stored_is_refused_with_its_path(
    app: Store, admin: Admin, value: Any, problem: str, replacing: bool
) -> None:
    document = chain(3)
    document["nodes"][1]["parameters"] = {"a list": [1, {"deep": value}]}

    def save(workflow_id: UUID) -> object:
        if replacing:
            return app.workflows.replace(workflow_id, document, revision=2)
        return app.workflows.add(document)

    error = refused(app, admin, InvalidDocument, save)
    assert isinstance(error, InvalidDocument)
    assert str(error) == f"nodes[1].parameters['a list'][1].deep: {problem}" + (
        ", which PostgreSQL cannot store" if "NUL" in problem else ""
    ) + (", which is no Unicode character" if "surrogate" in problem else "")
    assert [*error.findings] == app.workflows.validate(document)


@pytest.mark.parametrize("replacing", [False, True], ids=["add", "replace"])
def test_a_refusal_holds_all_findings_and_the_command_line_shows_some(
    app: Store, admin: Admin, replacing: bool
) -> None:
    document = chain(3) | {"tags": ["a", *range(13)]}

    def save(workflow_id: UUID) -> object:
        if replacing:
            return app.workflows.replace(workflow_id, document, revision=2)
        return app.workflows.add(document)

    error = refused(app, admin, InvalidDocument, save)
    assert isinstance(error, InvalidDocument)
    assert str(error) == "tags[1]: is a number, not a string (and 12 more)"
    assert [finding.path for finding in error.findings] == [f"tags[{n}]" for n in range(1, 14)]
    lines = [f"tags[{n}]: is a number, not a string" for n in range(2, 12)]
    assert error.hint == "\n  ".join([*lines, "and 2 more; store.workflows.validate(document) gives them all"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nodes": [{"a\0": 1}]}, r"^nodes\[0\]: the key 'a\\x00' contains a NUL character"),
        ({"extra": {1: 2}}, r"^extra: the key 1 is no string"),
        ({"extra": {"\udc00": 2}}, r"^extra: the key '\\udc00' contains a lone surrogate"),
        ({"extra": DEEP}, r"^extra(\[0\])+: is nested more than 254 levels deep"),
        ({"static_data": "\0"}, r"^static_data: contains a NUL character"),
        ({"name": "\0"}, r"^name: contains a NUL character"),
    ],
    ids=["key with NUL", "key that is a number", "key with surrogate", "depth", "static_data", "name"],
)
def test_other_things_that_cannot_be_stored(app: Store, change: Document, message: str) -> None:
    with pytest.raises(InvalidDocument, match=message):
        app.workflows.add(chain(1) | change)


def node(**changes: Any) -> Document:
    return {"nodes": [{"node_id": "a", "node_type": "TOOL"} | changes]}


def edge(**changes: Any) -> Document:
    ends = {"source_node_id": "a", "target_node_id": "a"} | changes
    return node() | {"connections": [{key: value for key, value in ends.items() if value != "absent"}]}


BAD_SHAPES: list[tuple[Any, str]] = [
    ({"name": None}, "name: is null, not a string"),
    ({"name": ""}, "name: is empty"),
    ({"name": 7}, "name: is a number, not a string"),
    ({"description": 5}, "description: is a number, not a string"),
    ({"version": {"a": 1}}, "version: is an object, not a string"),
    ({"version": True}, "version: is a boolean, not a string"),
    ({"settings": [1]}, "settings: is a list, not an object"),
    ({"tags": "red"}, "tags: is a string, not a list"),
    ({"tags": ["red", 5]}, "tags[1]: is a number, not a string"),
    ({"nodes": {}}, "nodes: is an object, not a list"),
    ({"nodes": ["a"]}, "nodes[0]: is a string, not an object"),
    ({"nodes": [{"node_type": "TOOL"}]}, "nodes[0].node_id: is missing"),
    (node(node_id=""), "nodes[0].node_id: is empty"),
    (node(node_id=5), "nodes[0].node_id: is a number, not a string"),
    ({"nodes": [{"node_id": "a"}]}, "nodes[0].node_type: is missing; it is one of TRIGGER, AI_AGENT,"),
    (node(node_type=None), "nodes[0].node_type: is missing; it is one of TRIGGER, AI_AGENT,"),
    (node(node_type="TRIGER"), "nodes[0].node_type: 'TRIGER' is unknown; it is one of TRIGGER, AI_AGENT,"),
    (node(node_type=["TOOL"]), "nodes[0].node_type: is a list, not a string"),
    (node(error_handling="PANIC"), "nodes[0].error_handling: 'PANIC' is unknown; it is one of STOP_WORKFLOW_ON_ERROR,"),
    (node(type_version="2"), "nodes[0].type_version: is a string, not a number"),
    (node(position_x=True), "nodes[0].position_x: is a boolean, not a number"),
    (node(max_retries=-1), "nodes[0].max_retries: must be a whole number from 0 to 2147483647"),
    (node(max_retries=2**31), "nodes[0].max_retries: must be a whole number from 0 to 2147483647"),
    (node(retry_wait_time=1.5), "nodes[0].retry_wait_time: must be a whole number from 0 to 2147483647"),
    (node(disabled=0), "nodes[0].disabled: is a number, not a boolean"),
    (node(parameters=[]), "nodes[0].parameters: is a list, not an object"),
    (node(credentials="x"), "nodes[0].credentials: is a string, not an object"),
    (node(webhooks=["x", None]), "nodes[0].webhooks[1]: is null, not a string"),
    ({"connections": {"a": []}}, "connections: is an object, not a list"),
    (edge(source_node_id="absent"), "connections[0].source_node_id: is missing"),
    (edge(target_node_id=None), "connections[0].target_node_id: is null, not a string"),
    (edge(source_index=-1), "connections[0].source_index: must be a whole number from 0 to 2147483647"),
    (edge(connection_type=5), "connections[0].connection_type: is a number, not a string"),
]


@pytest.mark.parametrize(("change", "message"), BAD_SHAPES, ids=[message for _, message in BAD_SHAPES])
def test_a_document_of_another_shape_is_refused_with_the_path(store: Store, change: Document, message: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        store.workflows.add({"name": "w"} | change)
    assert str(caught.value).startswith(message)
    assert store.workflows.page(before_id=UUID(int=2**128 - 1), limit=1) == []


@pytest.mark.parametrize("document", [None, [], "x", 5], ids=repr)
def test_a_document_that_is_no_object_is_refused(store: Store, document: Any) -> None:
    with pytest.raises(InvalidDocument, match="a workflow document is a JSON object, not"):
        store.workflows.add(document)


def test_a_word_may_be_longer_than_an_index_can_hold(store: Store, admin: Admin) -> None:
    tag = "".join(f"{n:08x}" for n in range(0, 2**32, 2**22 - 1))
    saved = store.workflows.add({"name": "w", "tags": [tag]})
    assert store.workflows.get(id=saved.id).tags == [tag]
    assert len(rows_of(admin, saved.id)["terms"]) == 2


def test_words_and_times_of_python_are_taken_as_what_they_are_written_as(app: Store) -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    saved = app.workflows.add({"name": Colour.RED, "tags": (Colour.RED,), "at": at})
    assert app.workflows.get(id=saved.id).workflow_data == {
        "name": "red",
        "tags": ["red"],
        "at": "2026-01-02T00:00:00+00:00",
    }


# --- the document and its rows ------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(saves=st.lists(documents, min_size=1, max_size=4))
def test_rows_are_what_the_document_says_after_every_save(app: Store, admin: Admin, saves: list[Document]) -> None:
    saved = app.workflows.add(saves[0])
    versions = 1
    for document in saves:
        saved = app.workflows.replace(saved.id, document, revision=saved.revision)
        versions += saved.changed
        kept = stored(admin, saved.id)
        rows, nowhere = expected(kept)
        assert with_positions(rows_of(admin, saved.id)) == rows
        assert saved.warnings == app.workflows.validate(document)
        assert [path for path in nowhere if not any(each.path.startswith(path) for each in saved.warnings)] == []
        row = app.workflows.get(id=saved.id)
        assert content_hash(row.workflow_data) == row.content_hash == content_hash(document)
        version = app.workflow_versions.get(workflow_id=saved.id, revision=saved.content_revision)
        assert version.workflow_data == row.workflow_data
    assert len(app.workflow_versions.page(workflow_id=saved.id, before_revision=99, limit=99)) == versions


def test_a_save_gives_the_warnings(app: Store) -> None:
    document = {
        "name": "w",
        "nodes": [{"node_id": "a", "node_type": "TOOL"}, {"node_id": "a", "node_type": "FLOW"}],
        "connections": [
            {"source_node_id": "a", "target_node_id": "b"},
            {"source_node_id": "a", "target_node_id": "a", "connection_type": "ai_tool"},
        ],
    }
    saved = app.workflows.add(document)
    assert saved.warnings == app.workflows.validate(document)
    assert [(warning.code, warning.path) for warning in saved.warnings] == [
        ("duplicate-node-id", "nodes[1].node_id"),
        ("dangling-connection", "connections[0].target_node_id"),
        ("self-loop", "connections[1]"),
        ("foreign-connection-type", "connections[1].connection_type"),
        ("no-trigger", "nodes"),
    ]
    assert app.workflows.get(id=saved.id).workflow_data == document
    assert app.workflows.replace(saved.id, document, revision=1).warnings == saved.warnings
    assert app.workflows.replace(saved.id, chain(2), revision=2).warnings == []


@pytest.mark.parametrize("nodes", [0, 40, 1_400])
def test_large_and_small_documents(app: Store, admin: Admin, nodes: int) -> None:
    saved = app.workflows.add(chain(nodes))
    for changed in (chain(nodes, "renamed"), chain(nodes // 2), chain(nodes)):
        saved = app.workflows.replace(saved.id, changed, revision=saved.revision)
        rows, nowhere = expected(stored(admin, saved.id))
        assert with_positions(rows_of(admin, saved.id)) == rows
        assert nowhere == []


# --- two at once --------------------------------------------------------------------------------------------


def test_of_two_saves_of_one_revision_one_wins(app: Store, admin: Admin, database: str) -> None:
    saved = app.workflows.add(chain(3))

    def save(name: str) -> str | RevisionConflict:
        try:
            app.workflows.replace(saved.id, chain(4, name), revision=1)
        except RevisionConflict as error:
            return error
        return name

    waiting = (
        "SELECT count(*) = 2 FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%wfstore_lock_workflow%'"
    )
    with ThreadPoolExecutor() as pool, psycopg.connect(database) as gate:
        gate.execute("SELECT FROM workflows WHERE id = %s FOR UPDATE", [saved.id])
        saves = [pool.submit(save, name) for name in ("one", "other")]
        until(lambda: (admin.execute(waiting).fetchone() or [False])[0], "both saves wait for the workflow")
        gate.commit()
        outcomes = [each.result() for each in saves]
    [winner] = [each for each in outcomes if isinstance(each, str)]
    [loser] = [each for each in outcomes if not isinstance(each, str)]
    assert "is at revision 2, not 1" in str(loser)
    row = app.workflows.get(id=saved.id)
    assert (row.revision, row.name, row.workflow_data["name"]) == (2, winner, winner)


def test_a_save_inside_a_transaction_of_the_callers(app: Store, admin: Admin) -> None:
    saved = app.workflows.add(chain(3))
    before = state(admin)
    with pytest.raises(ZeroDivisionError), app.transaction() as tx:
        tx.workflows.replace(saved.id, chain(4), revision=1)
        tx.workflows.add(chain(1))
        raise ZeroDivisionError
    assert state(admin) == before
    with app.transaction() as tx:
        assert tx.workflows.replace(saved.id, chain(4), revision=1).revision == 2
        assert tx.workflows.replace(saved.id, chain(5), revision=2).revision == 3
    assert len(rows_of(admin, saved.id)["nodes"]) == 5
