"""Group commit without the database: which calls that wait go into one statement, and which have to wait longer.

Both faces drive this, one with tasks, the other with threads; nothing in here waits, or locks anything. What is of one
execution is written in the order of its calls: while a statement with some of it is under way, the rest stays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

from wfstore.errors import OutcomeUnknown, WfstoreError
from wfstore.leases import ResultRow

_SMALLEST_FULL_BATCH = 32
_LARGEST_BATCH = 1_000
_MOST_CHARACTERS = 16 * 2**20
"""Of JSON in one statement, but for its last row: far below what a message of the server's protocol can hold."""


class Kind(Enum):
    """What is to be written."""

    RESULT = "node results"
    HEARTBEAT = "heartbeats"
    FINISH = "finishes"
    FAIL = "fails"
    ENQUEUE = "enqueues"

    __hash__ = object.__hash__  # there is one of each; Enum's own is a call of Python's for each look into a dict


class Answer(Protocol):
    """What a caller waits for."""

    def done(self) -> bool:
        """Whether it is there, or nobody waits for it any more."""
        ...

    def set_result(self, value: Any, /) -> None:
        """Let the call return."""
        ...

    def set_exception(self, error: Exception, /) -> None:
        """Let the call raise."""
        ...


class Entry:
    """A call that waits."""

    __slots__ = ("answer", "execution_id", "item", "lane", "number", "part", "row", "tenant_id", "weight")

    def __init__(self, item: Any, tenant_id: UUID, execution_id: UUID, answer: Any, part: Any = None) -> None:
        """Take part in statements where no other entry is of the same execution and `part`."""
        self.item = item
        self.tenant_id = tenant_id
        self.execution_id = execution_id
        self.answer = answer
        self.part = part
        self.weight = 0
        """Characters of JSON."""
        self.number = 0
        self.lane: Lane
        self.row: ResultRow
        """Of a node's result, once it is prepared."""


class Lane:
    """The calls that may share a statement: of one kind, and alike in `detail`."""

    __slots__ = ("detail", "kind", "ready")

    def __init__(self, kind: Kind, detail: Any) -> None:
        self.kind = kind
        self.detail = detail
        self.ready: deque[_Chain] = deque()
        """The executions whose next call is one of these, and of which nothing is under way."""


class _Chain:
    """What waits of one execution, in the order of the calls; it is in one lane, or under way."""

    __slots__ = ("number", "waiting")

    def __init__(self, number: int) -> None:
        self.number = number
        """The execution's id."""
        self.waiting: deque[Entry] = deque()


@dataclass(frozen=True, slots=True)
class Batch:
    """The calls of one statement."""

    lane: Lane
    entries: list[Entry]
    chains: list[_Chain]


