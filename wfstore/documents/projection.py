"""What of a document becomes rows: nodes, connections, and the terms that a workflow is found by.

The document of record keeps everything. What rows cannot hold (an edge to a node that is not there, a
connection type outside the vocabulary, a second node of one id) stays in it alone and is reported as a
warning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wfstore.documents import reading
from wfstore.documents.reading import Shape
from wfstore.errors import InvalidDocument
from wfstore.vocabulary import ConnectionType, ErrorHandling, NodeType, TermKind

_CONNECTION_TYPES = frozenset(ConnectionType)


@dataclass(frozen=True, slots=True)
class ProjectionWarning:
    """Something of a document that has no row."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(slots=True)
class Projection:
    """Rows of a document, as the parallel arrays that `nodes.upsert_many` and its like take."""

    columns: dict[str, Any]
    """What the workflow's own row repeats of its document."""
    nodes: dict[str, list[Any]]
    connections: dict[str, list[Any]]
    terms: set[tuple[TermKind, str]] = field(default_factory=set)
    warnings: list[ProjectionWarning] = field(default_factory=list)

    def term_arrays(self) -> dict[str, list[str]]:
        """Return the terms as two arrays, in a stable order."""
        ordered = sorted(self.terms)
        return {"kinds": [kind for kind, _ in ordered], "terms": [term for _, term in ordered]}


def project(document: dict[str, Any]) -> Projection:
    """Project a Workflow document.

    Raises:
        InvalidDocument: the document has not the shape of a Workflow; the message gives the path of the fault.
    """
    if not isinstance(document, dict):
        raise InvalidDocument(f"a workflow document is a JSON object, not {reading.kind(document)}")
    columns = {key: read(document, key, key) for key, read in _WORKFLOW.items()}
    projection = Projection(columns, _NODE.empty(), _CONNECTION.empty())
    projection.terms |= {(TermKind.TAG, tag) for tag in columns["tags"]}
    reading.mapping(document, "settings", "settings")
    _project_nodes(document, projection)
    _project_connections(document, projection)
    return projection


def _project_nodes(document: dict[str, Any], projection: Projection) -> None:
    seen: set[str] = set()
    for ordinal, node in enumerate(reading.items(document, "nodes", "nodes")):
        path = f"nodes[{ordinal}]"
        row = _NODE.read(node, path)
        if row["node_ids"] in seen:
            message = f"a second node of the id {row['node_ids']!r}; only the first has a row"
            projection.warnings.append(ProjectionWarning(path, message))
            continue
        seen.add(row["node_ids"])
        _NODE.append(projection.nodes, row | {"ordinals": ordinal})
        projection.terms.add((TermKind.NODE_TYPE, row["node_types"]))
        if row["node_subtypes"]:
            projection.terms.add((TermKind.NODE_SUBTYPE, row["node_subtypes"]))
        projection.terms |= {(TermKind.CREDENTIAL, name) for name in row["credentials"]}


def _project_connections(document: dict[str, Any], projection: Projection) -> None:
    there = set(projection.nodes["node_ids"])
    for ordinal, connection in enumerate(reading.items(document, "connections", "connections")):
        path = f"connections[{ordinal}]"
        row = _CONNECTION.read(connection, path)
        missing = [end for end in (row["source_node_ids"], row["target_node_ids"]) if end not in there]
        if missing:
            message = f"there is no node {missing[0]!r}; the connection has no row"
        elif row["connection_types"] not in _CONNECTION_TYPES:
            message = f"connection type {row['connection_types']!r} is not in the vocabulary; it has no row"
        else:
            _CONNECTION.append(projection.connections, row | {"ordinals": ordinal})
            continue
        projection.warnings.append(ProjectionWarning(path, message))


_WORKFLOW = {
    "name": reading.required_text,
    "description": reading.text,
    "version": reading.label,
    "tags": reading.texts,
}
_NODE = Shape(
    (
        ("node_ids", "node_id", reading.required_text),
        ("node_types", "node_type", reading.one_of(NodeType)),
        ("node_subtypes", "node_subtype", reading.text),
        ("type_versions", "type_version", reading.type_version),
        ("names", "name", reading.text),
        ("descriptions", "description", reading.text),
        ("disabled", "disabled", reading.flag),
        ("positions_x", "position_x", reading.number),
        ("positions_y", "position_y", reading.number),
        ("parameters", "parameters", reading.mapping),
        ("credentials", "credentials", reading.mapping),
        ("error_handlings", "error_handling", reading.one_of(ErrorHandling, ErrorHandling.STOP_WORKFLOW_ON_ERROR)),
        ("max_retries", "max_retries", reading.count),
        ("retry_wait_times", "retry_wait_time", reading.count),
        ("notes", "notes", reading.text),
        ("webhooks", "webhooks", reading.texts),
    )
)
_CONNECTION = Shape(
    (
        ("source_node_ids", "source_node_id", reading.required_text),
        ("source_indexes", "source_index", reading.count),
        ("target_node_ids", "target_node_id", reading.required_text),
        ("target_indexes", "target_index", reading.count),
        ("connection_types", "connection_type", reading.or_else(ConnectionType.MAIN)),
        ("labels", "label", reading.text),
        ("conditions", "conditions", reading.anything),
    )
)
