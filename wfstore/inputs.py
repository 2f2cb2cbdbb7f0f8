"""What a call may be given: refused here by name, before the database refuses it in its own words or takes it amiss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from wfstore.errors import InvalidInput
from wfstore.leases import ClaimedExecution, Ending, Failure, NewExecution, RetryPolicy
from wfstore.vocabulary import ExecutionStatus

_FINAL = frozenset(status for status in ExecutionStatus if status.is_final)
LONGEST_WAIT = timedelta(days=3653)
"""Ten years: beyond this a wait is a mistake, and far beyond it a time that PostgreSQL cannot hold."""


def check_time(at: datetime | None, name: str) -> None:
    """Refuse a time without a zone: the database would take it for one of its own."""
    if at is not None and at.utcoffset() is None:
        raise InvalidInput(f"{name} {at} has no time zone", hint="Give it one: datetime.now(UTC).")


def check_wait(wait: timedelta | None, name: str, *, least: timedelta = timedelta(0)) -> None:
    """Refuse a wait that is negative, or longer than anybody waits."""
    if wait is not None and not least <= wait <= LONGEST_WAIT:
        raise InvalidInput(f"{name} cannot be {wait}: it is {least} or more, and at most {LONGEST_WAIT.days} days")


def check_lease(lease: timedelta) -> None:
    """Refuse a lease that would be over before it began."""
    if not timedelta(0) < lease <= LONGEST_WAIT:
        raise InvalidInput(f"a lease cannot be {lease}: it is more than nothing, and at most {LONGEST_WAIT.days} days")


def check_name(text: str | None, name: str) -> None:
    """Refuse an empty name."""
    if text == "":
        raise InvalidInput(f"{name} is empty")


def check_new(executions: Sequence[NewExecution]) -> None:
    """Refuse executions that make no sense, or of which one is there twice."""
    for execution in executions:
        named = f"execution {execution.execution_id}:"
        if execution.delay is not None and execution.visible_at is not None:
            raise InvalidInput(f"{named} it has a delay and a visible_at, and can have one of them")
        _check_id(execution.execution_id, named)
        check_time(execution.visible_at, f"{named} visible_at")
        check_wait(execution.delay, f"{named} the delay")
        check_wait(execution.idempotency_ttl, f"{named} idempotency_ttl", least=timedelta(microseconds=1))
        check_name(execution.queue, f"{named} the queue")
        check_name(execution.concurrency_key, f"{named} the concurrency key")
        check_name(execution.idempotency_key, f"{named} the idempotency key")
        if execution.concurrency_limit < 0:
            raise InvalidInput(f"{named} the concurrency limit is {execution.concurrency_limit}, and must be 0 or more")
        if not isinstance(execution.metadata, dict | bytes):
            raise InvalidInput(f"{named} metadata is a JSON object, not {type(execution.metadata).__name__}")
        _check_policy(execution.retry, named)
    _check_once((execution.execution_id for execution in executions), "is to be enqueued")


def check_endings(endings: Sequence[Ending]) -> None:
    """Refuse ends that are none, or of which an execution has two."""
    check_leases([ending.lease for ending in endings], "is to be ended")
    for ending in endings:
        if ending.status not in _FINAL:
            raise InvalidInput(f"execution {ending.lease.execution_id} cannot end with {ending.status}")


def check_failures(failures: Sequence[Failure]) -> None:
    """Refuse failures with a wait that makes no sense, or of which an execution has two."""
    check_leases([failure.lease for failure in failures], "is to fail")
    for failure in failures:
        check_wait(failure.wait, f"execution {failure.lease.execution_id}: the wait before its retry")


def check_leases(leases: Sequence[ClaimedExecution], what: str) -> None:
    """Refuse a call that says two things of one execution: which of them holds would be left to chance."""
    _check_once((lease.execution_id for lease in leases), what)


def _check_policy(policy: RetryPolicy, named: str) -> None:
    if policy.max_attempts < 1:
        raise InvalidInput(f"{named} max_attempts cannot be {policy.max_attempts}: it is 1 or more")
    if not (policy.factor >= 1 and math.isfinite(policy.factor)):  # so that neither is NaN
        raise InvalidInput(f"{named} the factor of its waits cannot be {policy.factor}: it is 1 or more")
    check_wait(policy.wait, f"{named} the wait before a retry")
    check_wait(policy.longest_wait, f"{named} the longest wait before a retry")


def _check_id(identifier: UUID, named: str) -> None:
    if identifier.version != 7:
        raise InvalidInput(
            f"{named} its id is not a UUIDv7, whose time says where in history it belongs",
            hint="Make it with wfstore.uuid7(), or leave it out.",
        )


def _check_once(identifiers: Iterable[Any], what: str) -> None:
    seen: set[Any] = set()
    for identifier in identifiers:
        if identifier in seen:
            raise InvalidInput(f"execution {identifier} {what} twice in one call")
        seen.add(identifier)
