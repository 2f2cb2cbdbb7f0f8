"""Published n8n exports, where the collection lies beside the checkout: there and back, as revisions, by identity."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

import pytest

from tests.n8nkit import Json, exactly, records, stored
from wfstore.documents.shape import faults
from wfstore.errors import InvalidDocument
from wfstore.n8n import Converted, to_document, to_export, workflow_id

Record = tuple[Json, Converted]


@pytest.fixture(scope="module")
def real() -> list[Record]:
    """Each published record with its definition converted."""
    return [(record, to_document(record["workflow"])) for record in records("n8n.jsonl.gz")]


@pytest.fixture(scope="module")
def damaged() -> list[Record]:
    """Those that a bulk rewrite damaged."""
    return [(record, to_document(record["workflow"])) for record in records("n8n_rewritten.jsonl.gz")]


def test_real_definitions_come_back_exactly(real: list[Record], damaged: list[Record]) -> None:
    for record, converted in real + damaged:
        assert exactly(to_export(stored(converted.document))) == exactly(record["workflow"]), record["path"]
    assert (len(real), len(damaged)) == (809, 38)


def test_real_definitions_have_the_shape_of_a_workflow(real: list[Record], damaged: list[Record]) -> None:
    for record, converted in real + damaged:
        assert faults(converted.document) == [], record["path"]


def test_real_definitions_once_more_are_the_same_documents(real: list[Record], damaged: list[Record]) -> None:
    for record, converted in real + damaged:
        again = to_document(record["workflow"], previous=stored(converted.document))
        assert exactly(again.document) == exactly(converted.document), record["path"]


def test_real_nodes_are_all_in_the_graph_or_warned_of(real: list[Record]) -> None:
    codes: Counter[str] = Counter()
    for record, converted in real:
        document = converted.document
        seconds = document["meta"]["n8n"].get("seconds", [])
        known = len(document["nodes"]) + len(document.get("annotations", [])) + len(seconds)
        assert known == len(record["workflow"]["nodes"])
        assert ("annotations" in document) == ("canvas-notes" in {finding.code for finding in converted.warnings})
        codes.update(finding.code for finding in converted.warnings)
    assert {*codes} <= {
        *("canvas-notes", "duplicate-node-id", "duplicate-node-name"),
        *("dangling-connection", "stray-pin-data"),
    }


def test_ends_of_damaged_definitions_that_are_no_node_stay_none(damaged: list[Record]) -> None:
    for record, converted in damaged:
        there = {node["node_id"] for node in converted.document["nodes"]}
        names = {node["name"] for node in record["workflow"]["nodes"]}
        missing = converted.document["meta"]["n8n"].get("missing", {})
        ends = {edge[end] for edge in converted.document["connections"] for end in ("source_node_id", "target_node_id")}
        assert ends <= there | missing.keys()
        assert not there & missing.keys()
        assert not names & {*missing.values()}


def test_real_revisions_keep_the_ids_of_their_nodes(real: list[Record]) -> None:
    families: dict[str, list[Json]] = defaultdict(list)
    for record, _ in real:
        families[record["family"]].append(record["workflow"])
    compared = 0
    for revisions in families.values():
        document = to_document(revisions[0]).document
        ids = {node["name"]: node["node_id"] for node in document["nodes"]}
        for revision in revisions[1:]:
            document = to_document(revision, previous=stored(document)).document
            assert {node["name"]: node["node_id"] for node in document["nodes"]} == ids
            assert exactly(to_export(stored(document))) == exactly(revision)
            compared += 1
    assert compared > 50


def test_real_definitions_of_one_identity_are_revisions(real: list[Record], damaged: list[Record]) -> None:
    """They share most of their nodes: nobody's workflow becomes a version of somebody else's."""
    found: dict[str, list[set[str]]] = defaultdict(list)
    for place, (record, _) in enumerate(real + damaged):
        identity = workflow_id(record["workflow"], f"{record['path']}:{place}")
        found[str(identity)].append({node["name"] for node in record["workflow"]["nodes"]})
    groups = [names for names in found.values() if len(names) > 1]
    assert len(groups) > 40
    for first, *others in groups:
        assert all(len(first & other) / len(first | other) > 0.75 for other in others)


def test_real_objects_that_are_no_workflow_are_refused() -> None:
    texts = [record["raw"] for record in records("n8n_malformed.jsonl.gz")]
    flattened = [json.loads(text) for text in texts if text.startswith('{\n  "\\"')]
    assert len(flattened) == 2
    for export in flattened:
        with pytest.raises(InvalidDocument, match="nodes: is missing"):
            to_document(export)
