"""A Workflow document becomes an n8n export."""

from __future__ import annotations

from collections import deque
from typing import Any

from wfstore.documents.shape import faults
from wfstore.errors import InvalidDocument
from wfstore.n8n import connections, failures, fields, tags
from wfstore.n8n.fields import STICKY_NOTE, Json, items, join, part, residue_of
from wfstore.vocabulary import NodeType

SUBTYPES = {
    NodeType.TRIGGER: "n8n-nodes-base.manualTrigger",
    NodeType.AI_AGENT: "@n8n/n8n-nodes-langchain.agent",
    NodeType.EXTERNAL_ACTION: "n8n-nodes-base.httpRequest",
    NodeType.ACTION: "n8n-nodes-base.set",
    NodeType.FLOW: "n8n-nodes-base.noOp",
    NodeType.HUMAN_IN_THE_LOOP: "n8n-nodes-base.form",
    NodeType.TOOL: "@n8n/n8n-nodes-langchain.toolCode",
    NodeType.MEMORY: "@n8n/n8n-nodes-langchain.memoryBufferWindow",
}
"""n8n's type for a node that has no subtype."""


def to_export(document: Json) -> Json:
    """Convert a document that is a Workflow: of an import that was not changed, the export that it was.

    The export shares its values (parameters and the like) with the document.

    Raises:
        InvalidDocument: it has not the shape of a Workflow, or n8n cannot express it (see `connections.write`).
    """
    found = faults(document)
    if found:
        raise InvalidDocument.of(found)
    residue = residue_of(document)
    nodes = items(document, "nodes")
    strangers = {node_id: name for node_id, name in part(residue, "missing").items() if isinstance(name, str)}
    names = _names(nodes, set(strangers.values()))
    by_id: dict[str, str] = {}
    for node, name in zip(nodes, names, strict=True):
        by_id.setdefault(node["node_id"], name)

    export = join(fields.WORKFLOW, document, residue, {})
    raw_nodes = [_node(node, name) for node, name in zip(nodes, names, strict=True)]
    export["nodes"] = _in_order(document, residue, raw_nodes)
    edges = connections.write(items(document, "connections"), residue, strangers | by_id)
    if edges:
        export["connections"] = edges
    if isinstance(document.get("settings"), dict):
        settings = document["settings"]
        export["settings"] = join(fields.SETTINGS, settings, residue_of(settings), {})
    if isinstance(document.get("tags"), list):
        export["tags"] = tags.write(document["tags"], items(residue, "tags"))
    if isinstance(document.get("pin_data"), dict):
        pins = {by_id[node_id]: value for node_id, value in document["pin_data"].items() if node_id in by_id}
        export["pinData"] = part(residue, "pin_data") | pins
    return fields.completed(export, residue, fields.WORKFLOW_ALWAYS)


def _names(nodes: list[Json], strangers: set[str]) -> list[str]:
    """A name for each node that no other has: its own, where it is the first of that name."""
    taken = strangers | {node["name"] for node in nodes if node.get("name")}
    seen: set[str] = set()
    names = []
    for node in nodes:
        name = node.get("name") or part(residue_of(node), "rest").get("name")
        if not isinstance(name, str):
            name = _free(node["node_id"], taken)
        elif name in seen:
            name = _free(name, taken)
        seen.add(name)
        taken.add(name)
        names.append(name)
    return names


def _free(name: str, taken: set[str]) -> str:
    """The name, or the name and a number, as n8n does it."""
    number, candidate = 0, name
    while candidate in taken:
        number += 1
        candidate = f"{name}{number}"
    return candidate


def _in_order(document: Json, residue: Json, raw_nodes: list[Json]) -> list[Json]:
    """Nodes, notes and second nodes where n8n had them: nodes in the document's order, what is new at the end."""
    nodes = deque(raw_nodes)
    there = {node["node_id"] for node in items(document, "nodes")}
    notes = {note["annotation_id"]: note for note in items(document, "annotations")}
    seconds: dict[Any, Any] = dict(enumerate(items(residue, "seconds")))
    raw: list[Json] = []
    for entry in items(residue, "order"):
        if not isinstance(entry, str | int):
            continue
        if entry in seconds:
            raw.append(seconds.pop(entry))
        elif entry in notes:
            raw.append(_note(notes.pop(entry)))
        elif entry in there and nodes:
            raw.append(nodes.popleft())
    return [*raw, *nodes, *map(_note, notes.values()), *seconds.values()]


def _node(node: Json, name: str) -> Json:
    raw = join(fields.NODE, node | {"name": name}, residue_of(node), fields.NODE_ALWAYS)
    failures.give(node, raw)
    if "type" not in raw:
        raw["type"] = SUBTYPES[NodeType(node["node_type"])]
    return raw


def _note(annotation: Json) -> Json:
    residue = residue_of(annotation)
    raw = join(fields.ANNOTATION, annotation, residue, {})
    raw.setdefault("name", "Sticky Note")
    parameters = join(fields.ANNOTATION_PARAMETERS, annotation, {"rest": part(residue, "parameters")}, {})
    if parameters:
        raw["parameters"] = parameters
    raw = fields.completed(raw, residue, fields.ANNOTATION_ALWAYS)
    return raw | {"type": STICKY_NOTE}