class Grouping:
    """The calls that wait, at most `max_waiting` of them prepared; others wait outside, in their order."""

    def __init__(self, max_waiting: int, writers: int, prepare: Callable[[Kind, Entry], None]) -> None:
        """`prepare` makes an entry ready to be sent, when there is room for it; what it raises is for its caller."""
        self._room = max_waiting
        self._writers = writers
        self._prepare = prepare
        self._lanes: dict[tuple[Kind, Any], Lane] = {}
        self._chains: dict[int, _Chain] = {}  # UUIDs hash in Python, their numbers do not
        self._outside: deque[Entry] = deque()
        self._numbered = 0
        self.waiting = 0
        """Calls that are prepared and not sent."""
        self.under_way = 0
        """Calls in statements that have not ended."""

    @property
    def empty(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._chains and not self._outside

    @property
    def ready(self) -> bool:
        """Whether `take` may find something."""
        return any(lane.ready for lane in self._lanes.values())

    def add(self, kind: Kind, detail: Any, entry: Entry) -> None:
        """Take a call in, or let it wait until there is room."""
        lane = self._lanes.get((kind, detail))
        if lane is None:
            lane = self._lanes[kind, detail] = Lane(kind, detail)
        entry.lane = lane
        self._numbered += 1
        entry.number = self._numbered
        if self._outside or self.waiting >= self._room:
            self._outside.append(entry)
        else:
            self._let_in(entry)

    def take(self) -> Batch | None:
        """Take a statement's worth of calls, of the lane that has waited longest; None: there are none to be sent now.

        Of what is outstanding a writer's share, so that the others have work, too.
        """
        while True:
            lane = self._oldest()
            if lane is None:
                self._fill()  # all that was in here was given up
                if (lane := self._oldest()) is None:
                    return None
            batch = self._taken(lane)
            if not lane.ready:
                del self._lanes[lane.kind, lane.detail]
            if batch.entries:
                self.under_way += len(batch.entries)
                self._fill()
                return batch

    def first(self) -> Entry | None:
        """Return a call that `take` may take now."""
        while (lane := self._oldest()) is not None:
            for each in lane.ready:
                for entry in each.waiting:
                    if not entry.answer.done():
                        return entry
            self._taken(lane)  # all of it was given up
            self._fill()
        return None

    def done(self, batch: Batch) -> None:
        """Note that a statement has ended: what waited for its executions may go on."""
        self.under_way -= len(batch.entries)
        for each in batch.chains:
            self._go_on(each)
        self._fill()

    def leave(self) -> list[Entry]:
        """Give up what is not under way; return it."""
        left = [entry for each in self._chains.values() for entry in each.waiting]
        for each in list(self._chains.values()):
            each.waiting.clear()
        for lane in self._lanes.values():
            for each in lane.ready:
                del self._chains[each.number]
            lane.ready.clear()
        self._lanes.clear()
        left += self._outside
        self._outside.clear()
        self.waiting = 0
        return left

    def _fill(self) -> None:
        while self._outside and self.waiting < self._room:
            entry = self._outside.popleft()
            if not entry.answer.done():
                self._let_in(entry)

    def _let_in(self, entry: Entry) -> None:
        lane = entry.lane
        try:
            self._prepare(lane.kind, entry)
        except Exception as error:  # its caller's, whatever it is
            entry.answer.set_exception(error)
            return
        self.waiting += 1
        number = entry.execution_id.int
        found = self._chains.get(number)
        if found is not None:
            found.waiting.append(entry)
            return
        fresh = self._chains[number] = _Chain(number)
        fresh.waiting.append(entry)
        self._place(lane, fresh)

    def _place(self, lane: Lane, ready: _Chain) -> None:
        # the lane may have been left when it was last empty
        self._lanes.setdefault((lane.kind, lane.detail), lane).ready.append(ready)

    def _oldest(self) -> Lane | None:
        lanes = [lane for lane in self._lanes.values() if lane.ready]
        if len(lanes) <= 1:
            return lanes[0] if lanes else None
        return min(lanes, key=lambda lane: lane.ready[0].waiting[0].number)

    def _taken(self, lane: Lane) -> Batch:
        size = min(_LARGEST_BATCH, max(_SMALLEST_FULL_BATCH, (self.waiting + self.under_way) // self._writers))
        batch = Batch(lane, [], [])
        weight = 0
        while lane.ready and len(batch.entries) < size and weight < _MOST_CHARACTERS:
            each = lane.ready.popleft()
            before = len(batch.entries)
            for entry in self._leading(each, lane):
                batch.entries.append(entry)
                weight += entry.weight
                if len(batch.entries) >= size or weight >= _MOST_CHARACTERS:
                    break
            if len(batch.entries) > before:
                batch.chains.append(each)
            else:  # all that it had for this lane was given up
                self._go_on(each)
        return batch

    def _leading(self, each: _Chain, lane: Lane) -> Iterator[Entry]:
        """Take from an execution what may share a statement of this lane; what was given up goes."""
        parts = set()
        waiting = each.waiting
        while waiting:
            entry = waiting[0]
            given_up = entry.answer.done()
            if not given_up and (entry.lane.kind is not lane.kind or entry.lane.detail != lane.detail):
                return
            if not given_up and entry.part in parts:
                return
            waiting.popleft()
            self.waiting -= 1
            if not given_up:
                parts.add(entry.part)
                yield entry

    def _go_on(self, each: _Chain) -> None:
        if each.waiting:
            self._place(each.waiting[0].lane, each)
        else:
            del self._chains[each.number]


def settle(batch: Batch, outcomes: list[Any]) -> None:
    """Tell each caller of a statement what became of its call: an error is raised, anything else returned."""
    for entry, outcome in zip(batch.entries, outcomes, strict=True):
        answer = entry.answer
        if answer.done():  # its caller has given up
            continue
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)


def refuse_all(entries: list[Entry], make: Callable[[], WfstoreError]) -> None:
    """Let calls raise, each an error of its own."""
    for entry in entries:
        if not entry.answer.done():
            entry.answer.set_exception(make())


def not_open() -> WfstoreError:
    """Make the error of a call that came too early or too late."""
    return WfstoreError(
        "the group writer is not open; nothing was written",
        hint="Call it inside its block: (async) with the writer, whose end waits for what was handed in.",
    )


def cut_off() -> OutcomeUnknown:
    """Make the error of a call whose statement was given up half-way."""
    return OutcomeUnknown(
        "the group writer was closed while the call was on its way",
        hint="It may or may not have been written; read before you repeat it. To record a result again is safe.",
    )
