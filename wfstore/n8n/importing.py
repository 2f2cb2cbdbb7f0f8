"""An n8n export becomes a Workflow document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from wfstore.documents.findings import Finding, Severity
from wfstore.errors import InvalidDocument
from wfstore.n8n import connections, failures, fields, node_ids, tags
from wfstore.n8n.fields import STICKY_NOTE, Json, missing, split, with_residue
from wfstore.n8n.integrations import integration
from wfstore.n8n.node_ids import NodeIds
from wfstore.n8n.node_types import node_type

NAMELESS = "Untitled workflow"


@dataclass(frozen=True, slots=True)
class Converted:
    """An export as a document."""

    document: Json
    """Shares its values (parameters and the like) with the export."""
    warnings: list[Finding]
    """What has no place among the document's nodes and connections; paths are those of the export."""


@dataclass(slots=True)
class _Parts:
    """The nodes of an export by what becomes of them, each with its place in n8n's list."""

    nodes: list[Json] = field(default_factory=list)
    notes: list[Json] = field(default_factory=list)
    seconds: list[Json] = field(default_factory=list)
    order: list[tuple[str, int]] = field(default_factory=list)
    """Kind and index in the list of that kind."""
    warnings: list[Finding] = field(default_factory=list)

    def warn(self, code: str, path: str, message: str) -> None:
        """Note something that the document's nodes do not show."""
        self.warnings.append(Finding(code, Severity.WARNING, path, message))


def to_document(export: Json, *, previous: Json | None = None, fallback_name: str = "") -> Converted:
    """Convert an n8n export.

    Args:
        export: one JSON object; it is not changed.
        previous: the document of the workflow's last revision: nodes keep the ids that they have there.
        fallback_name: what to call a workflow that has no name, and had none before; it is not exported.

    Raises:
        InvalidDocument: it is no n8n workflow; the message gives the path of the fault.
    """
    parts = _sort_out(_checked(export))
    ids, note_ids = _identify(export["nodes"], parts, previous)
    raw_connections = export.get("connections")
    found = connections.read(raw_connections if raw_connections is not None else {}, ids)
    kinds = found.kinds_leaving()

    document, residue = _workflow(export, _given_name(previous) or fallback_name or NAMELESS, ids)
    document["nodes"] = [
        _node(raw, node_id, kinds.get(node_id, set()))
        for raw, node_id in zip(parts.nodes, ids.by_name.values(), strict=True)
    ]
    document["connections"] = found.edges
    if parts.notes:
        document["annotations"] = [
            _annotation(raw, note_id) for raw, note_id in zip(parts.notes, note_ids, strict=True)
        ]
    residue |= {
        "outputs": found.outputs,
        "odd_sources": found.odd_sources,
        "missing": {node_id: name for name, node_id in ids.missing.items()},
        "seconds": parts.seconds,
        "order": _order(parts.order, list(ids.by_name.values()), note_ids),
    }
    warnings = parts.warnings + found.warnings + _stray_pins(residue.get("pin_data", {}))
    return Converted(with_residue(document, residue), warnings)


# --- what it must be ----------------------------------------------------------------------------------------


def _checked(export: Any) -> list[Any]:
    _require(export, dict, "the export", "an object")
    if "nodes" not in export:
        raise InvalidDocument("nodes: is missing", hint="an n8n workflow is an object with `nodes` and `connections`")
    _require(export["nodes"], list, "nodes", "a list")
    if export.get("connections") is not None:
        _require(export["connections"], dict, "connections", "an object")
    for index, node in enumerate(export["nodes"]):
        _require(node, dict, f"nodes[{index}]", "an object")
        for key in ("name", "type"):
            if key not in node:
                raise InvalidDocument(f"nodes[{index}].{key}: is missing")
            _require(node[key], str, f"nodes[{index}].{key}", "a string")
    return list(export["nodes"])


def _require(value: Any, kind: type, path: str, expected: str) -> None:
    if not isinstance(value, kind):
        names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
        raise InvalidDocument(f"{path}: is {names.get(type(value), 'a number')}, not {expected}")


def _sort_out(nodes: list[Json]) -> _Parts:
    parts = _Parts()
    names: set[str] = set()
    ids = Counter(raw["id"] for raw in nodes if isinstance(raw.get("id"), str) and raw["id"])
    for index, raw in enumerate(nodes):
        if isinstance(raw.get("id"), str) and ids[raw["id"]] > 1:
            message = f"has an id that {ids[raw['id']]} nodes have, {raw['id']!r}: it is known by its name"
            parts.warn("duplicate-node-id", f"nodes[{index}]", message)
        if raw["type"] == STICKY_NOTE:
            kind, holders = "note", parts.notes
        elif raw["name"] in names:
            kind, holders = "second", parts.seconds
            message = f"is a second node of the name {raw['name']!r}: it is kept as it is, and is no node"
            parts.warn("duplicate-node-name", f"nodes[{index}]", message)
        else:
            kind, holders = "node", parts.nodes
            names.add(raw["name"])
        parts.order.append((kind, len(holders)))
        holders.append(raw)
    if parts.notes:
        message = f"{len(parts.notes)} of them are notes on the canvas: annotations, and no nodes"
        parts.warn("canvas-notes", "nodes", message)
    return parts


