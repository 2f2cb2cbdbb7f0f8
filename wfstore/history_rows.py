"""Executions as the rows of PostgreSQL's binary COPY.

Written field by field for columns whose types are known: several times faster than an adapter that looks each value's
type up. A field is its length as int4 and its bytes; -1 is NULL. What the server would refuse is refused here where
that is cheap, by name.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from wfstore.documents import fault_of
from wfstore.errors import InvalidInput
from wfstore.history import EndedExecution, NodeRun
from wfstore.ids import time_of
from wfstore.jsonb import json_bytes
from wfstore.vocabulary import ExecutionMode, ExecutionStatus, NodeStatus, NodeType
from wfstore.wire.fields import NULL, jsonb, length, microseconds

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # the signature; no flags, no extension
_END = struct.pack("!h", -1)
_int4 = struct.Struct("!ii").pack
_int8 = struct.Struct("!iq").pack
_key = struct.Struct("!hi16s").pack
_uuid = struct.Struct("!i16s").pack
_EXECUTION_COLUMNS = 15
_NODE_COLUMNS = 12


def _words(words: Iterable[str]) -> Mapping[str, bytes]:
    return {str(word): length(len(word)) + word.encode() for word in words}


_STATUSES = _words(status for status in ExecutionStatus if status.is_final)
_MODES = _words(ExecutionMode)
_NODE_TYPES = _words(NodeType)
_NODE_STATUSES = _words(NodeStatus)


@dataclass(frozen=True, slots=True)
class EncodedExecution:
    """An execution whose rows are ready to be copied."""

    execution: EndedExecution
    row: bytes
    """In the order of the columns of `history.copy_executions`."""
    nodes: bytes
    """The rows of its nodes, in the order of `history.copy_node_runs`."""

    @property
    def size(self) -> int:
        """Bytes of all rows."""
        return len(self.row) + len(self.nodes)


def copied(rows: Iterable[bytes]) -> bytes:
    """Return rows as what one binary COPY is given."""
    return b"".join((_HEAD, *rows, _END))


def encode(execution: EndedExecution) -> EncodedExecution:
    """Return the rows of an execution and of its nodes.

    Raises:
        InvalidInput: the store cannot take it; the message names the execution, the node and the value.
    """
    place = "the execution"
    try:
        row = _row(execution)
        key = _key(_NODE_COLUMNS, 16, execution.execution_id.bytes)
        parts: list[bytes] = []
        for node in execution.nodes:
            place = f"node {node.node_id!r}, run {node.run_index}"
            _add_node(parts, key, node)
        place = "its nodes"
        _check_once(execution.nodes)
    except InvalidInput as error:
        raise InvalidInput(f"execution {execution.execution_id}: {place}: {error}", hint=error.hint) from error
    except (AttributeError, TypeError, ValueError, struct.error) as error:
        fault = _value_at_fault(execution) or str(error)
        raise InvalidInput(f"execution {execution.execution_id}: {place}: {fault}") from error
    return EncodedExecution(execution, row, b"".join(parts))


def _row(execution: EndedExecution) -> bytes:
    e = execution
    if e.execution_id.version != 7:
        raise InvalidInput(
            "its id is not a UUIDv7, whose time says where in history it belongs",
            hint="Make ids with wfstore.uuid7(at), of the time at which it ran.",
        )
    _check_times(e.start_time, e.end_time)
    created_at = e.created_at or time_of(e.execution_id)
    return b"".join(
        (
            _key(_EXECUTION_COLUMNS, 16, e.execution_id.bytes),
            _uuid(16, e.workflow_id.bytes),
            _int8(8, e.workflow_revision),
            _word(_STATUSES, e.status, "status"),
            _word(_MODES, e.mode, "mode"),
            _text(e.triggered_by, "triggered_by"),
            _id(e.parent_execution_id),
            _id(e.retry_of_execution_id),
            _milliseconds(e.start_time),
            _int8(8, e.end_time),
            _json(e.run_data, "run_data"),
            _object(e.metadata),
            _text(e.error_message, "error_message"),
            _json(e.error_details, "error_details"),
            _int8(8, microseconds(created_at)),
        )
    )


def _add_node(parts: list[bytes], key: bytes, node: NodeRun) -> None:
    _check_times(node.start_time, node.end_time)
    if min(node.run_index, node.retry_count, node.max_retries) < 0:
        raise InvalidInput("run_index, retry_count and max_retries are 0 or more")
    parts += (
        key,
        _name(node.node_id),
        _int4(4, node.run_index),
        _word(_NODE_TYPES, node.node_type, "node_type"),
        _word(_NODE_STATUSES, node.status, "status"),
        _milliseconds(node.start_time),
        _milliseconds(node.end_time),
        _json(node.input_data, "input_data"),
        _json(node.output_data, "output_data"),
        _json(node.error_data, "error_data"),
        _int4(4, node.retry_count),
        _int4(4, node.max_retries),
    )


# --- fields -------------------------------------------------------------------------------------------------


def _check_times(start: int | None, end: int | None) -> None:
    if start is not None and end is not None and end < start:
        raise InvalidInput(f"it ends at {end}, before it starts at {start}")


def _check_once(nodes: Sequence[NodeRun]) -> None:
    if len({(node.node_id, node.run_index) for node in nodes}) != len(nodes):
        raise InvalidInput("a node has two runs of one run_index")


def _word(words: Mapping[str, bytes], word: str, name: str) -> bytes:
    found = words.get(word)
    if found is None:
        raise InvalidInput(f"{name} is {word!r}, not one of {', '.join(words)}")
    return found


def _milliseconds(value: int | None) -> bytes:
    return NULL if value is None else _int8(8, value)


def _id(value: UUID | None) -> bytes:
    return NULL if value is None else _uuid(16, value.bytes)


def _text(value: str | None, name: str) -> bytes:
    if value is None:
        return NULL
    if "\0" in value:
        raise InvalidInput(f"{name} contains a NUL character, which PostgreSQL cannot store")
    text = value.encode()
    return length(len(text)) + text


def _name(node_id: str) -> bytes:
    if not isinstance(node_id, str):
        raise TypeError("a node has no name")  # which is said below, with its value
    return _text(node_id, "node_id")


def _object(value: Any) -> bytes:
    if not isinstance(value, dict | bytes):
        raise InvalidInput(f"metadata is a JSON object, not {type(value).__name__}")
    return _json(value, "metadata")


def _json(value: Any, name: str) -> bytes:
    try:
        text = json_bytes(value, name)
    except InvalidInput as error:
        raise InvalidInput(fault_of(value, name) or str(error)) from error
    if text is None:
        return NULL
    # This is how a NUL is written; the text of the escape is too, behind one more backslash.
    if b"\\u0000" in text and not isinstance(value, bytes) and (fault := fault_of(value, name)):
        raise InvalidInput(fault)
    return b"".join(jsonb(text))


def _value_at_fault(execution: EndedExecution) -> str | None:
    """Say which value is of another type than its column, or too large for it."""
    for each in (execution, *execution.nodes):
        for name, (wanted, fits) in _WANTED.items():
            value = getattr(each, name, None)
            if ((type(each), name) in _NEEDED or value is not None) and not fits(value):
                return f"{name} is {value!r}, which is not {wanted}"
    return None


def _is_integer(bits: int) -> Any:
    return lambda value: isinstance(value, int) and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


_NEEDED = {
    *((EndedExecution, name) for name in ("execution_id", "workflow_id", "workflow_revision", "end_time")),
    *((NodeRun, name) for name in ("node_id", "run_index", "retry_count", "max_retries")),
}
_WANTED: Mapping[str, tuple[str, Any]] = {
    **dict.fromkeys(
        ("execution_id", "workflow_id", "parent_execution_id", "retry_of_execution_id"),
        ("a UUID", lambda value: isinstance(value, UUID)),
    ),
    **dict.fromkeys(("workflow_revision", "start_time", "end_time"), ("an integer of 64 bits", _is_integer(64))),
    **dict.fromkeys(("run_index", "retry_count", "max_retries"), ("an integer of 32 bits", _is_integer(32))),
    **dict.fromkeys(("node_id", "triggered_by", "error_message"), ("a text that UTF-8 can hold", _is_text)),
    "created_at": (
        "a time with a time zone",
        lambda value: isinstance(value, datetime) and value.utcoffset() is not None,
    ),
}
