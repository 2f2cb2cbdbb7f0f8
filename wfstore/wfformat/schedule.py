"""When each task of a trace ran, derived from how long it ran and what it waited for.

All arithmetic is on whole microseconds: a sum of floats drifts, and would let a child start before its parent's
end, or a run end after its recorded end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Protocol, TypeVar

from wfstore.errors import InvalidDocument
from wfstore.wfformat.faults import quoted
from wfstore.wfformat.times import EPOCH

# Seventeen digits of a float and six places: no caller's decimal context may round them.
_EXACT = Context(prec=60)
_MICROSECONDS = Decimal(1_000_000)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST_MS = (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH) // _MILLISECOND
_SHOWN_OF_A_CYCLE = 5


class Timed(Protocol):
    """What a schedule needs of a task: its id, those of the tasks it waits for, and its duration in seconds."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def parents(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def runtime_seconds(self) -> float: ...  # noqa: D102


AnyTask = TypeVar("AnyTask", bound=Timed)


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when something ran, in Unix milliseconds."""

    start_ms: int
    end_ms: int


def topological(tasks: Sequence[AnyTask], *, where: str = "tasks") -> list[AnyTask]:
    """The tasks, each after all its parents, the roots first; `where` names them in an error.

    `InvalidDocument` where a parent is not among the tasks, or tasks wait for each other in a circle.
    """
    by_id = {task.id: task for task in tasks}
    children: dict[str, list[AnyTask]] = {task.id: [] for task in tasks}
    waiting: dict[str, int] = {}
    for task in tasks:
        waiting[task.id] = len(task.parents)
        for parent in task.parents:
            if parent not in by_id:
                raise InvalidDocument(f"{where}: task {quoted(task.id)} waits for {quoted(parent)}, which is no task")
            children[parent].append(task)
    ready = deque(task for task in tasks if not task.parents)
    ordered: list[AnyTask] = []
    while ready:
        task = ready.popleft()
        ordered.append(task)
        for child in children[task.id]:
            waiting[child.id] -= 1
            if not waiting[child.id]:
                ready.append(child)
    if len(ordered) < len(tasks):
        raise InvalidDocument(f"{where}: tasks wait for each other in a circle: {_cycle(by_id, waiting)}")
    return ordered


def schedule(tasks: Sequence[Timed], executed_at: datetime, *, where: str = "tasks") -> dict[str, Span]:
    """When each task ran, by its id: it starts when the last of its parents ends, a root at `executed_at`.

    In Unix milliseconds, rounded down: a child never starts before a parent's end, and the last end is never
    later than `executed_at` (rounded down) plus the longest path of durations. The ids come in the order of
    `topological`. `InvalidDocument` as there, and for what ends after the year 9999.
    """
    # Rounded before the durations are added: two fractions of a millisecond could otherwise make a whole one.
    begin = (executed_at - EPOCH) // _MILLISECOND * 1000
    ends: dict[str, int] = {}
    spans: dict[str, Span] = {}
    for task in topological(tasks, where=where):
        start = max((ends[parent] for parent in task.parents), default=begin)
        end = ends[task.id] = start + microseconds(task.runtime_seconds)
        if end // 1000 > _LATEST_MS:
            raise InvalidDocument(f"{where}: task {quoted(task.id)} would end after the year 9999")
        spans[task.id] = Span(start // 1000, end // 1000)
    return spans


def microseconds(seconds: float) -> int:
    """`seconds` as whole microseconds, rounded down from the decimal number that a file shows."""
    if isinstance(seconds, int):
        return seconds * 1_000_000
    return int(_EXACT.multiply(Decimal(repr(seconds)), _MICROSECONDS))


def whole_span(executed_at: datetime, makespan_seconds: float, *, where: str = "makespan_seconds") -> Span:
    """The run as it was recorded, in Unix milliseconds; `InvalidDocument` should it end after the year 9999."""
    start = (executed_at - EPOCH) // _MILLISECOND
    end = start + microseconds(makespan_seconds) // 1000
    if end > _LATEST_MS:
        raise InvalidDocument(f"{where}: would end after the year 9999")
    return Span(start, end)


def _cycle(by_id: dict[str, AnyTask], waiting: dict[str, int]) -> str:
    """The first members of one circle. Each waiting task has a waiting parent, so that going up must return."""
    current = next(name for name, count in waiting.items() if count)
    seen: dict[str, None] = {}
    while current not in seen:
        seen[current] = None
        current = next(parent for parent in by_id[current].parents if waiting[parent])
    path = list(seen)
    members = path[path.index(current) :]
    members.reverse()  # from parent to child
    shown = [quoted(name) for name in members[:_SHOWN_OF_A_CYCLE]]
    if len(members) > _SHOWN_OF_A_CYCLE:
        return f"{' → '.join(shown)} → … ({len(members):,} tasks)"
    return " → ".join([*shown, shown[0]])
