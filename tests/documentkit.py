"""Workflow documents to save, and what their rows must be, worked out apart from wfstore's own projection."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
from hypothesis import strategies as st

Admin = psycopg.Connection[Any]
Document = dict[str, Any]

TABLES = ("workflows", "workflow_versions", "nodes", "node_connections", "workflow_terms")
NODE_IDS = ["a", "b", "c", "d", "😀"]
TYPES = ["TRIGGER", "AI_AGENT", "EXTERNAL_ACTION", "ACTION", "FLOW", "HUMAN_IN_THE_LOOP", "TOOL", "MEMORY"]
FLOWS = {
    *("MAIN", "AI_AGENT", "AI_CHAIN", "AI_DOCUMENT", "AI_EMBEDDING", "AI_LANGUAGE_MODEL", "AI_MEMORY"),
    *("AI_OUTPUT_PARSER", "AI_RETRIEVER", "AI_RERANKER", "AI_TEXT_SPLITTER", "AI_TOOL", "AI_VECTOR_STORE"),
}
DEFAULTS = {
    "node_subtype": "",
    "integration": "",
    "type_version": 1,
    "name": "",
    "description": "",
    "disabled": False,
    "position_x": 0,
    "position_y": 0,
    "parameters": {},
    "credentials": {},
    "error_handling": "STOP_WORKFLOW_ON_ERROR",
    "max_retries": 0,
    "retry_wait_time": 0,
    "notes": "",
    "webhooks": [],
}
AS_FLOAT = ("position_x", "position_y")


def chain(nodes: int, name: str = "a chain") -> Document:
    """A document with as many nodes, each with parameters as engines have them, one leading to the next."""
    return {
        "name": name,
        "nodes": [
            {
                "node_id": f"node-{i}",
                "node_type": TYPES[i % len(TYPES)],
                "node_subtype": f"kind-{i % 17}",
                "name": f"Node {i}",
                "position_x": 10.5 * i,
                "parameters": {"url": f"https://example.org/{i}", "options": {"retry": i % 3, "body": "x" * 200}},
            }
            for i in range(nodes)
        ],
        "connections": [{"source_node_id": f"node-{i}", "target_node_id": f"node-{i + 1}"} for i in range(nodes - 1)],
        "settings": {"timezone": "UTC"},
    }


# --- generated ----------------------------------------------------------------------------------------------

_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
_number = (
    st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1, 1.0, 1e16, -0.0, 2.0**63, 1e300])
)
_json = st.recursive(
    st.none() | st.booleans() | _number | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_object = st.none() | st.dictionaries(_text, _json, max_size=3)
_reference = _text | st.fixed_dictionaries({}, optional={"id": _text | st.integers(0, 9) | st.none(), "name": _text})
_node = st.fixed_dictionaries(
    {"node_id": st.sampled_from(NODE_IDS), "node_type": st.sampled_from(TYPES)},
    optional={
        "node_subtype": st.none() | _text,
        "integration": st.none() | _text,
        "type_version": st.none() | st.sampled_from([1, 1.0, 2.1, 0.5]),
        "name": _text,
        "description": st.none() | _text,
        "disabled": st.none() | st.booleans(),
        "position_x": st.none() | _number,
        "parameters": _object,
        "credentials": st.none() | st.dictionaries(_text, _reference | _json, max_size=3),
        "error_handling": st.none() | st.just("CONTINUE_ERROR_OUTPUT_ON_ERROR"),
        "max_retries": st.none() | st.integers(0, 2**31 - 1),
        "webhooks": st.none() | st.lists(_text, max_size=2),
        "of our own": _json,
    },
)
_connection = st.fixed_dictionaries(
    {"source_node_id": st.sampled_from([*NODE_IDS, "gone"]), "target_node_id": st.sampled_from([*NODE_IDS, "gone"])},
    optional={
        "connection_type": st.none() | st.sampled_from(["MAIN", "AI_TOOL", "smoke signal"]),
        "source_index": st.none() | st.integers(0, 9),
        "label": _text,
        "conditions": _json,
    },
)
documents = st.fixed_dictionaries(
    {
        "name": _text.filter(bool),
        "nodes": st.lists(_node, max_size=6),
        "connections": st.lists(_connection, max_size=6),
    },
    optional={
        "tags": st.none() | st.lists(_text, max_size=3),
        "description": st.none() | _text,
        "version": st.none() | _text,
        "settings": _object,
        "static_data": _json,
        "of our own": _json,
    },
)


# --- in the database ----------------------------------------------------------------------------------------


def state(admin: Admin) -> dict[str, list[Any]]:
    """All rows of definitions, each with the transaction that wrote it."""
    return {
        table: admin.execute(f"SELECT xmin::text, t::text FROM {table} AS t ORDER BY t::text").fetchall()
        for table in TABLES
    }


def exactly(text: str) -> Any:
    """JSON with its numbers as they are written: 1 and 1.0 differ."""
    return json.loads(text, parse_int=lambda n: f"int {n}", parse_float=lambda n: f"float {n}")


def stored(admin: Admin, workflow_id: UUID) -> Any:
    """The document of a workflow, exactly."""
    row = admin.execute("SELECT workflow_data::text FROM workflows WHERE id = %s", [workflow_id]).fetchone()
    assert row is not None
    return exactly(row[0])


def rows_of(admin: Admin, workflow_id: UUID) -> dict[str, list[Any]]:
    """The rows of a workflow's projection, exactly."""

    def fetch(table: str, order: str) -> list[Any]:
        text = f"SELECT to_jsonb(t)::text FROM {table} AS t WHERE workflow_id = %s ORDER BY {order}"
        found = [exactly(row) for [row] in admin.execute(text, [workflow_id])]
        return [{key: row[key] for key in row if key not in ("tenant_id", "workflow_id")} for row in found]

    return {
        "nodes": fetch("nodes", "ordinal"),
        "connections": fetch("node_connections", "ordinal"),
        "terms": sorted((each["kind"], each["term"]) for each in fetch("workflow_terms", "kind")),
    }


