"""One recorded run of a workflow, read from a WfFormat 1.5 file and checked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from wfstore.errors import InvalidDocument
from wfstore.wfformat import wire
from wfstore.wfformat.decode import decode
from wfstore.wfformat.faults import named, quoted, validated
from wfstore.wfformat.schedule import schedule, whole_span

SCHEMA_VERSION = "1.5"

_SPECIFIED = "workflow.specification.tasks"
_EXECUTED = "workflow.execution.tasks"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class RuntimeSystem(_Frozen):
    """What ran the workflow: Pegasus 5.0, say."""

    name: str | None
    version: str | None


class Task(_Frozen):
    """A task and what was recorded of it; None where the file says nothing.

    `parents` and `children` are ids. Numbers are as in the file, an integer an integer. `avg_cpu` is in percent
    of one core, over 100 on several; names that end in `_bytes` count bytes.
    """

    id: str
    name: str
    parents: tuple[str, ...]
    children: tuple[str, ...]
    runtime_seconds: int | float
    program: str | None = None
    arguments: tuple[str, ...] | None = None
    machines: tuple[str, ...] | None = None
    core_count: int | float | None = None
    avg_cpu: int | float | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    memory_bytes: int | None = None
    energy_kwh: int | float | None = None
    avg_power_watts: int | float | None = None
    priority: int | float | None = None
    input_files: tuple[str, ...] | None = None
    output_files: tuple[str, ...] | None = None


class Trace(_Frozen):
    """A run: its tasks in the order of the file, when it began (UTC) and how many seconds it took.

    `created_at` is the file's own text. The makespan is the recorded one, waiting for a free machine included;
    the longest path through the durations is at most that in the traces that were published.
    """

    name: str
    description: str
    created_at: str | None
    executed_at: datetime
    makespan_seconds: int | float
    author: str | None
    runtime_system: RuntimeSystem | None
    tasks: tuple[Task, ...]

    @property
    def edge_count(self) -> int:
        """How many dependencies between tasks there are."""
        return sum(len(task.parents) for task in self.tasks)


def parse(raw: bytes) -> Trace:
    """The trace in `raw`, the unpacked bytes of a WfFormat 1.5 file.

    `InvalidDocument` names the first fault by its path in the file:
    `workflow.specification.tasks[3].parents[0]: names no task 'x'`. After `parse` the graph is sound: ids are
    unique, each edge is said at both of its ends, nothing runs in a circle, and all of it has a time.
    """
    document = decode(raw)
    _check_version(document)
    file = validated(wire.File, document)
    specified = file.workflow.specification.tasks
    executed = _by_id(file.workflow.execution.tasks, _EXECUTED)
    _check_ids(specified, executed)
    _check_edges(specified)
    tasks = tuple(_task(task, executed[task.id][1]) for task in specified)
    execution = file.workflow.execution
    schedule(tasks, execution.executed_at, where=_SPECIFIED)  # refuses circles, and times beyond all calendars
    whole_span(execution.executed_at, execution.makespan, where="workflow.execution.makespanInSeconds")
    return _trace(file, tasks)


def _check_version(document: Any) -> None:
    """Before all else: in another version nearly everything would be a fault."""
    if not isinstance(document, dict):
        raise InvalidDocument("the document: must be an object, a WfFormat 1.5 trace")
    only = f"only WfFormat {SCHEMA_VERSION} is read"
    workflow = document.get("workflow")
    if isinstance(workflow, dict) and "jobs" in workflow:
        raise InvalidDocument(f"workflow.jobs: is the layout of WfFormat 1.0 to 1.2; {only}")
    if "schemaVersion" not in document:
        raise InvalidDocument(f"schemaVersion: is missing; {only}")
    version = document["schemaVersion"]
    if version != SCHEMA_VERSION:
        shown = quoted(version) if isinstance(version, str) else named(version)
        raise InvalidDocument(f"schemaVersion: is {shown}; {only}")


def _by_id(tasks: list[Any], where: str) -> dict[str, tuple[int, Any]]:
    """The tasks by id, each with its index in the file."""
    found: dict[str, tuple[int, Any]] = {}
    for index, task in enumerate(tasks):
        if task.id in found:
            raise InvalidDocument(f"{where}[{index}].id: repeats {quoted(task.id)} of {where}[{found[task.id][0]}]")
        found[task.id] = (index, task)
    return found


def _check_ids(specified: list[wire.SpecifiedTask], executed: dict[str, tuple[int, Any]]) -> None:
    """Both sections are about the same tasks."""
    if not specified:
        raise InvalidDocument(f"{_SPECIFIED}: holds no task")
    ids = _by_id(specified, _SPECIFIED)
    for task_id, (index, _) in executed.items():
        if task_id not in ids:
            raise InvalidDocument(f"{_EXECUTED}[{index}].id: names no task {quoted(task_id)}")
    for task_id, (index, _) in ids.items():
        if task_id not in executed:
            raise InvalidDocument(f"{_SPECIFIED}[{index}].id: task {quoted(task_id)} is not in {_EXECUTED}")


def _check_edges(tasks: list[wire.SpecifiedTask]) -> None:
    """Each edge joins two tasks that are there, and stands both with its parent and with its child."""
    # In two passes: a name that is wrong would else be reported at the task that it should have been.
    ids = {task.id for task in tasks}
    for index, task in enumerate(tasks):
        _check_names(task.id, task.parents, f"{_SPECIFIED}[{index}].parents", ids)
        _check_names(task.id, task.children, f"{_SPECIFIED}[{index}].children", ids)
    parents = {task.id: set(task.parents) for task in tasks}
    children = {task.id: set(task.children) for task in tasks}
    for index, task in enumerate(tasks):
        _check_answered(task.id, task.parents, f"{_SPECIFIED}[{index}].parents", children, "children")
        _check_answered(task.id, task.children, f"{_SPECIFIED}[{index}].children", parents, "parents")


def _check_names(task_id: str, names: list[str], where: str, ids: set[str]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name not in ids:
            raise InvalidDocument(f"{where}[{index}]: names no task {quoted(name)}")
        if name == task_id:
            raise InvalidDocument(f"{where}[{index}]: task {quoted(name)} names itself")
        if name in seen:
            raise InvalidDocument(f"{where}[{index}]: names {quoted(name)} a second time")
        seen.add(name)


def _check_answered(task_id: str, names: list[str], where: str, other_side: dict[str, set[str]], listed: str) -> None:
    for index, name in enumerate(names):
        if task_id not in other_side[name]:
            raise InvalidDocument(
                f"{where}[{index}]: task {quoted(name)} does not have {quoted(task_id)} among its {listed}"
            )


def _task(specified: wire.SpecifiedTask, executed: wire.ExecutedTask) -> Task:
    command = executed.command or wire.Command()
    return Task(
        id=specified.id,
        name=specified.name,
        parents=tuple(specified.parents),
        children=tuple(specified.children),
        runtime_seconds=executed.runtime,
        program=command.program,
        arguments=_tuple(command.arguments),
        machines=_tuple(executed.machines),
        core_count=executed.core_count,
        avg_cpu=executed.avg_cpu,
        read_bytes=executed.read_bytes,
        written_bytes=executed.written_bytes,
        memory_bytes=executed.memory_bytes,
        energy_kwh=executed.energy_kwh,
        avg_power_watts=executed.avg_power_watts,
        priority=executed.priority,
        input_files=_tuple(specified.input_files),
        output_files=_tuple(specified.output_files),
    )


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _trace(file: wire.File, tasks: tuple[Task, ...]) -> Trace:
    system = file.runtime_system
    return Trace(
        name=file.name,
        description=file.description or "",
        created_at=file.created_at,
        executed_at=file.workflow.execution.executed_at,
        makespan_seconds=file.workflow.execution.makespan,
        author=file.author.name if file.author else None,
        runtime_system=RuntimeSystem(name=system.name, version=system.version) if system else None,
        tasks=tasks,
    )
