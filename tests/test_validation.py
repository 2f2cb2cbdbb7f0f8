"""Everything that is said about a document before it is saved; docs/documents.md says what each of it means."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import facekit
from tests.documentkit import Document, chain, documents, state
from tests.test_structure import HAVING
from wfstore import Store
from wfstore.documents import as_stored, content_hash, limits
from wfstore.documents.findings import Finding, Severity
from wfstore.documents.validation import CODES, checked, validate
from wfstore.errors import InvalidDocument

Admin = psycopg.Connection[Any]

face, app = facekit.face, facekit.app

DOCUMENTATION = Path(__file__).resolve().parent.parent / "docs" / "documents.md"


def nested(levels: int) -> Any:
    """A list in a list in a list."""
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def nested_objects(levels: int) -> Any:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def of_bytes(size: int) -> Document:
    """A document that takes this many bytes."""
    document: Document = {"name": "w", "x": ""}
    return document | {"x": "x" * (size - len(orjson.dumps(document)))}


def with_items(key: str, count: int) -> Document:
    items = {
        "nodes": {"node_id": "a", "node_type": "TRIGGER"},
        "connections": {"source_node_id": "a", "target_node_id": "b"},
    }
    return {"name": "w", key: [items[key]] * count}


ITSELF: list[Any] = []
ITSELF += [ITSELF, ITSELF]

ERRONEOUS: list[tuple[str, Any, list[str]]] = [
    ("unstorable", {"name": "a\0b"}, ["name: contains a NUL character, which PostgreSQL cannot store"]),
    (
        "unstorable",
        {"name": "w", "x": [2**64, math.nan, "\ud800"], "y": {"\0": 1, 5: "\0"}},
        [
            "x[0]: is an integer beyond 64 bits",
            "x[1]: is nan, which JSON has no number for",
            "x[2]: contains a lone surrogate, which is no Unicode character",
            "y: the key '\\x00' contains a NUL character, which PostgreSQL cannot store",
            "y: the key 5 is no string",
            "y[5]: contains a NUL character, which PostgreSQL cannot store",
        ],
    ),
    ("limit", of_bytes(limits.MAX_BYTES + 1), ["takes 16,777,217 bytes as JSON; 16,777,216 can be saved"]),
    ("limit", of_bytes(50_000_000), ["takes 50,000,000 bytes as JSON; 16,777,216 can be saved"]),
    ("limit", with_items("nodes", 10_001), ["nodes: has 10,001 items; 10,000 can be saved"]),
    ("limit", with_items("connections", 100_001), ["connections: has 100,001 items; 100,000 can be saved"]),
    (
        "limit",
        {"name": "w", "nodes": [{"node_id": "é" * n, "node_type": "TRIGGER"} for n in (500, 501)]},
        ["nodes[1].node_id: is 1,002 bytes long; 1,000 can be saved"],
    ),
    ("shape", {}, ["name: is missing"]),
    (
        "shape",
        {"name": "w", "nodes": [{}]},
        ["nodes[0].node_id: is missing", "nodes[0].node_type: is missing; it is one of "],
    ),
    ("shape", [], ["a workflow document is a JSON object, not a list"]),
    ("shape", None, ["a workflow document is a JSON object, not null"]),
]
DEEP: list[tuple[Any, str]] = [
    (nested(254), "255 levels deep"),
    (nested_objects(254), "255 levels deep"),
    (nested(9_999), "10,000 levels deep"),
    (nested_objects(9_999), "10,000 levels deep"),
    ([nested(299)] * 1_000, "301 levels deep"),
    (ITSELF, "without end"),
]


@pytest.mark.parametrize(
    ("code", "document", "sentences"), ERRONEOUS, ids=[f"{each[0]}-{n}" for n, each in enumerate(ERRONEOUS)]
)
def test_errors(code: str, document: Any, sentences: list[str]) -> None:
    findings = validate(document)
    assert {(each.code, each.severity) for each in findings} == {(code, Severity.ERROR)}
    for finding, sentence in zip(findings, sentences, strict=True):
        assert str(finding).startswith(sentence)


@pytest.mark.parametrize(("value", "depth"), DEEP, ids=[f"{depth}-{n}" for n, (_, depth) in enumerate(DEEP)])
def test_what_is_too_deep(value: Any, depth: str) -> None:
    [finding] = validate({"name": "w", "x": value})
    assert (finding.code, finding.severity) == ("limit", Severity.ERROR)
    assert re.fullmatch(r"x(\[0\]|\.a){253}", finding.path)
    assert finding.message == f"is nested more than 254 levels deep; the document is nested {depth}"


@pytest.mark.parametrize(
    "document",
    [
        of_bytes(limits.MAX_BYTES),
        with_items("connections", 100_000) | {"nodes": [{"node_id": "a", "node_type": "TRIGGER"}]},
        {"name": "w", "x": nested(253)},
        {"name": "w", "x": nested_objects(253)},
        {"name": "w", "nodes": [{"node_id": f"n{n}", "node_type": "TRIGGER"} for n in range(10_000)]},
        {"name": "w"},
    ],
    ids=["bytes", "connections", "levels of lists", "levels of objects", "nodes", "nothing"],
)
def test_what_is_just_small_enough(document: Any) -> None:
    assert {finding.severity for finding in validate(document)} <= {Severity.WARNING}


def test_numbers_that_grow_count_as_they_are_sent() -> None:
    numbers = [1e300] * 100_000
    [finding] = validate({"name": "w", "x": numbers})
    assert (finding.code, finding.message) == ("limit", "takes 30,400,018 bytes as JSON; 16,777,216 can be saved")


def test_errors_come_first_and_hide_what_depends_on_them() -> None:
    odd = {"name": "w", "nodes": [{"node_id": "a", "node_type": "ACTION"}], "connections": [{"target_node_id": "a"}]}
    assert [each.code for each in validate(odd)] == ["shape"]
    assert [each.code for each in validate(odd | {"connections": None})] == ["no-trigger"]
    assert [each.code for each in validate(odd | {"x": "\0"})] == ["unstorable"]
    assert [each.code for each in validate(with_items("nodes", 10_001) | {"tags": [1]})] == ["limit", "shape"]


def test_of_many_faults_the_first_hundred_are_given() -> None:
    assert [each.path for each in validate({"name": "w", "x": ["\0"] * 200})] == [f"x[{n}]" for n in range(100)]


ENTRIES: dict[str, Callable[[Any], Any]] = {"as_stored": as_stored, "content_hash": content_hash, "checked": checked}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
@pytest.mark.parametrize(
    "document",
    [{"x": nested(10_000)}, {"x": ITSELF}, {"x": "\ud800"}, of_bytes(50_000_000)],
    ids=["deep", "endless", "text", "large"],
)
def test_whatever_takes_a_document_refuses_alike(entry: Callable[[Any], Any], document: Any) -> None:
    with pytest.raises(InvalidDocument) as caught:
        entry(document)
    assert list(caught.value.findings) == validate(document) != []


@pytest.mark.parametrize(
    "document", [each for _, each, _ in ERRONEOUS], ids=[f"{each[0]}-{n}" for n, each in enumerate(ERRONEOUS)]
)
def test_a_refused_save_writes_nothing(store: Store, admin: Admin, document: Any) -> None:
    saved = store.workflows.add(chain(3))
    before = state(admin)
    with pytest.raises(InvalidDocument) as adding:
        store.workflows.add(document)
    with pytest.raises(InvalidDocument) as replacing:
        store.workflows.replace(saved.id, document, revision=1)
    assert list(adding.value.findings) == list(replacing.value.findings) == validate(document)
    assert state(admin) == before


@pytest.mark.parametrize(
    "document", [each for _, each, _ in HAVING], ids=[f"{each[0]}-{n}" for n, each in enumerate(HAVING)]
)
def test_oddities_are_saved_and_reported(app: Store, document: Document) -> None:
    assert app.workflows.add(document).warnings == app.workflows.validate(document) != []


def test_ten_thousand_levels_are_refused_by_every_write(app: Store) -> None:
    saved = app.workflows.add(chain(1))
    for value in (nested(10_000), nested_objects(10_000)):
        for column in ("settings", "static_data", "pin_data"):
            with pytest.raises(InvalidDocument, match="nested more than 254 levels"):
                app.workflows.add(chain(1) | {column: value})
    assert app.workflows.replace(saved.id, chain(1), revision=1).changed is False


# --- in general ---------------------------------------------------------------------------------------------


@given(documents)
def test_what_can_be_saved_has_known_warnings_and_keeps_its_hash(document: Document) -> None:
    save = checked(document)
    assert all(CODES[each.code] == each.severity == Severity.WARNING for each in save.warnings)
    assert save.warnings == validate(document) == validate(save.document)
    assert orjson.loads(save.text) == save.document == document
    assert save.content_hash == content_hash(save.document) == content_hash(json.loads(json.dumps(document)))


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
)
_keys = st.sampled_from(["name", "nodes", "connections", "node_id", "node_type", "tags", "settings", "source_node_id"])
_nearly = st.recursive(_anything, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=4))


@given(_nearly | st.dictionaries(_keys, _nearly, max_size=5))
def test_any_value_at_all_is_judged_and_never_trips(value: Any) -> None:
    findings = validate(value)
    assert all(CODES[each.code] == each.severity for each in findings)
    refused = any(each.severity is Severity.ERROR for each in findings)
    try:
        checked(value)
    except InvalidDocument as error:
        assert refused
        assert list(error.findings) == findings
    else:
        assert not refused


# --- the documentation --------------------------------------------------------------------------------------


def test_each_code_is_explained_and_shown_by_a_test() -> None:
    text = DOCUMENTATION.read_text(encoding="utf-8")
    explained = re.findall(r"^\| `([a-z-]+)` \| (error|warning) \|", text, re.MULTILINE)
    assert dict(explained) == dict(CODES)
    assert len(explained) == len(CODES)
    assert {each[0] for each in [*HAVING, *ERRONEOUS]} == CODES.keys()


def test_the_limits_are_those_of_the_documentation() -> None:
    text = DOCUMENTATION.read_text(encoding="utf-8")
    for most in (limits.MAX_BYTES, limits.MAX_NODES, limits.MAX_CONNECTIONS, limits.MAX_NODE_ID, limits.MAX_LEVELS):
        assert f"| {most:,} |" in text


def test_the_example_of_the_documentation_has_nothing_odd() -> None:
    [example] = re.findall(r"^```json\n(.*?)^```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert validate(json.loads(example)) == []


def test_a_finding_reads_as_a_sentence() -> None:
    assert str(Finding("shape", Severity.ERROR, "name", "is missing")) == "name: is missing"
    assert str(Finding("shape", Severity.ERROR, "", "is no object")) == "is no object"
