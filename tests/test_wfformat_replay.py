"""The schedule, and the plan that a replay makes of a stored workflow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfstore.errors import InvalidDocument
from wfstore.wfformat import Task, Trace, from_document, schedule, to_document, topological

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ABSENT = object()


def task(task_id: str, parents: list[str], runtime: float) -> Task:
    return Task(id=task_id, name=task_id, parents=tuple(parents), children=(), runtime_seconds=runtime)


def trace(tasks: list[Task], makespan: float = 7) -> Trace:
    """A trace of these tasks, each told its children."""
    children: dict[str, list[str]] = {one.id: [] for one in tasks}
    for one in tasks:
        for parent in one.parents:
            children[parent].append(one.id)
    return Trace(
        name="made up",
        description="",
        created_at=None,
        executed_at=datetime(2024, 1, 1, tzinfo=UTC),
        makespan_seconds=makespan,
        author=None,
        runtime_system=None,
        tasks=tuple(one.model_copy(update={"children": tuple(children[one.id])}) for one in tasks),
    )


def diamond(makespan: float = 7) -> Trace:
    """a, then b and c, then d."""
    return trace([task("a", [], 1.5), task("b", ["a"], 0.2), task("c", ["a"], 3), task("d", ["b", "c"], 0.1)], makespan)


def test_the_schedule_of_the_diamond() -> None:
    plan = from_document(to_document(diamond()))
    start = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
    spans = {task: (span.start_ms - start, span.end_ms - start) for task, span in plan.schedule.items()}
    assert spans == {"a": (0, 1500), "b": (1500, 1700), "c": (1500, 4500), "d": (4500, 4600)}
    assert [task.id for task in plan.tasks] == ["a", "b", "c", "d"]
    assert plan.tasks[3].parents == ("b", "c")
    assert (plan.start_ms, plan.end_ms, plan.derived_makespan_ms) == (start, start + 7000, 4600)


def test_a_sum_of_decimals_does_not_drift() -> None:
    # As floats, 0.1 + 0.2 ends after 0.3, and a thousand times 0.001 before 1.
    chain = [task(str(n), [str(n - 1)] if n else [], 0.001) for n in range(1000)]
    assert schedule(chain, EPOCH)["999"].end_ms == 1000
    pair = [task("a", [], 0.1), task("b", ["a"], 0.2)]
    assert schedule(pair, EPOCH + timedelta(microseconds=999))["b"].end_ms == 300


def test_a_run_whose_tasks_outlast_its_makespan_ends_with_the_last_task() -> None:
    plan = from_document(to_document(diamond(makespan=1)))
    assert plan.end_ms - plan.start_ms == plan.derived_makespan_ms == 4600


def test_a_chain_of_a_hundred_thousand_tasks() -> None:
    count = 100_000
    chain = [task(f"t{n}", [f"t{n - 1}"] if n else [], 0) for n in reversed(range(count))]
    assert [one.id for one in topological(chain)] == [f"t{n}" for n in range(count)]
    chain[-1] = task("t0", [f"t{count - 1}"], 0)
    with pytest.raises(InvalidDocument, match=r"100,000 tasks\)$"):
        topological(chain)


RUNTIMES = st.one_of(st.integers(0, 10**6), st.floats(0, 10**6), st.sampled_from([0, 0.1, 0.2, 1e-7, 0.0005]))


@st.composite
def graphs(draw: st.DrawFn) -> list[Task]:
    """A random acyclic graph, its tasks in random order."""
    size = draw(st.integers(1, 25))
    tasks = []
    for number in range(size):
        parents = draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set()
        tasks.append(task(f"t{number}", [f"t{parent}" for parent in sorted(parents)], draw(RUNTIMES)))
    return draw(st.permutations(tasks))


@settings(deadline=None)
@given(graphs(), st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_the_schedule_of_any_graph(tasks: list[Task], begin: datetime) -> None:
    spans = schedule(tasks, begin)
    begin_ms = (begin - EPOCH) // timedelta(milliseconds=1)
    position = {one.id: place for place, one in enumerate(topological(tasks))}
    assert len(position) == len(tasks) == len(spans)
    for one in tasks:
        span = spans[one.id]
        assert begin_ms <= span.start_ms <= span.end_ms
        assert abs((span.end_ms - span.start_ms) / 1000 - one.runtime_seconds) < 0.0021
        for parent in one.parents:
            assert position[parent] < position[one.id]
            assert spans[parent].end_ms <= span.start_ms
        if not one.parents:
            assert span.start_ms == begin_ms
    longest = max(span.end_ms for span in spans.values()) - begin_ms
    assert longest <= sum(one.runtime_seconds for one in tasks) * 1000 + 1e-3


@settings(deadline=None)
@given(graphs())
def test_any_graph_goes_through_a_document(tasks: list[Task]) -> None:
    recorded = trace(tasks)
    stored = to_document(recorded)
    assert stored == to_document(recorded)
    assert len({(node["position_x"], node["position_y"]) for node in stored["nodes"]}) == len(tasks)
    plan = from_document(orjson.loads(orjson.dumps(stored)))
    assert plan.schedule == schedule(tasks, recorded.executed_at)
    assert {one.id: set(one.parents) for one in plan.tasks} == {one.id: set(one.parents) for one in tasks}


RUNTIME = "nodes.3.parameters.runtime_seconds"
STATED = "nodes[3].parameters.runtime_seconds"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (RUNTIME, ABSENT, f"{STATED}: is missing: the workflow has no recorded durations"),
        (RUNTIME, "1", f"{STATED}: must be a number, is a string"),
        (RUNTIME, -1, f"{STATED}: must not be negative, is the number -1"),
        (RUNTIME, float("nan"), f"{STATED}: must be a finite number"),
        (RUNTIME, 1e300, "connections: task 'd' would end after the year 9999"),
        ("meta", ABSENT, "meta.wfformat: is missing: the workflow was not imported from a WfFormat trace"),
        ("meta", None, "meta.wfformat: is missing: the workflow was not imported from a WfFormat trace"),
        ("meta.wfformat", [], "meta.wfformat: must be an object, is a list"),
        ("meta.wfformat.executed_at", "x", "meta.wfformat.executed_at: must be a time with its offset"),
        ("meta.wfformat.makespan_seconds", 1e300, "meta.wfformat.makespan_seconds: would end after the year 9999"),
        ("nodes", [], "nodes: holds no node"),
        ("nodes.1.node_id", "a", "nodes[1].node_id: repeats 'a'"),
        ("connections.1.source_node_id", "x", "connections[1].source_node_id: names no node 'x'"),
        ("connections.0.source_node_id", "b", "connections: tasks wait for each other in a circle: 'b' → 'b'"),
    ],
)
def test_a_workflow_that_cannot_be_replayed(path: str, value: Any, message: str) -> None:
    document: Any = to_document(diamond())
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    at = document
    for key in way:
        at = at[key]
    if value is ABSENT:
        del at[last]
    else:
        at[last] = value
    with pytest.raises(InvalidDocument) as refused:
        from_document(document)
    assert str(refused.value).startswith(message)


def test_a_workflow_with_more_connections_between_two_nodes_is_replayed() -> None:
    document = to_document(diamond())
    document["connections"].append(document["connections"][0] | {"source_index": 1})
    assert from_document(document).tasks[1].parents == ("a",)
