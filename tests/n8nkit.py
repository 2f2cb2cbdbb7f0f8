"""n8n exports to convert: the published ones where they lie beside the checkout, and generated ones, nasty ones too."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from wfstore.n8n import to_document, to_export

DATA = Path(__file__).parents[1] / "../shared/data/n8n"

Json = dict[str, Any]
Strategy = st.SearchStrategy[Any]


def exactly(value: Any) -> str:
    """A text that is the same only for the same JSON: 1, 1.0 and true differ, the order of keys does not matter."""
    return json.dumps(value, sort_keys=True)


def stored(document: Json) -> Json:
    """The document as it comes back: its keys in another order."""
    back: Json = json.loads(json.dumps(document, sort_keys=True))
    return back


def copied(export: Json) -> Json:
    """A copy that shares nothing."""
    return stored(export)


def there_and_back(export: Json) -> Json:
    """An export, imported and exported."""
    return to_export(stored(to_document(export).document))


def records(file: str) -> list[Json]:
    """The records of a published collection; skips where it is not there."""
    if not DATA.is_dir():
        pytest.skip("the collection of published exports is not beside this checkout (../shared/data/n8n)")
    return [json.loads(line) for line in gzip.decompress((DATA / file).read_bytes()).splitlines()]


# --- generated ----------------------------------------------------------------------------------------------

WORDS = ["A", "B", "C", "", "main", "MAIN", "meta", "n8n", "rest", "raw", "id", "name", "__proto__", "missing:A", "A 2"]
text: Strategy = st.sampled_from(WORDS) | st.text(max_size=3)
_number = st.sampled_from([0, 1, 1.0, -1, 0.5, 2**31, 2**53 + 1, 2**70, -0.0, 1e300]) | st.integers(-3, 9)
odd: Strategy = st.recursive(
    st.none() | st.booleans() | _number | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=4,
)
"""Any JSON value."""


def or_odd(usual: Strategy) -> Strategy:
    """What is usual, and now and then anything."""
    return st.one_of(usual, usual, usual, odd)


def _with_others(known: Strategy) -> Strategy:
    """Objects with a few keys more, some of which are ours."""
    return st.tuples(st.dictionaries(text, odd, max_size=2), known).map(lambda pair: pair[0] | pair[1])


KINDS = [
    "n8n-nodes-base.stickyNote",
    "n8n-nodes-base.set",
    "n8n-nodes-base.webhook",
    "@n8n/n8n-nodes-langchain.agent",
    "@n8n/n8n-nodes-langchain.toolCode",
    "n8n-nodes-x.y",
    "",
    ".",
]
_ON_ERROR = st.sampled_from(["stopWorkflow", "continueRegularOutput", "continueErrorOutput", "continue"])
_node = _with_others(
    st.fixed_dictionaries(
        {"name": text, "type": st.sampled_from(KINDS) | text},
        optional={
            "id": or_odd(text),
            "parameters": or_odd(
                st.fixed_dictionaries(
                    {},
                    optional={
                        "content": or_odd(text),
                        "width": or_odd(_number),
                        "height": odd,
                        "color": odd,
                        "operation": odd,
                        "resume": odd,
                        "of its own": odd,
                    },
                )
            ),
            "typeVersion": or_odd(_number),
            "position": or_odd(st.lists(_number, max_size=3)),
            "credentials": or_odd(st.dictionaries(text, odd, max_size=2)),
            "disabled": odd,
            "notes": or_odd(text),
            "description": odd,
            "webhookId": or_odd(text),
            "webhooks": odd,
            "onError": or_odd(_ON_ERROR),
            "continueOnFail": or_odd(st.booleans()),
            "retryOnFail": or_odd(st.booleans()),
            "maxTries": or_odd(_number),
            "waitBetweenTries": or_odd(_number),
            "node_id": odd,
            "meta": odd,
        },
    )
)
_kind = st.sampled_from(
    ["main", "ai_tool", "ai_languageModel", "MAIN", "AI_TOOL", "error", "", "n8n:", "n8n:MAIN", "raw"]
)
_target = or_odd(
    _with_others(
        st.fixed_dictionaries({"node": or_odd(text)}, optional={"type": or_odd(_kind), "index": or_odd(_number)})
    )
)
_outputs = or_odd(st.lists(or_odd(st.lists(_target, max_size=3)), max_size=4))
_connections = st.dictionaries(text, or_odd(st.dictionaries(_kind, _outputs, max_size=3)), max_size=4)
_tag = or_odd(text | _with_others(st.fixed_dictionaries({"name": or_odd(text)}, optional={"id": odd})))
nasty: Strategy = _with_others(
    st.fixed_dictionaries(
        {"nodes": st.lists(_node, max_size=6)},
        optional={
            "connections": st.none() | _connections,
            "name": or_odd(text),
            "id": odd,
            "active": or_odd(st.booleans()),
            "description": or_odd(text),
            "settings": or_odd(
                _with_others(
                    st.fixed_dictionaries({}, optional={"timezone": or_odd(text), "executionTimeout": or_odd(_number)})
                )
            ),
            "staticData": odd,
            "tags": or_odd(st.lists(_tag, max_size=4)),
            "pinData": or_odd(st.dictionaries(text, odd, max_size=4)),
            "meta": odd,
            "outputs": odd,
        },
    )
)
"""Exports that `to_document` takes, and whose every value may be of any type."""


@st.composite
def _sound(draw: st.DrawFn) -> Json:
    """An export as n8n writes it: names and ids differ, connections lead to nodes."""
    count = draw(st.integers(1, 6))
    names = [f"Node {number}" for number in range(count)]
    nodes = [
        {
            "id": f"id-{number}",
            "name": name,
            "type": draw(st.sampled_from(KINDS[1:6])),
            "typeVersion": draw(st.sampled_from([1, 2, 1.1])),
            "position": [number, -number],
            "parameters": draw(st.dictionaries(st.sampled_from("ab"), odd, max_size=2)),
        }
        for number, name in enumerate(names)
    ]
    nodes += [
        {
            "id": f"note-{number}",
            "name": f"Note {number}",
            "type": KINDS[0],
            "typeVersion": 1,
            "position": [0, 0],
            "parameters": {"content": "", "width": 10},
        }
        for number in range(draw(st.integers(0, 2)))
    ]
    target = st.fixed_dictionaries(
        {"node": st.sampled_from(names), "type": st.just("main"), "index": st.integers(0, 2)}
    )
    outputs = st.lists(st.none() | st.lists(target, max_size=3), min_size=1, max_size=3)
    return {
        "id": "abcdefghijklmnop",
        "name": "a workflow",
        "active": False,
        "nodes": draw(st.permutations(nodes)),
        "connections": {
            name: {"main": slots}
            for name, slots in draw(st.dictionaries(st.sampled_from(names), outputs, max_size=4)).items()
        },
        "pinData": {name: [{"json": {}}] for name in draw(st.sets(st.sampled_from(names)))},
        "settings": {"executionOrder": "v1"},
        "tags": [{"id": tag, "name": tag} for tag in draw(st.sets(st.sampled_from("xyz")))],
    }


sound = _sound()
