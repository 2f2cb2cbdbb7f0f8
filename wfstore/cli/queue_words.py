"""What the queue does with an execution, in words: what it waits for, until when, what is in its way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wfstore.documents.drawing_words import clean
from wfstore.vocabulary import ExecutionStatus, ParkReason, PauseKind

if TYPE_CHECKING:
    from wfstore.models import ExecutionPause, QueueEntry

Pauses = Mapping[tuple[PauseKind, str], "ExecutionPause"]
"""Pauses by what is paused: the queue's name, the workflow's id."""


def state(entry: QueueEntry, pauses: Pauses, now: datetime, *, places: int | None = None) -> str:
    """Say what becomes of an execution that has not ended; `places` is the limit of its key, if that is known."""
    if entry.status is ExecutionStatus.RUNNING:
        said = _leased(entry, now)
    elif entry.status is ExecutionStatus.WAITING:
        said = _waiting(entry, now)
    elif entry.parked_by is ParkReason.CONCURRENCY:
        said = f"parked: {_places(entry.concurrency_key or '', places)}"
    elif entry.parked_by is ParkReason.WORKFLOW:
        said = f"parked: its workflow is paused{_because(pauses.get((PauseKind.WORKFLOW, str(entry.workflow_id))))}"
    else:
        said = _new(entry, pauses, now)
    failed = f", {entry.failures} of {entry.max_attempts} attempts failed" if entry.failures else ""
    return said + failed


def _leased(entry: QueueEntry, now: datetime) -> str:
    worker = clean(entry.worker_id or "")
    if entry.visible_at is not None and entry.visible_at <= now:
        last = entry.failures + 1 >= entry.max_attempts
        then = "gives it up" if last else "takes it over"
        return f"the lease of worker {worker} ran out {at(entry.visible_at, now)}; the next claim {then}"
    return f"runs on worker {worker}, whose lease ends {at(entry.visible_at, now)}"


def _waiting(entry: QueueEntry, now: datetime) -> str:
    if entry.visible_at is not None and entry.visible_at <= now:
        return f"its wait was over {at(entry.visible_at, now)}; the next claim wakes it"
    signal = None if entry.wait_signal is None else f"for signal {clean(entry.wait_signal)}"
    children = "for its children" if entry.wait_children else None
    end = None if entry.visible_at is None else f"until {at(entry.visible_at, now, preposition='')}"
    return " ".join(filter(None, ("waits", " or ".join(filter(None, (signal, children))), end)))


def _places(key: str, places: int | None) -> str:
    if places == 0:
        return f"key {clean(key)} has no places, its limit is 0"
    if places == 1:
        return f"the one place of key {clean(key)} is taken"
    return f"all {'' if places is None else f'{places:,} '}places of key {clean(key)} are taken"


def _new(entry: QueueEntry, pauses: Pauses, now: datetime) -> str:
    if not entry.ready and entry.visible_at is not None and entry.visible_at > now:
        return f"{'retries' if entry.failures else 'starts'} {at(entry.visible_at, now)}"
    since = f"since {at(entry.visible_at, now, preposition='')}"
    if pause := pauses.get((PauseKind.QUEUE, entry.queue)):
        return f"ready {since}, but queue {clean(entry.queue)} is paused{_because(pause)}"
    if pause := pauses.get((PauseKind.WORKFLOW, str(entry.workflow_id))):
        return f"ready {since}, but its workflow is paused{_because(pause)}"
    return f"ready for a worker {since}" if entry.ready else f"due {since}; the next claim takes it"


def _because(pause: ExecutionPause | None) -> str:
    return f" ({clean(pause.reason)})" if pause is not None and pause.reason else ""


def at(time: datetime | None, now: datetime, *, preposition: str = "at ") -> str:
    """Return a time in the time zone of the reader; without the date if it is today."""
    if time is None:
        return "never"
    local, today = time.astimezone(), now.astimezone().date()
    if local.date() == today:
        return f"{preposition}{local:%H:%M:%S}"
    return f"{'on ' if preposition else ''}{local:%Y-%m-%d %H:%M:%S}"


def moment(milliseconds: int) -> datetime:
    """Return the time that history keeps as Unix milliseconds."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
