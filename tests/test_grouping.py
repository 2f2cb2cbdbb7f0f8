"""Which calls share a statement: random calls, statements that end in any order, callers that give up, no room."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfstore.errors import InvalidInput, WfstoreError
from wfstore.grouping import Batch, Entry, Grouping, Kind, not_open, refuse_all, settle

TENANT = UUID(int=1)


class Caller:
    """An answer that notes what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.gave_up = False

    def done(self) -> bool:
        return self.gave_up or bool(self.told)

    def set_result(self, value: Any, /) -> None:
        self.told.append(value)

    def set_exception(self, error: Exception, /) -> None:
        self.told.append(error)


class Desk:
    """A grouping, and what it must keep to whatever is done with it."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.grouping = Grouping(room, 2, self.prepare)
        self.entries: list[Entry] = []
        self.prepared: list[Entry] = []
        self.sent: list[Entry] = []
        self.under_way: list[Batch] = []

    def prepare(self, kind: Kind, entry: Entry) -> None:
        assert entry not in self.prepared
        if entry.item == "bad":
            raise InvalidInput("bad")
        self.prepared.append(entry)

    def call(self, kind: Kind, execution: int, part: int, item: str = "good") -> Entry:
        entry = Entry(item, TENANT, UUID(int=execution), Caller(), part if kind is Kind.RESULT else None)
        self.entries.append(entry)
        self.grouping.add(kind, None, entry)
        self.check()
        return entry

    def take(self) -> bool:
        first = self.grouping.first()
        batch = self.grouping.take()
        assert (first is None) == (batch is None)
        if batch is None:
            assert self.under_way or not self.unsent()
            return False
        assert batch.entries
        assert len({(each.execution_id, each.part) for each in batch.entries}) == len(batch.entries)
        assert {each.lane.kind for each in batch.entries} == {batch.lane.kind}
        assert not any(each.answer.done() for each in batch.entries)
        executions = {each.execution_id for each in batch.entries}
        for other in self.under_way:
            assert executions.isdisjoint(each.execution_id for each in other.entries)
        self.sent += batch.entries
        self.under_way.append(batch)
        self.check()
        return True

    def end(self, place: int) -> None:
        batch = self.under_way.pop(place % len(self.under_way))
        settle(batch, [None] * len(batch.entries))
        self.grouping.done(batch)
        self.check()

    def unsent(self) -> list[Entry]:
        return [each for each in self.entries if not each.answer.done() and each not in self.sent]

    def check(self) -> None:
        assert self.grouping.waiting <= self.room
        assert self.grouping.under_way == sum(len(batch.entries) for batch in self.under_way)
        assert len(self.prepared) - len(self.sent) <= self.room + sum(each.answer.gave_up for each in self.entries)

    def check_order(self) -> None:
        """What was sent of an execution was sent in the order of its calls; and nothing twice."""
        for execution in {each.execution_id for each in self.entries}:
            order = [self.entries.index(each) for each in self.sent if each.execution_id == execution]
            assert order == sorted(set(order))


calls = st.tuples(
    st.just("call"),
    st.sampled_from([*[Kind.RESULT] * 3, *Kind]),
    st.integers(1, 5),
    st.integers(0, 3),
    st.sampled_from(["good"] * 9 + ["bad"]),
)
steps = st.one_of(
    calls,
    calls,
    st.tuples(st.just("take")),
    st.tuples(st.just("end"), st.integers(0, 9)),
    st.tuples(st.just("give up"), st.integers(0, 99)),
)


def play(desk: Desk, script: list[tuple[Any, ...]]) -> None:
    for step in script:
        match step:
            case ("call", kind, execution, part, item):
                desk.call(kind, execution, part, item)
            case ("take",):
                desk.take()
            case ("end", place) if desk.under_way:
                desk.end(place)
            case ("give up", place) if left := desk.unsent():
                left[place % len(left)].answer.gave_up = True


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.integers(1, 8), st.lists(steps, max_size=60))
def test_every_call_is_sent_once_in_the_order_of_its_execution(room: int, script: list[tuple[Any, ...]]) -> None:
    desk = Desk(room)
    play(desk, script)
    while desk.take() or desk.under_way:
        if desk.under_way:
            desk.end(0)
    desk.check_order()
    assert desk.grouping.empty
    assert desk.grouping.waiting == 0
    for entry in desk.entries:
        if entry in desk.sent:
            # one may be sent and given up, but never told twice
            assert entry.answer.told == [None]
        elif entry.answer.told:
            assert entry.item == "bad"
            assert isinstance(entry.answer.told[0], InvalidInput)
        else:
            assert entry.answer.gave_up


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.integers(1, 8), st.lists(steps, max_size=60))
def test_who_leaves_takes_along_what_is_not_under_way(room: int, script: list[tuple[Any, ...]]) -> None:
    desk = Desk(room)
    play(desk, script)
    unsent = desk.unsent()
    left = desk.grouping.leave()
    refuse_all(left, not_open)
    assert all(type(each.answer.told[0]) is WfstoreError for each in unsent)
    assert not desk.take()
    while desk.under_way:
        desk.end(0)
    assert desk.grouping.empty


def test_two_writers_share_a_crowd() -> None:
    desk = Desk(1_000)
    for execution in range(400):
        desk.call(Kind.RESULT, execution, 0)
    while desk.take():
        pass
    sizes = [len(batch.entries) for batch in desk.under_way]
    assert sizes[:2] == [200, 200], "each takes half of what is outstanding"


def test_results_of_one_execution_share_a_statement_and_its_end_comes_after() -> None:
    desk = Desk(100)
    for part in range(20):
        desk.call(Kind.RESULT, 1, part)
    desk.call(Kind.FINISH, 1, 0)
    assert desk.take()
    assert not desk.take(), "the end waits for the results"
    desk.end(0)
    assert desk.take()
    assert [len(batch.entries) for batch in desk.under_way] == [1]


def test_no_kind_waits_for_ever_behind_another() -> None:
    desk = Desk(1_000)
    finish = desk.call(Kind.FINISH, 1, 0)
    for execution in range(2, 200):
        desk.call(Kind.RESULT, execution, 0)
    assert desk.take()
    assert desk.sent == [finish], "the oldest call goes first"


def test_large_rows_make_small_statements() -> None:
    desk = Desk(1_000)
    for execution in range(20):
        desk.call(Kind.RESULT, execution, 0).weight = 4 * 2**20
    while desk.take():
        pass
    assert [len(batch.entries) for batch in desk.under_way] == [4] * 5


@pytest.mark.parametrize("kind", [Kind.HEARTBEAT, Kind.FINISH, Kind.FAIL, Kind.ENQUEUE])
def test_an_execution_is_in_a_statement_once(kind: Kind) -> None:
    desk = Desk(10)
    for _ in range(3):
        desk.call(kind, 1, 0)
    for _ in range(3):
        assert desk.take()
        assert not desk.take()
        desk.end(0)
    assert desk.grouping.empty
