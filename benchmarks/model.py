"""What a benchmark is made of: subjects that are measured, and rows that compare one with others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from benchmarks.bench import Bench

Unit = Literal["/s", "ms"]
Bound = Literal["at least", "at most"]


class NotRun(Exception):
    """Why a subject cannot be measured here: a peer that is not installed, a program that is not there."""


@dataclass(frozen=True)
class Subject:
    """One thing that is measured: what it is, and at how many callers or at how many rows of history."""

    name: str
    at: int | None = None

    def __str__(self) -> str:
        return self.name if self.at is None else f"{self.name}, {self.at:,}"


@dataclass(frozen=True)
class Sample:
    """One measurement, in the unit of its group: a rate per second, or milliseconds."""

    value: float
    p99_ms: float | None = None
    """99 of 100 calls took no longer."""


Measure = Callable[[], Sample]
Opened = Mapping[Subject, Measure | NotRun]


@dataclass(frozen=True)
class Row:
    """One line of the table. Without `against` the bound is an absolute one, in the group's unit."""

    name: str
    subject: Subject
    against: tuple[Subject, ...] = ()
    """The best of them counts."""
    bound: Bound = "at least"
    wanted: float | None = None
    """None: it is measured, and nothing was promised."""
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Rows that are measured together, by turns, on the same server and data."""

    name: str
    title: str
    unit: Unit
    rows: Sequence[Row]
    opening: Callable[[Bench, Collection[Subject]], AbstractContextManager[Opened]]
    """Prepares the subjects that are asked for; yields how each is measured, or why it cannot be."""
    most_rounds: int | None = None
    """For what takes long, or cannot be repeated on the same data."""
    axis: str = ""
    """What the `at` of its subjects counts; a group that has it is drawn."""

    def better(self, values: Sequence[float]) -> float:
        """The best of several values of this group."""
        return max(values) if self.unit == "/s" else min(values)


def group(
    name: str,
    title: str,
    unit: Unit,
    rows: Sequence[Row],
    opening: Callable[[Bench, Collection[Subject]], AbstractContextManager[Opened]],
    *,
    most_rounds: int | None = None,
    axis: str = "",
) -> Group:
    """Make a group; its rows are called `group.row`."""
    named = [Row(f"{name}.{row.name}", row.subject, row.against, row.bound, row.wanted, row.note) for row in rows]
    return Group(name, title, unit, named, opening, most_rounds, axis)


def prepared(wanted: Collection[Subject], handlers: Mapping[str, Callable[[int], Measure]]) -> Opened:
    """Let the handler of each subject's name prepare it for its `at` (0: it has none)."""
    found: dict[Subject, Measure | NotRun] = {}
    for subject in wanted:
        try:
            found[subject] = handlers[subject.name](subject.at or 0)
        except NotRun as reason:
            found[subject] = reason
    return found
