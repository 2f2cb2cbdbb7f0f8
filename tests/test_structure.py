"""What is odd about graphs: for each code a document that has it and one that nearly has it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.documentkit import FLOWS, TYPES, Document, documents
from wfstore.documents import project
from wfstore.documents.findings import Severity
from wfstore.documents.structure import WITHOUT_ROW, structure_findings

TRIGGER: Document = {"node_id": "t", "node_type": "TRIGGER", "name": "Start"}


def node(node_id: str, node_type: str = "ACTION", **more: Any) -> Document:
    return {"node_id": node_id, "node_type": node_type} | more


def edge(source: str, target: str, connection_type: str | None = None, **more: Any) -> Document:
    return {"source_node_id": source, "target_node_id": target, "connection_type": connection_type} | more


def chained(*node_ids: str) -> list[Document]:
    return [edge(one, other) for one, other in pairwise(node_ids)]


def document(nodes: Iterable[Document], connections: Iterable[Document] = ()) -> Document:
    return {"name": "w", "nodes": [TRIGGER, *nodes], "connections": list(connections)}


AGENT, TOOL, MEMORY = node("ag", "AI_AGENT", name="Agent"), node("tl", "TOOL"), node("me", "MEMORY")
A, B, C, FLOW = node("a"), node("b", name="Bee"), node("c"), node("f", "FLOW")
RING = chained("t", "a", "b", "c", "a")

HAVING: list[tuple[str, Document, str]] = [
    (
        "dangling-connection",
        document([], [edge("t", "gone")]),
        "connections[0].target_node_id: is 'gone', and no node has that id; it has no row",
    ),
    (
        "dangling-connection",
        document([], [edge("gone", "t")]),
        "connections[0].source_node_id: is 'gone', and no node has that id; it has no row",
    ),
    (
        "duplicate-connection",
        document([A], [edge("t", "a"), edge("t", "a", "MAIN", source_index=0, target_index=None, label="x")]),
        "connections[1]: says again what connections[0] says: 'MAIN' from 'Start' to 'a'",
    ),
    (
        "duplicate-node-id",
        document([A, node("t", name="Other")], [edge("t", "a")]),
        "nodes[2].node_id: is 't', as that of nodes[0]; only the first has a row",
    ),
    (
        "duplicate-node-name",
        document([B, node("c", name="Bee")], chained("t", "b", "c")),
        "nodes[2].name: is 'Bee', as that of nodes[1]",
    ),
    ("self-loop", document([FLOW], [edge("t", "f"), edge("f", "f")]), "connections[1]: leads from 'f' to itself"),
    ("self-loop", document([B], [edge("t", "b"), edge("b", "b")]), "connections[1]: leads from 'Bee' to itself"),
    (
        "unreachable-node",
        document([A, B], [edge("t", "a"), edge("b", "a")]),
        "nodes[2]: is 'Bee', to which no connection leads from a trigger",
    ),
    ("unreachable-node", document([A]), "nodes[1]: is 'a', to which no connection leads from a trigger"),
    (
        "no-trigger",
        {"name": "w", "nodes": [A]},
        "nodes: have no TRIGGER among them; the workflow starts by hand or from another one",
    ),
    (
        "cycle-without-flow",
        document([A, B, C], RING),
        "nodes[1]: is part of a cycle without a FLOW node: 'a' -> 'Bee' -> 'c' -> 'a'",
    ),
    (
        "misplaced-tool",
        document([TOOL, A], [edge("t", "a"), edge("tl", "a", "AI_TOOL")]),
        "connections[1]: attaches the tool 'tl' to 'a', which is of type ACTION, not AI_AGENT",
    ),
    (
        "misplaced-memory",
        document([MEMORY], [edge("me", "t", "AI_MEMORY")]),
        "connections[0]: attaches the memory 'me' to 'Start', which is of type TRIGGER, not AI_AGENT",
    ),
    (
        "foreign-connection-type",
        document([A], [edge("t", "a"), edge("t", "a", "ai_tool")]),
        "connections[1].connection_type: is 'ai_tool', which is none of the known types; the connection has no row",
    ),
]


@pytest.mark.parametrize(
    ("code", "having", "sentence"), HAVING, ids=[f"{each[0]}-{i}" for i, each in enumerate(HAVING)]
)
def test_what_has_it(code: str, having: Document, sentence: str) -> None:
    [finding] = structure_findings(having)
    assert (finding.code, finding.severity, str(finding)) == (code, Severity.WARNING, sentence)


def test_a_tool_of_a_tool_is_misplaced_though_that_one_serves_an_agent() -> None:
    tools = [edge("t", "ag"), edge("tl", "ag", "AI_TOOL"), edge("t2", "tl", "AI_TOOL")]
    assert [each.code for each in structure_findings(document([AGENT, TOOL, node("t2", "TOOL")], tools))] == [
        "misplaced-tool"
    ]


NEARLY: dict[str, Document] = {
    "nothing": {"name": "w"},
    "nulls": {"name": "w", "nodes": None, "connections": None},
    "a trigger alone": document([]),
    "another output": document([A], [edge("t", "a"), edge("t", "a", source_index=1)]),
    "another input": document([A], [edge("t", "a"), edge("t", "a", target_index=1)]),
    "another type": document([AGENT, TOOL], [edge("t", "tl"), edge("tl", "ag"), edge("tl", "ag", "AI_TOOL")]),
    "the way back": document([FLOW], [edge("t", "f"), edge("f", "t")]),
    "empty and missing names": document([node("a", name=""), node("b", name=""), C], chained("t", "a", "b", "c")),
    "names of other case": document([node("a", name="start")], [edge("t", "a")]),
    "ids of other case": document([node("T")], [edge("t", "T")]),
    "a loop through FLOW": document([A, B, FLOW], chained("t", "a", "b", "f", "a")),
    "disabled nodes pass": document([node("a", disabled=True), B], chained("t", "a", "b")),
    "all known types": document([AGENT], [edge("t", "ag", kind) for kind in sorted(FLOWS)]),
    "an empty type is MAIN": document([A], [edge("t", "a", "")]),
    "model of a reached agent": document([AGENT, A], [edge("t", "ag"), edge("a", "ag", "AI_LANGUAGE_MODEL")]),
    "model of a model": document(
        [AGENT, A, B], [edge("b", "a", "AI_EMBEDDING"), edge("a", "ag", "AI_VECTOR_STORE"), edge("t", "ag")]
    ),
    "served by what is reached": document([A, B], [edge("t", "a"), edge("a", "b", "AI_DOCUMENT")]),
    "two triggers": document([node("u", "TRIGGER"), A, B], [edge("t", "a"), edge("u", "b")]),
    "a cycle of AI ties": document([A, B], [edge("t", "a"), edge("a", "b", "AI_CHAIN"), edge("b", "a", "AI_CHAIN")]),
}


@pytest.mark.parametrize("nearly", NEARLY.values(), ids=NEARLY)
def test_what_nearly_has_it(nearly: Document) -> None:
    assert [str(finding) for finding in structure_findings(nearly)] == []


# --- cycles -------------------------------------------------------------------------------------------------


def test_a_cycle_through_flow_does_not_excuse_the_one_beside_it() -> None:
    both = document([A, B, FLOW], [*chained("t", "a", "b", "f", "a"), edge("b", "a")])
    assert [finding.message for finding in structure_findings(both)] == [
        "is part of a cycle without a FLOW node: 'a' -> 'Bee' -> 'a'"
    ]


def test_cycles_that_share_a_node_are_reported_once_and_separate_ones_each() -> None:
    eight = [*chained("t", "a", "b", "a"), *chained("a", "c", "a"), *chained("c", "x", "y", "x")]
    found = structure_findings(document([A, B, C, node("x"), node("y")], eight))
    assert [(each.code, each.path) for each in found] == [
        ("cycle-without-flow", "nodes[1]"),
        ("cycle-without-flow", "nodes[4]"),
    ]


def test_of_a_long_cycle_ten_are_named_and_long_names_are_cut() -> None:
    ids = [f"{'n' * 100}{i}" for i in range(12)]
    [finding] = structure_findings(document(map(node, ids), chained("t", *ids, ids[0])))
    assert finding.message.count("nnn…'") == 11
    assert "-> 2 more ->" in finding.message
    assert len(finding.message) < 1_000


# --- in general ---------------------------------------------------------------------------------------------


@given(documents)
def test_what_has_no_row_has_a_finding_and_what_has_one_has_none(generated: Document) -> None:
    rows = project(generated)
    findings = [finding for finding in structure_findings(generated) if finding.code in WITHOUT_ROW]
    reported = {finding.path.split(".")[0] for finding in findings}
    absent = {
        f"{key}[{number}]"
        for key, arrays in (("nodes", rows.nodes), ("connections", rows.connections))
        for number in range(len(generated[key]))
        if number not in arrays["ordinals"]
    }
    assert reported == absent


_ids = st.sampled_from(["a", "b", "c", "d", "e"])
_types = st.sampled_from(["MAIN", "AI_TOOL"])
_graphs = st.builds(
    document,
    st.lists(_ids, unique=True).flatmap(
        lambda ids: st.tuples(*(st.builds(node, st.just(each), st.sampled_from(TYPES)) for each in ids))
    ),
    st.lists(st.builds(edge, _ids | st.just("t"), _ids | st.just("t"), _types), max_size=12),
)


def closure(nodes: set[str], edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Every pair of which one leads to the other, by Warshall's algorithm: slow, and easy to see through."""
    pairs = {(one, other) for one, other in edges if one in nodes and other in nodes}
    for middle in nodes:
        pairs |= {(one, other) for one in nodes for other in nodes if {(one, middle), (middle, other)} <= pairs}
    return pairs


