"""What of a document becomes rows: nodes, connections, and the terms that a workflow is found by.

The document of record keeps everything. What rows cannot hold (an edge to a node that is not there, a
connection type outside the vocabulary, a second node of one id, a note on the canvas) stays in it alone:
`structure` says so, here it is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from wfstore.documents import terms
from wfstore.vocabulary import ConnectionType, ErrorHandling, TermKind

_CONNECTION_TYPES = frozenset(ConnectionType)


class _Column(NamedTuple):
    """One array of a projection: from which key, what for null or nothing, and how it is converted."""

    array: str
    key: str
    default: Any = ""
    convert: Callable[[Any], Any] | None = None


@dataclass(slots=True)
class Projection:
    """Rows of a document, as the parallel arrays that `nodes.upsert_many` and its like take."""

    columns: dict[str, Any]
    """What the workflow's own row repeats of its document."""
    nodes: dict[str, list[Any]]
    connections: dict[str, list[Any]]
    terms: set[tuple[TermKind, str]] = field(default_factory=set)

    def term_arrays(self) -> dict[str, list[str]]:
        """Return the terms as two arrays, in a stable order."""
        ordered = sorted(self.terms)
        return {"kinds": [kind for kind, _ in ordered], "terms": [term for _, term in ordered]}


def project(document: dict[str, Any]) -> Projection:
    """Project a Workflow document in which `shape.faults` has found nothing."""
    projection = Projection(_read(_WORKFLOW, document), _empty(_NODE), _empty(_CONNECTION))
    projection.terms.update(terms.of_workflow(document))
    there = _project_nodes(document.get("nodes") or (), projection)
    _project_connections(document.get("connections") or (), projection, there)
    return projection


def _project_nodes(nodes: Iterable[dict[str, Any]], projection: Projection) -> set[str]:
    there: set[str] = set()
    for ordinal, node in enumerate(nodes):
        if node["node_id"] not in there:
            there.add(node["node_id"])
            _append(projection.nodes, _read(_NODE, node), ordinal)
            projection.terms.update(terms.of_node(node))
    return there


def _project_connections(connections: Iterable[dict[str, Any]], projection: Projection, there: set[str]) -> None:
    for ordinal, connection in enumerate(connections):
        row = _read(_CONNECTION, connection)
        if (
            row["connection_types"] in _CONNECTION_TYPES
            and row["source_node_ids"] in there
            and row["target_node_ids"] in there
        ):
            _append(projection.connections, row, ordinal)


def _empty(columns: tuple[_Column, ...]) -> dict[str, list[Any]]:
    return {array: [] for array in (*(column.array for column in columns), "ordinals")}


def _read(columns: tuple[_Column, ...], holder: dict[str, Any]) -> dict[str, Any]:
    row = {}
    for array, key, default, convert in columns:
        value = holder.get(key)
        if value is None:
            value = default
        row[array] = value if convert is None else convert(value)
    return row


def _append(arrays: dict[str, list[Any]], row: dict[str, Any], ordinal: int) -> None:
    for array, value in row.items():
        arrays[array].append(value)
    arrays["ordinals"].append(ordinal)


def _as_written(number: float) -> Decimal:
    return Decimal(repr(number))


_WORKFLOW = (
    _Column("name", "name"),
    _Column("description", "description"),
    _Column("version", "version"),
    _Column("tags", "tags", []),
)
_NODE = (
    _Column("node_ids", "node_id"),
    _Column("node_types", "node_type"),
    _Column("node_subtypes", "node_subtype"),
    _Column("integrations", "integration"),
    _Column("type_versions", "type_version", 1, _as_written),
    _Column("names", "name"),
    _Column("descriptions", "description"),
    _Column("disabled", "disabled", False),
    _Column("positions_x", "position_x", 0, float),
    _Column("positions_y", "position_y", 0, float),
    _Column("parameters", "parameters", {}),
    _Column("credentials", "credentials", {}),
    _Column("error_handlings", "error_handling", ErrorHandling.STOP_WORKFLOW_ON_ERROR),
    _Column("max_retries", "max_retries", 0),
    _Column("retry_wait_times", "retry_wait_time", 0),
    _Column("notes", "notes"),
    _Column("webhooks", "webhooks", []),
)
_CONNECTION = (
    _Column("source_node_ids", "source_node_id"),
    _Column("source_indexes", "source_index", 0),
    _Column("target_node_ids", "target_node_id"),
    _Column("target_indexes", "target_index", 0),
    _Column("connection_types", "connection_type", ConnectionType.MAIN, lambda word: word or ConnectionType.MAIN),
    _Column("labels", "label"),
    _Column("conditions", "conditions", None),
)
