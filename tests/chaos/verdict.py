"""What must hold afterwards, by what the workers have said and by what is stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.journal import read
from tests.chaos.workload import CHILDREN, LIMITS, Planned
from tests.queue_model_invariants import broken

_MANY = 10
_SIGNALS = "SELECT execution_id::text, consumed_by, payload FROM execution_signals"


def judge(admin: psycopg.Connection[Any], plans: Iterable[Planned], folder: Path) -> tuple[list[str], dict[str, int]]:
    """Return what is wrong, and how much there was of everything."""
    said = list(read(folder))
    executions = {
        execution_id: (status, parent, metadata)
        for execution_id, status, parent, metadata in admin.execute(
            "SELECT execution_id::text, status, parent_execution_id::text, metadata FROM workflow_executions"
        )
    }
    stored = {
        (execution_id, node): output
        for execution_id, node, output in admin.execute(
            "SELECT execution_id::text, node_id, output_data FROM node_executions WHERE status = 'SUCCESS'"
        )
    }
    planned = {str(each.execution_id): each for each in plans}
    faults = [
        *broken(admin),
        *_not_ended(admin, executions, planned),
        *_results(said, stored),
        *_nodes(executions, stored),
        *_signals(admin, planned, stored),
        *_leases(said),
    ]
    figures = {
        "executions": len(executions),
        "results": len(stored),
        "acknowledged": len({(each["execution"], each["node"]) for each in said if each["what"] == "ack"}),
        "signals": sum(each.facts["kind"] == "signal" for each in planned.values()),
        "children": sum(parent is not None for _, parent, _ in executions.values()),
        "leases": len({(each["execution"], each["attempt"]) for each in said if each["what"] == "holds"}),
    }
    return faults, figures


def _some(faults: Iterable[str]) -> Iterator[str]:
    """The first of many of one kind, and how many there are."""
    listed = list(faults)
    yield from listed[:_MANY]
    if len(listed) > _MANY:
        yield f"... and {len(listed) - _MANY} more of these"


def _not_ended(
    admin: psycopg.Connection[Any], executions: Mapping[str, Any], planned: Mapping[str, Planned]
) -> Iterator[str]:
    yield from _some(f"{each} was enqueued and is not there" for each in planned if each not in executions)
    yield from _some(f"{each} is {status}" for each, (status, *_) in executions.items() if status != "SUCCESS")
    [[letters]] = admin.execute("SELECT count(*) FROM dead_letters").fetchall()
    if letters:
        yield f"{letters} dead letters"
    children = Counter(parent for _, parent, _ in executions.values() if parent is not None)
    for each, plan in planned.items():
        expected = CHILDREN if plan.facts["kind"] == "children" else 0
        if children[each] != expected:
            yield f"{each} has {children[each]} children, not {expected}"


def _results(said: Iterable[Mapping[str, Any]], stored: Mapping[tuple[str, str], Any]) -> Iterator[str]:
    def wrong() -> Iterator[str]:
        for each in said:
            if each["what"] != "ack":
                continue
            output = stored.get((each["execution"], each["node"]))
            if output is None:
                yield f"acknowledged and gone: {each['execution']} {each['node']}"
            elif output["nonce"] != each["nonce"]:
                yield f"acknowledged and not what is stored: {each['execution']} {each['node']}"

    yield from _some(wrong())


def _nodes(executions: Mapping[str, Any], stored: Mapping[tuple[str, str], Any]) -> Iterator[str]:
    """Each node has one result: the key sees to it that there are no two, the nonce that it is whole."""

    def missing() -> Iterator[str]:
        for each, (_, _, metadata) in executions.items():
            for place in range(metadata["nodes"]):
                if "nonce" not in stored.get((each, f"n{place}"), {}):
                    yield f"no result of {each} n{place}"

    yield from _some(missing())


def _signals(
    admin: psycopg.Connection[Any], planned: Mapping[str, Planned], stored: Mapping[tuple[str, str], Any]
) -> Iterator[str]:
    sent = defaultdict(list)
    for execution_id, consumed_by, payload in admin.execute(_SIGNALS):
        sent[execution_id].append((consumed_by, payload))
    for each, plan in planned.items():
        expected = 1 if plan.facts["kind"] == "signal" else 0
        if len(sent[each]) != expected:
            yield f"{each} has {len(sent[each])} signals, not {expected}"
        for consumed_by, payload in sent[each]:
            output = stored.get((each, f"n{plan.facts['at']}"), {})
            if consumed_by is None or output.get("signal") != payload:
                yield f"the signal of {each}: {payload} was taken by {consumed_by}, whose result is {output}"


def _leases(said: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """At no time are there two valid leases of one execution, or more of one key than its limit.

    A lease is valid from when its claim returned until it ends, or until its worker begins to give it back.
    """
    spans: dict[tuple[str, int], dict[str, Any]] = {}
    for each in said:
        if each["what"] == "holds":
            span = spans.setdefault((each["execution"], each["attempt"]), {"begin": each["at"], "key": each["key"]})
            span["end"] = max(span.get("end", 0), each["until"])
        elif each["what"] == "leaves":
            span = spans[each["execution"], each["attempt"]]
            span["left"] = min(span.get("left", each["at"]), each["at"])
    together: dict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    for (execution, _), span in spans.items():
        end = min(span["end"], span.get("left", span["end"]))
        if end > span["begin"]:
            for what in [("execution", execution), *([("key", span["key"])] if span["key"] else [])]:
                together[what] += [(span["begin"], 1), (end, -1)]
    yield from _some(_exceeded(together))


def _exceeded(together: Mapping[tuple[str, str], list[tuple[float, int]]]) -> Iterator[str]:
    for (what, name), changes in together.items():
        limit = LIMITS[name] if what == "key" else 1
        held = 0
        for at, change in sorted(changes):
            held += change
            if held > limit:
                yield f"{what} {name} has {held} valid leases at {at:.3f}, not {limit}"
                break