def expected(document: Any) -> tuple[dict[str, list[Any]], list[str]]:
    """The rows that a document, read by `exactly`, must have, and the paths of what has none."""
    nodes: dict[str, Any] = {}
    connections, nowhere = [], []
    terms = {("TAG", tag) for tag in document.get("tags") or []} | _name_terms(document["name"])
    for ordinal, node in enumerate(document.get("nodes") or []):
        if node["node_id"] in nodes:
            nowhere.append(f"nodes[{ordinal}]")
            continue
        nodes[node["node_id"]] = _node_row(node, ordinal)
        terms.add(("NODE_TYPE", node["node_type"]))
        terms |= {("NODE_SUBTYPE", node.get("node_subtype")), ("INTEGRATION", node.get("integration"))}
        terms |= {("CREDENTIAL", text) for text in _credential_texts(node.get("credentials") or {})}
    for ordinal, edge in enumerate(document.get("connections") or []):
        flow = edge.get("connection_type") or "MAIN"
        if not {edge["source_node_id"], edge["target_node_id"]} <= nodes.keys() or flow not in FLOWS:
            nowhere.append(f"connections[{ordinal}]")
            continue
        row = {"source_index": "int 0", "target_index": "int 0", "label": "", "conditions": None}
        row |= {key: value for key, value in edge.items() if value is not None}
        connections.append(row | {"connection_type": flow, "ordinal": f"int {ordinal}"})
    return {
        "nodes": list(nodes.values()),
        "connections": connections,
        "terms": sorted(term for term in terms if term[1]),
    }, nowhere


def _name_terms(name: str) -> set[tuple[str, str]]:
    """The name and its words, by the rule of Unicode for caseless matching; names of tests are short."""
    whole = unicodedata.normalize("NFD", name)
    for _ in range(3):
        whole = unicodedata.normalize("NFKD", whole.casefold())
    whole = " ".join(unicodedata.normalize("NFKC", whole.replace("i\u0307", "i")).split())
    kinds = [unicodedata.category(character)[0] for character in whole]
    spaced = "".join(character if kind in "LNM" else " " for character, kind in zip(whole, kinds, strict=True))
    words = {word for word in spaced.split() if any(unicodedata.category(each)[0] in "LN" for each in word)}
    return {("NAME", text) for text in {whole} | words}


def _credential_texts(credentials: Any) -> Iterator[str]:
    for kind, reference in credentials.items():
        named = [reference.get("id"), reference.get("name")] if isinstance(reference, dict) else [reference]
        yield kind
        # an integer, as `exactly` reads it, counts as its digits
        yield from (each.removeprefix("int ") for each in named if isinstance(each, str) and each[:6] != "float ")


def _node_row(node: Any, ordinal: int) -> Any:
    row = exactly(json.dumps(DEFAULTS)) | {key: value for key, value in node.items() if value is not None}
    row.pop("of our own", None)
    for key in AS_FLOAT:  # double precision: what is written does not matter, what is meant does
        row[key] = _meant(row[key])
    return row | {"ordinal": f"int {ordinal}"}


def _meant(number: str) -> float:
    return float(number.split()[1])


def with_positions(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Rows as `expected` has them: positions by value."""
    nodes = [row | {key: _meant(row[key]) for key in AS_FLOAT} for row in rows["nodes"]]
    return rows | {"nodes": nodes}
