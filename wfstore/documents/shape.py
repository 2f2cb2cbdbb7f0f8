"""The shape of documents: types, required keys, words and ranges, held against the messages of wfstore/proto.

Each message is compiled once into a table of its fields. A document is then walked along the messages, so that
only they decide how deep the walk goes: keys that no message has, and what is free-form (Struct and Value), are
passed by, whatever they hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from wfstore.documents.descriptors import FREE, STRUCT, is_list, is_map, message_in, words_of
from wfstore.documents.findings import Finding, Severity
from wfstore.documents.paths import member
from wfstore.proto.workflow_pb2 import Workflow

Check = Callable[[Any], str | None]
"""Says what is wrong with a value that is not null."""
Walk = Callable[[Any, str, "_Report"], None]
"""Reports what is wrong with, and inside, a value that is not null, at a path."""

_KINDS = {dict: "an object", list: "a list", tuple: "a list", str: "a string", bool: "a boolean", type(None): "null"}
_KINDS |= {int: "a number", float: "a number"}
_MOST_SHOWN = 60  # characters
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
}


def faults(
    document: Any, *, message: type[Message] = Workflow, at_most: int = 100, types_only: bool = False
) -> list[Finding]:
    """Hold a document against a message; return the first faults: code "shape", errors, in the document's order.

    null is as good as absent, and inside a list it is a fault. With `types_only` keys may be missing, texts
    empty and numbers below their minimum.
    """
    report = _Report(at_most)
    if isinstance(document, dict):
        _walk_object(_table(message.DESCRIPTOR, types_only), document, "", report)
    else:
        what = "a workflow document" if message is Workflow else f"a document that is {message.DESCRIPTOR.name}"
        report.add("", f"{what} is a JSON object, not {kind(document)}")
    return report.found


def kind(value: Any) -> str:
    """Say what a JSON value is."""
    return next((_KINDS[each] for each in type(value).__mro__ if each in _KINDS), f"of type {type(value).__name__}")


def shown(text: str) -> str:
    """Return a text as a message quotes it: not more of it than helps."""
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}...")


class _Report:
    """The first faults."""

    def __init__(self, at_most: int) -> None:
        self.found: list[Finding] = []
        self.room = at_most

    def add(self, path: str, message: str) -> None:
        if self.room > 0:
            self.room -= 1
            self.found.append(Finding("shape", Severity.ERROR, path, message))


class _Lack(NamedTuple):
    """What is said of a required key."""

    missing: str
    null: str
    empty: str | None
    """None: the check says it."""


@dataclass(slots=True)
class _Table:
    """The fields of a message by what is done with them."""

    plain: dict[str, tuple[type, ...]] = field(default_factory=dict)
    """The types that need no further look: nearly all that a document holds goes no further than here."""
    checks: dict[str, Check] = field(default_factory=dict)
    """Fields of one value."""
    walks: dict[str, Walk] = field(default_factory=dict)
    """Fields with values inside."""
    required: dict[str, _Lack] = field(default_factory=dict)


def _walk_object(table: _Table, holder: dict[str, Any], path: str, report: _Report) -> None:
    for key in table.required:
        if not holder.get(key):
            _look_for_required(table.required[key], holder, key, path, report)
    plain = table.plain
    for key, value in holder.items():
        if type(value) in plain.get(key, ()) or value is None:
            continue
        check = table.checks.get(key)
        if check is not None:
            problem = check(value)
            if problem is not None:
                report.add(member(path, key), problem)
        elif (walk := table.walks.get(key)) is not None:
            walk(value, member(path, key), report)


def _look_for_required(lack: _Lack, holder: dict[str, Any], key: str, path: str, report: _Report) -> None:
    value = holder.get(key)
    if value is None:
        report.add(member(path, key), lack.null if key in holder else lack.missing)
    elif value == "" and lack.empty is not None:
        report.add(member(path, key), lack.empty)


# --- compiling ----------------------------------------------------------------------------------------------


@cache
def _table(descriptor: Descriptor, types_only: bool) -> _Table:
    """Compile a message, and with it those of its fields: none of ours holds itself."""
    table = _Table()
    for each in descriptor.fields:
        rules = {} if types_only else {option.name: value for option, value in each.GetOptions().ListFields()}
        minimum: Any = rules.get("minimum")
        inside = message_in(each)
        if is_list(each):
            if inside is None:
                walk_item = _value_walk(_check_of(each, minimum))
            else:
                walk_item = _object_walk(_table(inside, types_only))
            table.walks[each.name] = _map_walk(walk_item) if is_map(each) else _list_walk(walk_item)
        elif inside is not None and inside.full_name not in FREE:
            table.walks[each.name] = _object_walk(_table(inside, types_only))
        elif inside is None or inside.full_name == STRUCT:  # a Value is anything
            table.checks[each.name] = _check_of(each, minimum)
            if each.enum_type is None and each.cpp_type not in _INTEGERS and minimum is None:
                table.plain[each.name] = _types_of(each)
        if rules.get("required"):
            table.required[each.name] = _lack(each)
    return table


def _types_of(each: FieldDescriptor) -> tuple[type, ...]:
    types: dict[int, tuple[type, ...]] = {
        FieldDescriptor.CPPTYPE_STRING: (str,),
        FieldDescriptor.CPPTYPE_BOOL: (bool,),
        FieldDescriptor.CPPTYPE_DOUBLE: (float, int),
        FieldDescriptor.CPPTYPE_MESSAGE: (dict,),
    }
    return types[each.cpp_type]


def _lack(each: FieldDescriptor) -> _Lack:
    if each.enum_type is not None:
        missing = f"is missing; it is one of {', '.join(words_of(each.enum_type))}"
        return _Lack(missing, missing, None)
    return _Lack("is missing", f"is null, not {_wanted(each)}", "is empty")


def _wanted(each: FieldDescriptor) -> str:
    return "a number" if each.cpp_type in _INTEGERS else kind(_types_of(each)[0]())


def _check_of(each: FieldDescriptor, minimum: float | None) -> Check:
    if each.enum_type is not None:
        return _word_check(words_of(each.enum_type))
    if each.cpp_type in _INTEGERS:
        low, high = _INTEGERS[each.cpp_type]
        return _integer_check(low if minimum is None else max(low, int(minimum)), high)
    types, wanted = _types_of(each), _wanted(each)

    def check(value: Any) -> str | None:
        fits = isinstance(value, types) and (not isinstance(value, bool) or bool in types)
        if not fits:
            return f"is {kind(value)}, not {wanted}"
        return f"must be at least {minimum:g}" if minimum is not None and value < minimum else None

    return check


def _word_check(words: dict[str, int]) -> Check:
    allowed = ", ".join(words)

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return f"is {kind(value)}, not a string"
        return None if value in words else f"{shown(value)} is unknown; it is one of {allowed}"

    return check


def _integer_check(low: int, high: int) -> Check:
    problem = f"must be a whole number from {low} to {high}"

    def check(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if fits else problem

    return check


def _object_walk(table: _Table) -> Walk:
    def walk(value: Any, path: str, report: _Report) -> None:
        if isinstance(value, dict):
            _walk_object(table, value, path, report)
        else:
            report.add(path, f"is {kind(value)}, not an object")

    return walk


def _map_walk(walk_item: Walk) -> Walk:
    def walk(value: Any, path: str, report: _Report) -> None:
        if not isinstance(value, dict):
            report.add(path, f"is {kind(value)}, not an object")
            return
        for key, item in value.items():
            if not report.room:
                return
            walk_item(item, member(path, key), report)

    return walk


def _list_walk(walk_item: Walk) -> Walk:
    def walk(value: Any, path: str, report: _Report) -> None:
        if not isinstance(value, list | tuple):
            report.add(path, f"is {kind(value)}, not a list")
            return
        for index, item in enumerate(value):
            if not report.room:
                return
            walk_item(item, f"{path}[{index}]", report)

    return walk


def _value_walk(check: Check) -> Walk:
    def walk(value: Any, path: str, report: _Report) -> None:
        problem = check(value)
        if problem is not None:
            report.add(path, problem)

    return walk
