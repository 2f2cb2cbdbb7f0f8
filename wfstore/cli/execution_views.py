"""What `wfstore executions` writes for people: lists, facts, signals, children, the timeline of nodes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
import typer
from rich.text import Text

from wfstore.cli import output, queue_words
from wfstore.cli.queue_words import Pauses, moment
from wfstore.cli.timeline import Timeline, label, looped
from wfstore.documents.drawing_words import clean
from wfstore.vocabulary import ExecutionStatus, NodeStatus

if TYPE_CHECKING:
    from uuid import UUID

    from wfstore.cli.execution_facts import Facts
    from wfstore.models import ExecutionSignal, ExecutionSummary, NodeExecution, NodeExecutionSummary, QueueEntry

_PIPE_WIDTH = 120
_SHORT_REASON = 60
_STYLES = {
    ExecutionStatus.NEW: "dim",
    ExecutionStatus.RUNNING: "yellow",
    ExecutionStatus.WAITING: "cyan",
    ExecutionStatus.SUCCESS: "green",
    ExecutionStatus.ERROR: "red",
    ExecutionStatus.CANCELED: "magenta",
}


# --- lists --------------------------------------------------------------------------------------------------


def print_list(
    title: str,
    found: Sequence[ExecutionSummary],
    entries: Mapping[UUID, QueueEntry],
    names: Mapping[UUID, str],
    pauses: Pauses,
    now: datetime,
) -> None:
    """Write executions as a table; of those that have not ended the last column is what the queue says."""
    rows = []
    for row in found:
        entry = None if row.status.is_final else entries.get(row.execution_id)
        # the queue is ahead of history: a wait that is over is NEW there
        status = row.status if entry is None else entry.status
        said = clean(row.error_message or "") if entry is None else queue_words.state(entry, pauses, now)
        rows.append(
            [
                row.execution_id,
                clean(names.get(row.workflow_id, str(row.workflow_id))),
                status.value,
                None if row.start_time is None else moment(row.start_time),
                took(row.start_time, row.end_time, now),
                _clipped(said, _SHORT_REASON if entry is None else 2 * _SHORT_REASON),
            ]
        )
    output.listing(title, ["id", "workflow", "status", "started", "took", "state or error"], rows)


def took(start: int | None, end: int | None, now: datetime) -> str | None:
    """Return how long something took, or has taken so far; None: it has not begun."""
    if start is None:
        return None
    if end is None:
        return f"{output.duration(max(0, now.timestamp() * 1000 - start))}+"
    return output.duration(end - start)


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


# --- one execution ------------------------------------------------------------------------------------------


def print_facts(facts: Facts) -> None:
    """Write what an execution is and where it stands, in a few lines."""
    execution = facts.execution
    heading = Text(clean(facts.workflow_name), style="bold").append(": ")
    heading.append(facts.status.value, style=_STYLES[facts.status])
    spent = took(execution.start_time, execution.end_time, facts.now)
    if spent and facts.status is not ExecutionStatus.NEW:
        heading.append(f" {'after' if execution.end_time else 'for'} {spent.rstrip('+')}", style="not bold")
    output.out.print(heading, soft_wrap=True)
    for line in _facts(facts):
        output.out.print(Text(f"  {line}"), soft_wrap=True)


def _facts(facts: Facts) -> Iterator[str]:
    execution, now = facts.execution, facts.now
    yield f"execution {execution.execution_id}"
    yield f"workflow {execution.workflow_id}, revision {execution.workflow_revision}"
    by = f" by {clean(execution.triggered_by)}" if execution.triggered_by else ""
    yield f"{execution.mode.value}{by}, enqueued {queue_words.at(execution.created_at, now)}"
    if execution.retry_of_execution_id is not None:
        yield f"repeats execution {execution.retry_of_execution_id}"
    if execution.parent_execution_id is not None:
        yield f"child of execution {execution.parent_execution_id}"
    if execution.start_time is not None:
        end = "" if execution.end_time is None else f", ended {queue_words.at(moment(execution.end_time), now)}"
        yield f"started {queue_words.at(moment(execution.start_time), now)}{end}"
    if facts.entry is not None:
        entry = facts.entry
        priority = f", priority {entry.priority}" if entry.priority else ""
        attempt = f", attempt {entry.attempt}" if entry.attempt else ""
        yield f"queue {clean(entry.queue)}{priority}{attempt}"
        yield queue_words.state(entry, facts.pauses, now, places=facts.places)
    if execution.error_message:
        last = "last error" if facts.entry is not None else "error"
        yield f"{last}: {clean(execution.error_message)}"
    if facts.letter is not None:
        letter = facts.letter
        yield (
            f"dead letter of queue {clean(letter.queue)}, given up {queue_words.at(letter.died_at, now)} after "
            f"{plural(letter.failures, 'failure')}: `wfstore queue replay {letter.execution_id}` runs it again"
        )
    if execution.metadata:
        yield f"metadata: {shortened(execution.metadata, 200)}"


def print_signals(signals: Sequence[ExecutionSignal], now: datetime, *, payloads: bool) -> None:
    """Write what an execution was told, and which wait took it; nothing if it was told nothing."""
    if not signals:
        return
    columns = ["signal", "sent", "taken by", *(["payload"] if payloads else [])]
    rows = [
        [
            clean(signal.name),
            signal.created_at,
            _taken(signal, now),
            *([shortened(signal.payload)] if payloads else []),
        ]
        for signal in signals
    ]
    output.out.print()
    output.listing("Signals", columns, rows)


def _taken(signal: ExecutionSignal, now: datetime) -> str | None:
    if signal.consumed_at is not None:
        return f"{clean(signal.consumed_by or '')} {queue_words.at(signal.consumed_at, now)}"
    if signal.expires_at is not None:
        expired = "expired" if signal.expires_at <= now else "nothing yet, expires"
        return f"{expired} {queue_words.at(signal.expires_at, now)}"
    return "nothing yet"


def print_children(facts: Facts) -> None:
    """Write what an execution has started; nothing if it has started nothing."""
    if facts.children:
        output.out.print()
        title = f"Children: {len(facts.children):,}{' or more' if facts.more_children else ''}"
        print_list(title, facts.children, facts.entries, facts.names, facts.pauses, facts.now)


# --- its nodes ----------------------------------------------------------------------------------------------


def print_timeline(facts: Facts, limit: int, *, payloads: bool) -> None:
    """Draw the node runs that are this execution's own; name those that it took over from the one it repeats."""
    taken_over, own = facts.split()
    if taken_over:
        ids = dict.fromkeys(run.node_id for run in taken_over)
        named = ", ".join(label(each, facts.node_names) for each in ids)
        output.out.print()
        output.out.print(Text(f"Taken over from the execution that it repeats: {_clipped(named, 300)}"), soft_wrap=True)
    output.out.print()
    if not own:
        typer.echo("No node has run." if facts.status.is_final else "No node has run yet.")
        return
    drawn = _chosen(own, limit)
    takes_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    timeline = Timeline(drawn, facts.node_names, *facts.bounds(own), _width(), ascii_only=not takes_unicode)
    for line in timeline.lines():
        output.out.print(line, soft_wrap=True)
    if len(drawn) < len(own):
        more = f"{len(own) - len(drawn):,} more node runs that went well"
        output.note(f"{more} are not drawn: --limit draws more, --json has them all")
    _print_results(drawn, facts, payloads=payloads)


