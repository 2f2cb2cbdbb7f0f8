"""What of a document becomes rows: nodes, connections, and the terms that a workflow is found by.

The document of record keeps everything. What rows cannot hold (an edge to a node that is not there, a
connection type outside the vocabulary, a second node of one id, a canvas note) stays in it alone and is
reported as a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from wfstore.errors import InvalidDocument
from wfstore.vocabulary import ConnectionType, ErrorHandling, NodeType, TermKind

_INT4 = range(0, 2**31)


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
        raise InvalidDocument(f"a workflow document is a JSON object, not {_kind(document)}")
    _text(document, "name", "name", required=True)
    projection = Projection(_NODE.empty(), _CONNECTION.empty())
    for tag in _list(document, "tags", "tags"):
        if not isinstance(tag, str):
            raise InvalidDocument(f"tags: a tag is a string, not {_kind(tag)}")
        projection.terms.add((TermKind.TAG, tag))
    _project_nodes(document, projection)
    _project_connections(document, projection)
    return projection


def _project_nodes(document: dict[str, Any], projection: Projection) -> None:
    seen: set[str] = set()
    for ordinal, node in enumerate(_list(document, "nodes", "nodes")):
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
    for ordinal, connection in enumerate(_list(document, "connections", "connections")):
        path = f"connections[{ordinal}]"
        row = _CONNECTION.read(connection, path)
        missing = [end for end in (row["source_node_ids"], row["target_node_ids"]) if end not in there]
        if missing:
            projection.warnings.append(ProjectionWarning(path, f"names no node {missing[0]!r}; it has no row"))
        elif row["connection_types"] not in set(ConnectionType):
            message = f"connection type {row['connection_types']!r} is not in the vocabulary; it has no row"
            projection.warnings.append(ProjectionWarning(path, message))
        else:
            _CONNECTION.append(projection.connections, row | {"ordinals": ordinal})


# --- reading one field --------------------------------------------------------------------------------------

_Reader = Callable[[dict[str, Any], str, str], Any]


@dataclass(frozen=True, slots=True)
class _Shape:
    """The columns of a projection: array name, key in the document, how to read it."""

    columns: tuple[tuple[str, str, _Reader], ...]

    def empty(self) -> dict[str, list[Any]]:
        return {array: [] for array in (*(column[0] for column in self.columns), "ordinals")}

    def read(self, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InvalidDocument(f"{path}: is {_kind(value)}, not an object")
        return {array: reader(value, key, f"{path}.{key}") for array, key, reader in self.columns}

    @staticmethod
    def append(arrays: dict[str, list[Any]], row: dict[str, Any]) -> None:
        for array, value in row.items():
            arrays[array].append(value)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _text(holder: dict[str, Any], key: str, path: str, *, required: bool = False) -> str:
    value = holder.get(key)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        problem = "is missing" if key not in holder else f"is {_kind(value)}, not a string"
        raise InvalidDocument(f"{path}: {problem}")
    if required and not value:
        raise InvalidDocument(f"{path}: is empty")
    return value


def _required(holder: dict[str, Any], key: str, path: str) -> str:
    return _text(holder, key, path, required=True)


def _list(holder: dict[str, Any], key: str, path: str) -> list[Any]:
    value = holder.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidDocument(f"{path}: is {_kind(value)}, not a list")
    return value


def _texts(holder: dict[str, Any], key: str, path: str) -> list[str]:
    values = _list(holder, key, path)
    for index, value in enumerate(values):
        if not isinstance(value, str):
            raise InvalidDocument(f"{path}[{index}]: is {_kind(value)}, not a string")
    return values


def _number(holder: dict[str, Any], key: str, path: str) -> float:
    value = holder.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidDocument(f"{path}: is {_kind(value)}, not a number")
    return float(value)


def _version(holder: dict[str, Any], key: str, path: str) -> Decimal:
    value = holder.get(key, 1)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidDocument(f"{path}: is {_kind(value)}, not a number")
    return Decimal(repr(value))


def _count(holder: dict[str, Any], key: str, path: str) -> int:
    value = holder.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INT4:
        raise InvalidDocument(f"{path}: must be a whole number from 0 to {_INT4[-1]}")
    return value


def _flag(holder: dict[str, Any], key: str, path: str) -> bool:
    value = holder.get(key, False)
    if not isinstance(value, bool):
        raise InvalidDocument(f"{path}: is {_kind(value)}, not a boolean")
    return value


def _object(holder: dict[str, Any], key: str, path: str) -> dict[str, Any]:
    value = holder.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidDocument(f"{path}: is {_kind(value)}, not an object")
    return value


def _anything(holder: dict[str, Any], key: str, path: str) -> Any:
    return holder.get(key)


def _one_of(words: Iterable[str], default: str | None = None) -> _Reader:
    allowed = tuple(words)

    def read(holder: dict[str, Any], key: str, path: str) -> str:
        value = holder.get(key, default)
        if value not in allowed:
            problem = "is missing" if key not in holder else f"{value!r} is unknown"
            raise InvalidDocument(f"{path}: {problem}; one of {', '.join(allowed)}")
        return str(value)

    return read


def _connection_type(holder: dict[str, Any], key: str, path: str) -> str:
    return _text(holder, key, path) or ConnectionType.MAIN


_NODE = _Shape(
    (
        ("node_ids", "node_id", _required),
        ("node_types", "node_type", _one_of(NodeType)),
        ("node_subtypes", "node_subtype", _text),
        ("type_versions", "type_version", _version),
        ("names", "name", _text),
        ("descriptions", "description", _text),
        ("disabled", "disabled", _flag),
        ("positions_x", "position_x", _number),
        ("positions_y", "position_y", _number),
        ("parameters", "parameters", _object),
        ("credentials", "credentials", _object),
        ("error_handlings", "error_handling", _one_of(ErrorHandling, ErrorHandling.STOP_WORKFLOW_ON_ERROR)),
        ("max_retries", "max_retries", _count),
        ("retry_wait_times", "retry_wait_time", _count),
        ("notes", "notes", _text),
        ("webhooks", "webhooks", _texts),
    )
)
_CONNECTION = _Shape(
    (
        ("source_node_ids", "source_node_id", _required),
        ("source_indexes", "source_index", _count),
        ("target_node_ids", "target_node_id", _required),
        ("target_indexes", "target_index", _count),
        ("connection_types", "connection_type", _connection_type),
        ("labels", "label", _text),
        ("conditions", "conditions", _anything),
    )
)
