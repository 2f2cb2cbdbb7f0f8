"""The definition that `wfstore demo` imports, changes and exports: a support desk, as an n8n export.

It is made up here. `support_desk.json` has what real definitions have: a loop over attachments, branches, an AI agent
with a model, memory, tools and a parser, a step that waits for a person, an output for errors, a note on the canvas,
pinned data, and a node that nothing leads to.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("support_desk.json")

RENAMED = ("Draft an answer", "Write a reply")
"""A node's name before the change and after it."""

_TELL_THE_TEAM = {
    "node_id": "tell-the-team",
    "node_type": "EXTERNAL_ACTION",
    "node_subtype": "n8n-nodes-base.slack",
    "integration": "slack",
    "type_version": 2.3,
    "name": "Tell the team",
    "position_x": 1080,
    "position_y": 200,
    "parameters": {"select": "channel", "text": "=A draft waits for you: {{ $json.output.answer }}"},
}


def changed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with a node renamed, a parameter changed, and a branch more."""
    document = deepcopy(document)
    nodes = {node["name"]: node for node in document["nodes"]}
    nodes[RENAMED[0]]["name"] = RENAMED[1]
    nodes["Chat model"]["parameters"]["options"]["temperature"] = 0.2
    document["nodes"].append(deepcopy(_TELL_THE_TEAM))
    unsure = {"source_node_id": nodes["Is it certain?"]["node_id"], "source_index": 1}
    document["connections"].append({**unsure, "target_node_id": "tell-the-team"})
    return document


def places(export: dict[str, Any], name: str) -> Counter[str]:
    """Count where an n8n export names a node: in its nodes, its connections, its pinned data."""
    outputs = [outputs for by_type in export["connections"].values() for outputs in by_type.values()]
    targets = [edge["node"] for output in outputs for edges in output for edge in edges or ()]
    named = {
        "nodes": [node["name"] for node in export["nodes"]],
        "connections": [*export["connections"], *targets],
        "pinData": list(export.get("pinData") or ()),
    }
    return Counter({part: names.count(name) for part, names in named.items() if name in names})