def _width() -> int:
    """Return the cells of a line; a pipe has those that COLUMNS says, or else some that most screens show."""
    return output.out.width if output.out.is_terminal else shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns


def _chosen(runs: Sequence[NodeExecutionSummary], limit: int) -> list[NodeExecutionSummary]:
    """Of too many return those that somebody looks for, and then the earliest."""
    usual = (NodeStatus.SUCCESS, NodeStatus.SKIPPED)
    by_need = sorted(runs, key=lambda run: (run.status in usual, run.start_time is None, run.start_time or 0))
    return by_need[:limit]


def _print_results(runs: Sequence[NodeExecutionSummary], facts: Facts, *, payloads: bool) -> None:
    """Write the errors of runs, and with `payloads` what went in and out, shortened."""
    loops = looped(facts.runs)
    for run in sorted(runs, key=lambda each: (each.start_time or 0, each.run_index)):
        whole = facts.results.get((run.node_id, run.run_index))
        if whole is None:
            continue
        lines = list(_results(whole, payloads=payloads))
        if lines:
            name = label(run.node_id, facts.node_names)
            output.out.print()
            output.out.print(Text(f"{name} #{run.run_index}" if run.node_id in loops else name, style="bold"))
        for line in lines:
            output.out.print(line, soft_wrap=True)


def _results(run: NodeExecution, *, payloads: bool) -> Iterator[Text]:
    if payloads:
        for word, value in (("in", run.input_data), ("out", run.output_data)):
            if value is not None:
                yield Text(f"  {word:<6} {shortened(value, 300)}")
    if run.error_data is not None:
        retried = not run.status.is_final
        style = "yellow" if retried or run.status is NodeStatus.SUCCESS else "red"
        yield Text(f"  {'error':<6} {_error(run.error_data)}", style=style)


def _error(value: Any) -> str:
    """Return an error in one line: kind and message where it has both, or else all of it."""
    if isinstance(value, dict) and isinstance(message := value.get("message"), str):
        kind = value.get("type")
        return clean(f"{kind}: {message}" if isinstance(kind, str) and kind else message)
    return shortened(value, 500)


def shortened(value: Any, length: int = 100) -> str:
    """Return a value as JSON in one line, its end left out if it is long."""
    text = orjson.dumps(value).decode()
    rest = len(text) - length
    return clean(text) if rest <= 0 else f"{clean(text[:length])}… ({rest:,} more characters)"


def plural(count: int, word: str) -> str:
    """Return a number of something: 1 child, 2 children, 3 attempts."""
    words = {"child": "children"}
    return f"{count:,} {word if count == 1 else words.get(word, f'{word}s')}"
