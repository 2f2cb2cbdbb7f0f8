"""How large a document may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wfstore.documents.findings import Finding, Severity

MAX_BYTES = 16 * 2**20
"""Of the document as JSON without spaces, in UTF-8: what workflow engines accept in one request."""
MAX_CONNECTIONS = 100_000
MAX_LEVELS = 254
"""Of objects and lists in each other, the document itself among them; orjson writes no more."""
MAX_NODES = 10_000
MAX_NODE_ID = 1_000
"""Bytes of a `node_id` in UTF-8: it is part of keys, and an entry of PostgreSQL's indexes holds 2,700."""

_COUNTED_LEVELS = 1_000_000


def of_size(text: bytes) -> list[Finding]:
    """Find out whether a document's JSON is too large."""
    if len(text) <= MAX_BYTES:
        return []
    return [_finding("", f"takes {len(text):,} bytes as JSON; {MAX_BYTES:,} can be saved")]


def of_counts(document: Any) -> list[Finding]:
    """Find out whether a document has too many nodes or connections; it need not have the right shape."""
    return [
        _finding(key, f"has {len(items):,} items; {most:,} can be saved")
        for key, most in (("nodes", MAX_NODES), ("connections", MAX_CONNECTIONS))
        if isinstance(document, dict) and isinstance(items := document.get(key), list) and len(items) > most
    ]


def of_node_ids(document: Any) -> Iterator[Finding]:
    """Find node ids that are too long for the keys of rows; the document need not have the right shape."""
    nodes = document.get("nodes") if isinstance(document, dict) else None
    for number, node in enumerate(nodes if isinstance(nodes, list) else ()):
        node_id = node.get("node_id") if isinstance(node, dict) else None
        if isinstance(node_id, str) and len(node_id) * 4 > MAX_NODE_ID:
            length = len(node_id.encode())
            if length > MAX_NODE_ID:
                message = f"is {length:,} bytes long; {MAX_NODE_ID:,} can be saved"
                yield _finding(f"nodes[{number}].node_id", message)


def of_depth(path: str, document: Any) -> Finding:
    """Say of a document, which is nested too deep at a path, how deep it is."""
    levels = _levels(document)
    depth = f"{levels:,} levels deep" if levels < _COUNTED_LEVELS else "without end"
    return _finding(path, f"is nested more than {MAX_LEVELS} levels deep; the document is nested {depth}")


def _levels(document: Any) -> int:
    """Count level by level, each holder of a level once: it may be its own member, or a member of many."""
    level, count = [document], 0
    while count < _COUNTED_LEVELS:
        holders = {id(value): value for value in level if isinstance(value, dict | list | tuple)}
        if not holders:
            break
        count += 1
        level = [item for each in holders.values() for item in (each.values() if isinstance(each, dict) else each)]
    return count


def _finding(path: str, message: str) -> Finding:
    return Finding("limit", Severity.ERROR, path, message)