@given(_graphs)
def test_reachability_and_cycles_are_those_of_the_plain_definition(graph: Document) -> None:
    types = {each["node_id"]: each["node_type"] for each in graph["nodes"]}
    main = {(e["source_node_id"], e["target_node_id"]) for e in graph["connections"] if e["connection_type"] == "MAIN"}
    ties = {(e["source_node_id"], e["target_node_id"]) for e in graph["connections"]} - main
    ties |= {(e["source_node_id"], e["target_node_id"]) for e in graph["connections"] if e["connection_type"] != "MAIN"}
    leads = closure(set(types), main | ties | {(other, one) for one, other in ties})
    starts = {each for each in types if types[each] == "TRIGGER"}
    unreached = {each for each in types if each not in starts and not any((start, each) in leads for start in starts)}
    around = closure({each for each in types if types[each] != "FLOW"}, main)
    groups = {
        frozenset(other for other in types if {(each, other), (other, each)} <= around and each != other) | {each}
        for each in types
    }
    found = structure_findings(graph)
    where = {f"nodes[{number}]": node_id for number, node_id in enumerate(types)}
    assert {where[each.path] for each in found if each.code == "unreachable-node"} == unreached
    cyclic = [where[each.path] for each in found if each.code == "cycle-without-flow"]
    assert len(cyclic) == len(set(cyclic)) == sum(len(group) > 1 for group in groups)
    assert all(any(each in group for group in groups if len(group) > 1) for each in cyclic)


def test_ten_thousand_nodes_and_fifty_thousand_connections_take_well_under_a_second() -> None:
    """A ring with chords: the longest way down, the longest way back, everything in one group."""
    count = 10_000
    nodes = [node(f"n{i}", name=f"Node {i}") for i in range(count)]
    connections = [edge(f"n{i}", f"n{(i + step) % count}") for i in range(count) for step in (1, 2, 3, 5, 8)]
    large = document(nodes, [edge("t", "n0"), *connections])
    started = time.process_time()
    [finding] = structure_findings(large)
    assert time.process_time() - started < 1
    assert finding.code == "cycle-without-flow"
