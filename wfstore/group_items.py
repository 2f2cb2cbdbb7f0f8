"""What is handed to a group writer, made ready to be sent: JSON is encoded once, and what is none goes no further."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from wfstore.documents import fault_of
from wfstore.errors import InvalidInput
from wfstore.grouping import Entry, Kind
from wfstore.jsonb import json_bytes
from wfstore.leases import Ending, Failure, NewExecution, NodeResult, result_row


def prepare(kind: Kind, entry: Entry) -> None:
    """Replace the item of an entry by one whose JSON is encoded; of a node's result, make the row.

    Raises:
        InvalidInput: it is not JSON that can be stored.
    """
    encode = _ENCODERS.get(kind)
    if encode is not None:
        entry.item = encode(entry, entry.item)


def _json(entry: Entry, value: Any, column: str, query: str) -> bytes | None:
    text = json_bytes(value, column)
    if text is None:
        return None
    # NUL, which PostgreSQL refuses; an escaped backslash before it makes it another text. One byte is found faster.
    if b"\\" in text and b"\\u0000" in text and (fault := fault_of([value], column, texts_only=True)):
        raise InvalidInput(f"{query}: {fault}")
    entry.weight += len(text)
    return text


def _result(entry: Entry, given: NodeResult) -> NodeResult:
    query = "node_executions.record_many"
    entry.row = result_row(
        given,
        _json(entry, given.input_data, "input_data", query),
        _json(entry, given.output_data, "output_data", query),
        _json(entry, given.error_data, "error_data", query),
    )
    return given


def _ending(entry: Entry, given: Ending) -> Ending:
    query = "executions.finish_many"
    run_data = _json(entry, given.run_data, "run_data", query)
    return replace(given, run_data=run_data, error_details=_json(entry, given.error_details, "error_details", query))


def _failure(entry: Entry, given: Failure) -> Failure:
    return replace(given, error_details=_json(entry, given.error_details, "error_details", "executions.fail_many"))


def _new(entry: Entry, given: NewExecution) -> NewExecution:
    metadata: Any = _json(entry, given.metadata, "metadata", "executions.enqueue_many")
    return replace(given, metadata=metadata)


_ENCODERS: dict[Kind, Callable[[Entry, Any], Any]] = {
    Kind.RESULT: _result,
    Kind.FINISH: _ending,
    Kind.FAIL: _failure,
    Kind.ENQUEUE: _new,
}
