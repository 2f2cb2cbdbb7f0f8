"""Saving a workflow: the document, its version and its projection, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import wfstore
from benchmarks import measuring
from benchmarks.bench import Bench
from benchmarks.model import Measure, Opened, Row, Sample, Subject, group, prepared
from wfstore import Role, Store

ADD, REPLACE = "a new workflow, nodes", "one changed node of a workflow, nodes"
_TYPES = ("ACTION", "FLOW", "EXTERNAL_ACTION", "AI_AGENT", "TOOL")
_MOST_NODES = 14_000  # saved in a second of measuring, about


def document(nodes: int, changed: int = 0) -> dict[str, Any]:
    """A chain of so many nodes with parameters of some 300 bytes each; `changed` makes one of them another one."""
    return {
        "name": f"a chain of {nodes}",
        "nodes": [
            {
                "node_id": f"node-{i}",
                "node_type": _TYPES[i % len(_TYPES)],
                "node_subtype": f"kind-{i % 17}",
                "name": f"Node {i}",
                "position_x": 10.5 * i,
                "parameters": {
                    "url": f"https://example.org/{i}/{changed if i == 0 else 0}",
                    "body": "the quick brown fox jumps over the lazy dog " * 5,
                },
            }
            for i in range(nodes)
        ],
        "connections": [{"source_node_id": f"node-{i}", "target_node_id": f"node-{i + 1}"} for i in range(nodes - 1)],
    }


def _add(store: Store, seconds: float, nodes: int) -> Sample:
    whole = document(nodes)
    return measuring.latency(lambda: store.workflows.add(whole), _times(seconds, nodes))


def _replace(store: Store, seconds: float, nodes: int) -> Sample:
    saved = store.workflows.add(document(nodes))
    revision = saved.revision
    times = _times(seconds, nodes)
    # made before: what is measured is the saving
    changes = [document(nodes, changed) for changed in range(1, times + times // 10 + 2)]

    def save() -> None:
        nonlocal revision
        revision = store.workflows.replace(saved.id, changes.pop(), revision=revision).revision

    return measuring.latency(save, times)


def _times(seconds: float, nodes: int) -> int:
    return max(5, round(seconds * _MOST_NODES / nodes / 4))


@contextmanager
def opening(bench: Bench, wanted: Collection[Subject]) -> Iterator[Opened]:
    """Connect to an empty database."""
    with ExitStack() as stack:
        database = stack.enter_context(bench.database())
        store = stack.enter_context(wfstore.connect(bench.url(database, Role.APP)))
        seconds = bench.sizes.seconds
        measures: dict[str, Callable[[Store, float, int], Sample]] = {ADD: _add, REPLACE: _replace}

        def handler(name: str, nodes: int) -> Measure:
            return partial(measures[name], store, seconds, nodes)

        yield prepared(wanted, {name: partial(handler, name) for name in measures})


GROUP = group(
    "saving",
    "Milliseconds to save a workflow",
    "ms",
    [
        Row(f"{name}-{nodes}", Subject(what, nodes), (), "at most", wanted)
        for nodes, wanted in ((40, 5.0), (1_400, 100.0))
        for name, what in (("add", ADD), ("replace", REPLACE))
    ],
    opening,
)
