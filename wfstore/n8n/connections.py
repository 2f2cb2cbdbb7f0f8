"""n8n's connections (by source name, type and output) and the document's (a flat list between node ids).

What a flat list cannot say stays in the document's residue, by the id of the source:

    outputs      {source: {n8n's type: outputs}}: the number of outputs, or, where one of them is no plain list of
                 targets, a list with one entry for each: [] a list, null, [[position, target], ...] a list that
                 has targets which are no edges, {"raw": value} anything else; {"raw": value} also stands for
                 outputs that are no list
    odd_sources  {source: value}: sources that are no object
    missing      {node id: name}: the ids that stand for names of no node
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wfstore.documents.findings import Finding, Severity
from wfstore.errors import InvalidDocument
from wfstore.n8n.connection_types import to_n8n, to_word
from wfstore.n8n.fields import Json, is_count, items, missing, part, residue_of, with_residue
from wfstore.n8n.node_ids import NodeIds

_MOST_OUTPUTS = 10_000  # a connection from a later one would make a list of as many


@dataclass(slots=True)
class Connections:
    """The connections of an export, as the document has them."""

    edges: list[Json] = field(default_factory=list)
    outputs: dict[str, Json] = field(default_factory=dict)
    odd_sources: Json = field(default_factory=dict)
    warnings: list[Finding] = field(default_factory=list)

    def kinds_leaving(self) -> dict[str, set[str]]:
        """Return the document's connection types that leave each node, by its id."""
        kinds: dict[str, set[str]] = {}
        for edge in self.edges:
            kinds.setdefault(edge["source_node_id"], set()).add(edge["connection_type"])
        return kinds

    def warn(self, code: str, path: str, message: str) -> None:
        """Note something that no edge of the document shows."""
        self.warnings.append(Finding(code, Severity.WARNING, path, message))


# --- from n8n -----------------------------------------------------------------------------------------------


def read(raw: Json, ids: NodeIds) -> Connections:
    """Read n8n's connections; names of no node get ids in `ids`."""
    found = Connections()
    strangers = sorted(name for name in raw if name not in ids.by_name)
    for name in (*(name for name in ids.by_name if name in raw), *strangers):
        source = ids.of(name)
        path = f"connections[{name!r}]"
        kinds = raw[name]
        if not isinstance(kinds, dict):
            found.odd_sources[source] = kinds
            found.warn("odd-connection", path, "is no object: it is kept as it is, and is no connection")
            continue
        before = len(found.edges)
        reader = _Reader(source, path, ids, found)
        in_order = sorted(kinds, key=lambda kind: (kind != "main", kind))
        found.outputs[source] = {kind: reader.outputs(kind, kinds[kind]) for kind in in_order}
        if name not in ids.by_name and len(found.edges) == before:
            found.warn("dangling-connection", path, f"there is no node of the name {name!r}")
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads what leaves one node."""

    source: str
    path: str
    ids: NodeIds
    found: Connections

    def outputs(self, kind: str, outputs: Any) -> Any:
        """Read the outputs of one of n8n's types; return what to keep of their form."""
        path = f"{self.path}[{kind!r}]"
        if not isinstance(outputs, list):
            return self._odd(outputs, path)
        shapes = [self._output(kind, index, targets, f"{path}[{index}]") for index, targets in enumerate(outputs)]
        return shapes if any(shape != [] for shape in shapes) else len(shapes)

    def _output(self, kind: str, index: int, targets: Any, path: str) -> Any:
        if targets is None:
            return None
        if not isinstance(targets, list):
            return self._odd(targets, path)
        odd = []
        for position, target in enumerate(targets):
            if isinstance(target, dict) and isinstance(target.get("node"), str):
                self.found.edges.append(_read_target(target, kind, self.source, index, self.ids))
            else:
                odd.append([position, target])
                message = "names no node: it is kept as it is, and is no connection"
                self.found.warn("odd-connection", f"{path}[{position}]", message)
        return odd

    def _odd(self, value: Any, path: str) -> Json:
        self.found.warn("odd-connection", path, "is no list: it is kept as it is, and is no connection")
        return {"raw": value}


def _read_target(target: Json, kind: str, source: str, index: int, ids: NodeIds) -> Json:
    rest = {key: value for key, value in target.items() if key != "node"}
    if rest.get("type") == kind:
        del rest["type"]
    target_index = rest.pop("index") if is_count(rest.get("index")) else 0
    edge = {
        "source_node_id": source,
        "source_index": index,
        "target_node_id": ids.of(target["node"]),
        "target_index": target_index,
        "connection_type": to_word(kind),
    }
    return with_residue(edge, {"rest": rest, "without": missing(target, ("type", "index"))})


# --- to n8n -------------------------------------------------------------------------------------------------


def write(edges: Iterable[Json], residue: Json, names: Mapping[str, str]) -> Json:
    """Return n8n's connections: of nodes by their names of now; what belongs to a node that has gone goes with it.

    Raises:
        InvalidDocument: a connection leaves a node from an output beyond the 10,000th, and beyond n8n's own.
    """
    raw: Json = {names[source]: value for source, value in part(residue, "odd_sources").items() if source in names}
    targets: dict[tuple[str, str], dict[int, list[Json]]] = {}
    for edge in edges:
        source, target = names.get(edge["source_node_id"]), names.get(edge["target_node_id"])
        if source is None or target is None:
            continue
        kind = to_n8n(edge.get("connection_type") or "MAIN")
        by_index = targets.setdefault((source, kind), {})
        by_index.setdefault(edge.get("source_index") or 0, []).append(_write_target(edge, target, kind))
    for source_id, kinds in part(residue, "outputs").items():
        if source_id in names and isinstance(kinds, dict):
            source = names[source_id]
            known = {kind: _write_outputs(shape, targets.pop((source, kind), {})) for kind, shape in kinds.items()}
            raw[source] = part(raw, source) | known
    for (source, kind), by_index in targets.items():
        raw[source] = part(raw, source) | {kind: _write_outputs(0, by_index)}
    return raw


def _write_outputs(shape: Any, targets: dict[int, list[Json]]) -> Any:
    if isinstance(shape, dict) and not targets:
        return shape.get("raw")
    shapes = shape if isinstance(shape, list) else [[]] * shape if is_count(shape) else []
    count = max(len(shapes), max(targets, default=-1) + 1)
    if count > max(len(shapes), _MOST_OUTPUTS):
        raise InvalidDocument(f"connections: one has the source_index {count - 1}, and n8n lists all outputs up to it")
    return [
        _write_output(shapes[index] if index < len(shapes) else [], targets.get(index, [])) for index in range(count)
    ]


def _write_output(shape: Any, targets: list[Json]) -> Any:
    if isinstance(shape, list):
        written: list[Any] = list(targets)
        for entry in shape:
            if isinstance(entry, list) and len(entry) == 2 and is_count(entry[0]):
                written.insert(entry[0], entry[1])
        return written
    if targets or shape is None:
        return targets or None
    return part({"shape": shape}, "shape").get("raw")


def _write_target(edge: Json, name: str, kind: str) -> Json:
    residue = residue_of(edge)
    without = items(residue, "without")
    target = part(residue, "rest") | {"node": name}
    index = edge.get("target_index") or 0
    if index or ("index" not in target and "index" not in without):
        target["index"] = index
    if "type" not in target and "type" not in without:
        target["type"] = kind
    return target
