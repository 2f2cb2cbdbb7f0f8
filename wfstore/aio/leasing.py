"""What a worker does: claim, prolong, wait, finish, fail; all under the fence of a lease."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from wfstore.aio.calling import Call
from wfstore.aio.running import AsyncRunner
from wfstore.aio.typed import AsyncExecutionsNamespace
from wfstore.errors import InvalidInput, LeaseLost
from wfstore.inputs import check_endings, check_failures, check_lease, check_name, check_time
from wfstore.leases import ClaimedExecution, Ending, Failure, Signal
from wfstore.models import Claim, ExecutionFailed, Lease, StartedExecution, Suspended, TakenSignal

_WOKEN_AT_ONCE = 1_000
# A claim that meets nothing but parked executions looks further, so often.
_ROUNDS = 100
_JITTER = 0.1


class AsyncLeasing(AsyncExecutionsNamespace):
    """The worker's side of executions."""

    async def claim(
        self, *, queue: str, worker_id: str, limit: int, lease: timedelta, now: datetime | None = None
    ) -> list[ClaimedExecution]:
        """Claim up to `limit` ready executions, most urgent first, for the time of `lease`.

        Queue and history change in one transaction. An execution whose lease ran out is ready again, with one
        failure more; after too many it is given up.
        """
        if limit < 1:
            raise InvalidInput(f"a claim is for at least one execution, not {limit}")
        check_name(queue, "the queue")
        check_lease(lease)
        check_time(now, "now")
        for _ in range(_ROUNDS):
            leases, parked = await self._claim(queue, worker_id, limit, lease, now or datetime.now(UTC))
            if leases or not parked:
                return leases
        return []

    async def _claim(
        self, queue: str, worker_id: str, limit: int, lease: timedelta, at: datetime
    ) -> tuple[list[ClaimedExecution], int]:
        """Claim once; return the leases, and how many executions may not run now."""
        whose: dict[str, Any] = {"tenant_ids": [self._runner.tenant_id], "queue": queue}
        in_order = self._call("session.in_order_of_index")
        wake = self._call("wake_due", now=at, limit=_WOKEN_AT_ONCE, **whose)
        claim = self._call("claim", worker_id=worker_id, limit=limit, lease_until=at + lease, **whose)

        async def steps(transaction: AsyncRunner) -> tuple[list[ClaimedExecution], int]:
            met: list[Claim]
            _, met = await transaction.run(in_order, claim)
            claims = [each for each in met if each.admitted]
            if not claims:
                return [], len(met)
            [started] = await transaction.run(self._start(claims, at), last=True)
            return _leases(claims, started), len(met) - len(claims)

        # A claim whose answer was lost costs one lease time; the worker may as well ask again. To wake is a transaction
        # of its own: it locks the limits of keys, as a claim does, each in order, but the one after the other in none.
        return await self._runner.transact(steps, repeatable=True, ahead=[in_order, wake])

    def _start(self, claims: Sequence[Claim], at: datetime) -> Call:
        return self._call(
            "start_many",
            tenant_ids=[claim.tenant_id for claim in claims],
            execution_ids=[claim.execution_id for claim in claims],
            start_time=milliseconds(at),
        )

    async def heartbeat(
        self, leases: Sequence[ClaimedExecution], *, lease: timedelta, now: datetime | None = None
    ) -> set[UUID]:
        """Prolong leases to `lease` from now; return the ids of those that were still held."""
        check_lease(lease)
        check_time(now, "now")
        held: list[Lease] = await self._run(
            "heartbeat_many",
            tenant_ids=[each.tenant_id for each in leases],
            execution_ids=[each.execution_id for each in leases],
            attempts=[each.attempt for each in leases],
            lease_until=(now or datetime.now(UTC)) + lease,
        )
        return {each.execution_id for each in held}

    async def suspend(
        self,
        lease: ClaimedExecution,
        *,
        until: datetime | None = None,
        signal: str | None = None,
        children: bool = False,
        now: datetime | None = None,
    ) -> bool:
        """Give the lease back until something happens: a time, a signal, the end of all children; the first counts.

        With a signal or children, `until` is the time-out. The next claim says in `woken_by` what it was. Returns
        False, with the lease still held, if the signal or the last child's end came before.

        Raises:
            LeaseLost: the lease is not this worker's any more; nothing was written.
            InvalidInput: nothing was named that could end the wait.
        """
        if until is None and signal is None and not children:
            raise InvalidInput(
                f"execution {lease.execution_id} would wait for ever",
                hint="Name a time (until=), a signal (signal=) or children=True.",
            )
        check_time(until, "until")
        check_time(now, "now")
        check_name(signal, "the signal to wait for")
        suspended: Suspended | None
        _, suspended = await self._runner.run(
            self._call("lock", tenant_id=lease.tenant_id, execution_id=lease.execution_id),
            self._call(
                "suspend",
                tenant_id=lease.tenant_id,
                execution_id=lease.execution_id,
                attempt=lease.attempt,
                wake_at=until,
                signal=signal,
                children=children,
                now=now or datetime.now(UTC),
            ),
        )
        if suspended is None:
            raise lease_lost(lease)
        return suspended.suspended

    async def take_signal(
        self, lease: ClaimedExecution, name: str, *, consumer: str, now: datetime | None = None
    ) -> Signal | None:
        """Take the oldest signal of a name, once: each goes to one consumer, who gets it again when it asks again.

        `consumer` names the wait within the execution, as `node_id:run_index` does: after a crash the successor
        asks under the same name and gets the same signal. None: there is none yet.

        Raises:
            LeaseLost: the lease is not this worker's any more; nothing was taken.
        """
        check_time(now, "now")
        check_name(name, "the signal to take")
        check_name(consumer, "the consumer of a signal")
        taken: TakenSignal | None
        _, taken = await self._runner.run(
            # Locked first: of two consumers at once the second sees what the first has left.
            self._call("lock", tenant_id=lease.tenant_id, execution_id=lease.execution_id),
            self._call(
                "execution_signals.take",
                tenant_id=lease.tenant_id,
                execution_id=lease.execution_id,
                attempt=lease.attempt,
                name=name,
                consumer=consumer,
                now=now or datetime.now(UTC),
            ),
        )
        if taken is None:
            raise lease_lost(lease)
        if taken.id is None or taken.created_at is None:
            return None
        return Signal(taken.id, name, taken.payload, taken.created_at)

    async def finish(self, ending: Ending) -> None:
        """End an execution: final in history, gone from the queue.

        Raises:
            LeaseLost: the lease is not this worker's any more; nothing was written.
        """
        finished = await self.finish_many([ending])
        if ending.lease.execution_id not in finished:
            raise lease_lost(ending.lease)

    async def finish_many(self, endings: Sequence[Ending]) -> set[UUID]:
        """End executions; return the ids of those whose lease was still held, the others are untouched.

        Raises:
            InvalidInput: a status is not final, or two of them are of the same execution; nothing was written.
        """
        check_endings(endings)
        leases = [ending.lease for ending in endings]
        finished: list[UUID] = await self._release(
            leases,
            "finish_many",
            tenant_ids=[e.lease.tenant_id for e in endings],
            execution_ids=[e.lease.execution_id for e in endings],
            attempts=[e.lease.attempt for e in endings],
            statuses=[e.status for e in endings],
            start_times=[e.start_time for e in endings],
            end_times=[e.end_time for e in endings],
            run_data=[e.run_data for e in endings],
            error_messages=[e.error_message for e in endings],
            error_details=[e.error_details for e in endings],
        )
        return set(finished)

    async def fail(self, failure: Failure, *, now: datetime | None = None) -> ExecutionFailed:
        """Let an attempt fail: it is retried after a back-off, or given up, as its policy says.

        Raises:
            LeaseLost: the lease is not this worker's any more; nothing was written.
        """
        outcomes = await self.fail_many([failure], now=now)
        if failure.lease.execution_id not in outcomes:
            raise lease_lost(failure.lease)
        return outcomes[failure.lease.execution_id]

    async def fail_many(
        self, failures: Sequence[Failure], *, now: datetime | None = None
    ) -> dict[UUID, ExecutionFailed]:
        """Let attempts fail; return what became of those whose lease was still held, the others are untouched.

        Raises:
            InvalidInput: a wait is negative, or two of them are of the same execution; nothing was written.
        """
        check_failures(failures)
        check_time(now, "now")
        leases = [failure.lease for failure in failures]
        failed: list[ExecutionFailed] = await self._release(
            leases,
            "fail_many",
            tenant_ids=[f.lease.tenant_id for f in failures],
            execution_ids=[f.lease.execution_id for f in failures],
            attempts=[f.lease.attempt for f in failures],
            retries=[f.retry for f in failures],
            waits=[None if f.wait is None else f.wait.total_seconds() for f in failures],
            # so that what failed together does not come back together
            jitters=[random.uniform(0, _JITTER) for _ in failures],  # noqa: S311 - no secret
            error_messages=[f.error_message for f in failures],
            error_details=[f.error_details for f in failures],
            now=now or datetime.now(UTC),
        )
        return {each.execution_id: each for each in failed}

    async def _release(self, leases: Sequence[ClaimedExecution], name: str, /, **arguments: Any) -> Any:
        """Run a call that gives leases back; who waits for their places or their ends is told."""
        call = self._call(name, **arguments)
        keyed = any(lease.concurrency_key is not None for lease in leases)
        # What has no key, and a single one, is locked in order by the call itself.
        calls = [self._lock_many(leases), call] if len(leases) > 1 and (keyed or name == "fail_many") else [call]
        if keyed or any(lease.parent_execution_id is not None for lease in leases):
            *_, released = await self._waking(*calls)
        else:  # most have neither, and pay for neither
            *_, released = await self._runner.run(*calls)
        return released

    def _lock_many(self, leases: Sequence[ClaimedExecution]) -> Call:
        return self._call(
            "lock_many",
            tenant_ids=[lease.tenant_id for lease in leases],
            execution_ids=[lease.execution_id for lease in leases],
            attempts=[lease.attempt for lease in leases],
        )

    async def _waking(self, *calls: Call) -> list[Any]:
        """Run calls whose triggers may make something ready; the workers of those queues are told."""
        *results, _ = await self._runner.run(*calls, self._call("session.woken"), woken=_last)
        return results