# --- its levels ---------------------------------------------------------------------------------------------


def _identify(nodes: list[Json], parts: _Parts, previous: Json | None) -> tuple[NodeIds, list[str]]:
    ids = NodeIds(node_ids.usable_ids(nodes))
    chosen = node_ids.recognise(parts.nodes, node_ids.known(previous, "nodes", "node_id"), ids)
    chosen_notes = node_ids.recognise(parts.notes, node_ids.known(previous, "annotations", "annotation_id"), ids)
    of_nodes = node_ids.complete(parts.nodes, chosen, "node", ids)
    ids.by_name = {raw["name"]: node_id for raw, node_id in zip(parts.nodes, of_nodes, strict=True)}
    return ids, node_ids.complete(parts.notes, chosen_notes, "note", ids)


def _workflow(export: Json, fallback_name: str, ids: NodeIds) -> tuple[Json, Json]:
    document, rest = split(fields.WORKFLOW, export)
    del rest["nodes"]
    residue: Json = {"rest": rest, "without": missing(export, fields.WORKFLOW_ALWAYS)}
    if rest.get("connections") is not None:
        del rest["connections"]
    if "name" not in document:
        document["name"] = fallback_name
        residue["filled"] = {"name": fallback_name}
    if isinstance(rest.get("tags"), list):
        document["tags"], residue["tags"] = tags.read(rest.pop("tags"))
    if isinstance(rest.get("settings"), dict):
        settings, others = split(fields.SETTINGS, rest.pop("settings"))
        document["settings"] = with_residue(settings, {"rest": others})
    if isinstance(rest.get("pinData"), dict):
        pins = rest.pop("pinData")
        document["pin_data"] = {node_id: pins[name] for name, node_id in ids.by_name.items() if name in pins}
        residue["pin_data"] = {name: value for name, value in pins.items() if name not in ids.by_name}
    return document, residue


def _given_name(previous: Json | None) -> str:
    """The name that an importer gave the last revision; empty where it had one, or was given another since."""
    name = (previous or {}).get("name")
    return name if isinstance(name, str) and fields.filled_with(previous or {}, "name") == name else ""


def _node(raw: Json, node_id: str, kinds: set[str]) -> Json:
    given, rest = split(fields.NODE, raw)
    given |= failures.take(rest)
    kind = node_type(raw, kinds)
    node: Json = {"node_type": kind.value}
    service = integration(raw, kind)
    if service:
        node["integration"] = service
    residue = {"rest": rest, "without": missing(raw, fields.NODE_ALWAYS)}
    return _with_id(node | given, residue, "node_id", node_id)


def _annotation(raw: Json, annotation_id: str) -> Json:
    given, rest = split(fields.ANNOTATION, raw)
    del rest["type"]
    residue = {"rest": rest, "without": missing(raw, fields.ANNOTATION_ALWAYS)}
    if isinstance(rest.get("parameters"), dict):
        texts, residue["parameters"] = split(fields.ANNOTATION_PARAMETERS, rest.pop("parameters"))
        given |= texts
    version = rest.get("typeVersion")
    if type(version) is int and version == fields.ANNOTATION_ALWAYS["typeVersion"]:
        del rest["typeVersion"]
    return _with_id(given, residue, "annotation_id", annotation_id)


def _with_id(given: Json, residue: Json, id_field: str, node_id: str) -> Json:
    """The node with its id; where that is not n8n's, the residue says so and keeps n8n's."""
    own = given.get(id_field)
    if own != node_id:
        residue["filled"] = {id_field: node_id}
        if own is not None:
            residue["rest"]["id"] = own
    return with_residue(given | {id_field: node_id}, residue)


def _order(order: list[tuple[str, int]], nodes: list[str], notes: list[str]) -> list[str | int]:
    """The ids in n8n's order, a second node of a name by its number; empty where it is nodes, notes, seconds."""
    rank = {"node": 0, "note": 1, "second": 2}
    if order == sorted(order, key=lambda place: (rank[place[0]], place[1])):
        return []
    by_kind: dict[str, list[Any]] = {"node": nodes, "note": notes, "second": list(range(len(order)))}
    return [by_kind[kind][index] for kind, index in order]


def _stray_pins(strays: Json) -> list[Finding]:
    return [
        Finding("stray-pin-data", Severity.WARNING, f"pinData[{name!r}]", "is of no node: it is kept as it is")
        for name in sorted(strays)
    ]
