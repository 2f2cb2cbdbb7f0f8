"""Group commit for threads, without a thread of its own: one of those that wait writes for the others.

Each caller returns only when its own row is durable. A caller who finds a writer's place free writes what is there, its
own row among it, and hands its place to one of those who came meanwhile: a lone caller costs what a direct call costs.
A row that the database refuses fails its own caller, not those it shared a statement with. What is of one execution is
written in the order of its calls.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from wfstore.grouping import Batch, Entry, Kind, cut_off, not_open, refuse_all, settle
from wfstore.sync.grouped import GroupCalls
from wfstore.sync.store import Store


class _Answer:
    """What a thread waits for: its answer, or that it is to write for the others. Told under the writer's mutex.

    Answers of one statement are linked, and each thread that has its own wakes the next. All woken at once would
    only wait again, for the interpreter's lock, on every core: that took twice the time for each.
    """

    __slots__ = ("_bell", "_done", "error", "is_heir", "next", "value")

    def __init__(self) -> None:
        self._bell = threading.Lock()
        self._bell.acquire()
        self._done = False
        self.is_heir = False
        """Whether a writer's place was handed to this thread, until it has written."""
        self.next: _Answer | None = None
        """Whose thread this one wakes when it goes."""
        self.value: Any = None
        self.error: Exception | None = None

    def done(self) -> bool:
        return self._done

    def set_result(self, value: Any, /) -> None:
        """Let the call return, once its thread is woken: by the one before it."""
        self.value = value
        self.give_up()

    def set_exception(self, error: Exception, /) -> None:
        self.error = error
        self.give_up()
        self.ring()

    def appoint(self) -> None:
        """Hand a writer's place to the thread."""
        self.is_heir = True
        self.ring()

    def give_up(self) -> None:
        """Let nobody wait any more."""
        self._done = True

    def wait(self) -> None:
        """Wait until something was told."""
        self._bell.acquire()

    def ring(self) -> None:
        """Wake the thread."""
        if self._bell.locked():  # else it has not heard the last one yet
            self._bell.release()


def _linked(batch: Batch) -> _Answer | None:
    """Let each thread of a batch wake the next one, and return the first.

    Who writes is not asleep, and would let those after it wait until it has written.
    """
    first = last = None
    for entry in batch.entries:
        answer: _Answer = entry.answer
        if answer.is_heir or answer.done():  # the latter: its thread has given up
            continue
        if last is None:
            first = answer
        else:
            last.next = answer
        last = answer
    return first


class GroupWriter(GroupCalls):
    """Writes in groups: `with GroupWriter(store) as writer:`, and its threads call `writer.record(result)`.

    The end of the block waits until what was handed in is written. A block that raises waits for what is on its way
    only: callers whose row was not sent yet get a WfstoreError.
    """

    def __init__(
        self,
        store: Store,
        *,
        writers: int = 2,
        max_waiting: int = 10_000,
        tenants: Collection[UUID] = (),
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Share `writers` connections of the store's pool, which should be at least that large.

        Args:
            store: where to; its role must be allowed to do what is called.
            writers: how many statements are under way at once; threads wait for the interpreter, more gave no more.
            max_waiting: how many calls are taken in; more wait, in their order, until there is room.
            tenants: whose leases it may be given, beside the store's own tenant's.
            clock: what time it is.
        """
        super().__init__(store, writers, max_waiting, tenants, clock)
        self._free = writers
        self._open = False
        self._mutex = threading.Lock()
        self._ended = threading.Condition(self._mutex)

    def __enter__(self) -> Self:
        with self._mutex:
            self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._mutex:
            self._open = False
            if error is not None:
                refuse_all(self._grouping.leave(), not_open)
            try:
                self._ended.wait_for(lambda: self._grouping.empty)
            finally:  # interrupted, it waits no longer
                refuse_all(self._grouping.leave(), not_open)

    def _make_answer(self) -> _Answer:
        return _Answer()

    def _answered(self, kind: Kind, detail: Any, entry: Entry) -> Any:
        answer: _Answer = entry.answer
        self._enter(kind, detail, entry)
        try:
            while True:
                if answer.is_heir:
                    self._lead(answer)
                elif answer.done():
                    break
                else:
                    answer.wait()
        except BaseException:  # no answer: this thread was interrupted
            with self._mutex:
                answer.give_up()
                if answer.is_heir:
                    self._pass_on()
            raise
        finally:
            if answer.next is not None:
                answer.next.ring()
        if answer.error is not None:
            raise answer.error
        return answer.value

    def _enter(self, kind: Kind, detail: Any, entry: Entry) -> None:
        """Add an entry; its thread is to write if a place is free."""
        with self._mutex:
            if not self._open:
                raise not_open()
            self._grouping.add(kind, detail, entry)
            if self._free:
                self._free -= 1
                entry.answer.is_heir = True

    def _lead(self, own: _Answer) -> None:
        """Write a batch, and hand the place to one who waits.

        The batch is taken here, and not when the place is handed over: who got an answer meanwhile may be back.
        """
        batch: Batch | None = None
        first: _Answer | None = None
        try:
            with self._mutex:
                batch = self._grouping.take()
            if batch is not None:
                outcomes = self._statements.send(batch.lane.kind, batch.lane.detail, batch.entries)
                with self._mutex:
                    first = _linked(batch)
                    settle(batch, outcomes)
        finally:
            if first is not None:
                first.ring()
            with self._mutex:
                if batch is not None:
                    refuse_all(batch.entries, cut_off)  # those who have no answer: this thread was interrupted
                    self._grouping.done(batch)
                own.is_heir = False
                self._pass_on()

    def _pass_on(self) -> None:
        heir = self._grouping.first()
        if heir is not None:
            heir.answer.appoint()
            return
        self._free += 1
        if self._grouping.empty:
            self._ended.notify_all()