def _last(results: list[Any]) -> Any:
    return results[-1]


def milliseconds(at: datetime) -> int:
    """Return a time as history keeps it, in Unix milliseconds."""
    return int(at.timestamp() * 1000)


def lease_lost(lease: ClaimedExecution) -> LeaseLost:
    """Make the error for a lease that is not the worker's any more."""
    return LeaseLost(
        f"execution {lease.execution_id}: the lease of attempt {lease.attempt} is lost",
        hint="Stop working on it; whoever has it now goes on from the last stored node.",
    )


def _leases(claims: Sequence[Claim], started: Sequence[StartedExecution]) -> list[ClaimedExecution]:
    """Join what queue and history said, in the order of the claims."""
    facts = {each.ordinal: each for each in started}
    leases = []
    for ordinal, claim in enumerate(claims, 1):
        fact = facts.get(ordinal)
        if fact is not None:
            leases.append(
                ClaimedExecution(
                    tenant_id=claim.tenant_id,
                    execution_id=claim.execution_id,
                    attempt=claim.attempt,
                    max_attempts=claim.max_attempts,
                    lease_until=claim.visible_at,
                    workflow_id=fact.workflow_id,
                    workflow_revision=fact.workflow_revision,
                    mode=fact.mode,
                    parent_execution_id=fact.parent_execution_id,
                    metadata=fact.metadata,
                    start_time=fact.start_time,
                    retry_of_execution_id=fact.retry_of_execution_id,
                    failures=claim.failures,
                    woken_by=claim.woken_by,
                    concurrency_key=claim.concurrency_key,
                )
            )
    return leases
