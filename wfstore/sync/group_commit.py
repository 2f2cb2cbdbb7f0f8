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
    """What a thread waits for: its answer, or a batch that it is to write first."""

    __slots__ = ("_bell", "_done", "batch", "error", "value")

    def __init__(self) -> None:
        self._bell = threading.Lock()
        self._bell.acquire()
        self._done = False
        self.batch: Batch | None = None
        self.value: Any = None
        self.error: Exception | None = None

    def done(self) -> bool:
        return self._done

    def set_result(self, value: Any, /) -> None:
        self.value = value
        self._end()

    def set_exception(self, error: Exception, /) -> None:
        self.error = error
        self._end()

    def appoint(self, batch: Batch) -> None:
        """Let the thread write a batch; its own entry is in it."""
        self.batch = batch
        self._bell.release()

    def give_up(self) -> None:
        """Nobody waits any more."""
        self._done = True

    def wait(self) -> Batch | None:
        """Wait; return the batch to write, or None when the answer is there."""
        self._bell.acquire()
        batch, self.batch = self.batch, None
        return batch

    def _end(self) -> None:
        self._done = True
        self._bell.release()


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
            writers: how many statements are under way at once.
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
        batch = self._enter(kind, detail, entry)
        try:
            while True:
                if batch is not None:
                    self._lead(batch)
                if (batch := answer.wait()) is None:
                    break
        except BaseException:  # no answer: this thread was interrupted
            with self._mutex:
                answer.give_up()
                batch, answer.batch = answer.batch, None
            if batch is not None:
                self._lead(batch)
            raise
        if answer.error is not None:
            raise answer.error
        return answer.value

    def _enter(self, kind: Kind, detail: Any, entry: Entry) -> Batch | None:
        """Add an entry; return what this thread is to write, if a place is free."""
        with self._mutex:
            if not self._open:
                raise not_open()
            self._grouping.add(kind, detail, entry)
            batch = self._grouping.take() if self._free else None
            if batch is not None:
                self._free -= 1
            return batch

    def _lead(self, batch: Batch) -> None:
        """Write a batch, and hand the place to one who waits."""
        try:
            outcomes = self._statements.send(batch.lane.kind, batch.lane.detail, batch.entries)
        except BaseException:  # this thread was interrupted
            refuse_all(batch.entries, cut_off)
            raise
        else:
            settle(batch, outcomes)
        finally:
            self._pass_on(batch)

    def _pass_on(self, batch: Batch) -> None:
        with self._mutex:
            self._grouping.done(batch)
            following = self._grouping.take()
            if following is not None:
                following.entries[0].answer.appoint(following)
                return
            self._free += 1
            if self._grouping.empty:
                self._ended.notify_all()
