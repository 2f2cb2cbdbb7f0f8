"""From documents to protobuf messages and back, where somebody asks for it: nothing is changed on the way.

A message cannot say all that JSON says, nor JSON all that a message does. Whatever would come back different is
refused with its path, in both directions:

    to_document(to_message(document)) == document     to_message(to_document(message)) == message

exactly: the same keys, and 1 is not 1.0. Only the order of keys is the message's: fields as they are declared,
the keys of free-form objects and of maps sorted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeVar, overload

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value
from google.protobuf.unknown_fields import UnknownFieldSet

from wfstore.documents import descriptors, shape
from wfstore.documents.descriptors import is_list, is_map, message_in, words_of
from wfstore.documents.findings import Finding, Severity
from wfstore.documents.paths import member
from wfstore.errors import InvalidDocument
from wfstore.proto.workflow_pb2 import Workflow

M = TypeVar("M", bound=Message)
Convert = Callable[[Any, str, int], Any]
"""Takes a value of a message, its path and its depth; returns its JSON."""

_DEEPEST = 100
"""Levels of messages below the outermost: parsers refuse what is deeper. In a Struct an object is three of them
(itself, the entry, the value) and a list two."""
_EXACT = 2**53
"""From here on a double does not tell every integer from its neighbours."""


@overload
def to_message(document: dict[str, Any]) -> Workflow: ...
@overload
def to_message(document: dict[str, Any], message: type[M]) -> M: ...
def to_message(document: dict[str, Any], message: type[Message] = Workflow) -> Message:
    """Return a document as a message of that type.

    Required keys may be missing: that is for `shape.faults` to say.

    Raises:
        InvalidDocument: it has not the types of the message, or would come back different: keys that the message
            has not, nulls and empty lists, which a message cannot tell from no key, 1.0 where a double is 1,
            integers beyond 2**53 where a number is a double, more than about 30 levels.
    """
    found = shape.faults(document, message=message, at_most=1, types_only=True)
    if found:
        raise InvalidDocument.of(found)
    result = message()
    _fill(result, document, "", 0)
    return result


def to_document(message: Message) -> dict[str, Any]:
    """Return a message as a document.

    Raises:
        InvalidDocument: JSON has no form for it: numbers that are not finite, words that this release does not know,
            fields that it does not know, a Value without a kind, more levels than a parser would take.
    """
    return _object(message, "", 0)


def _refuse(path: str, problem: str, *, hint: str | None = None) -> NoReturn:
    error = InvalidDocument.of([Finding("inconvertible", Severity.ERROR, path, problem)])
    error.hint = hint
    raise error


def _refuse_nothing(path: str, what: str) -> NoReturn:
    _refuse(path, f"is {what}, which a message cannot tell from no key", hint="Leave the key out.")


def _check_depth(path: str, depth: int) -> None:
    if depth > _DEEPEST:
        _refuse(path, f"is nested too deep for a message, whose parsers take {_DEEPEST} levels")


# --- to a message -------------------------------------------------------------------------------------------


def _fill(message: Message, document: dict[str, Any], path: str, depth: int) -> None:
    _check_depth(path, depth)
    fields: Mapping[str, Any] = message.DESCRIPTOR.fields_by_name
    for key, value in document.items():
        where = member(path, key)
        field = fields.get(key) if isinstance(key, str) else None
        if field is None:
            _refuse(where, f"is no field of {message.DESCRIPTOR.name}, and a message has no place for other keys")
        if is_list(field):
            _fill_many(getattr(message, field.name), field, value, where, depth)
        elif field.message_type is not None:
            inside = getattr(message, field.name)
            if value is None and field.message_type.full_name != descriptors.VALUE:
                _refuse_nothing(where, "null")
            inside.SetInParent()
            _fill_one(inside, value, where, depth + 1)
        else:
            setattr(message, field.name, _scalar(field, value, where))


def _fill_one(message: Any, value: Any, path: str, depth: int) -> None:
    match message.DESCRIPTOR.full_name:
        case descriptors.STRUCT:
            _fill_struct(message, value, path, depth)
        case descriptors.VALUE:
            _fill_value(message, value, path, depth)
        case _:
            _fill(message, value, path, depth)


def _fill_many(many: Any, field: FieldDescriptor, value: Any, path: str, depth: int) -> None:
    if not value:
        _refuse_nothing(path, "null" if value is None else "empty")
    if isinstance(value, tuple):
        _refuse(path, "is a tuple, which would come back as a list")
    if is_map(field):
        for key, item in value.items():
            where = member(path, key)
            _fill_one(many[_text(key, where)], item, where, depth + 2)
    elif field.message_type is not None:
        for index, item in enumerate(value):
            _fill_one(many.add(), item, f"{path}[{index}]", depth + 1)
    else:
        many.extend(_scalar(field, item, f"{path}[{index}]") for index, item in enumerate(value))


def _scalar(field: FieldDescriptor, value: Any, path: str) -> Any:
    if value is None:
        _refuse_nothing(path, "null")
    if field.enum_type is not None:
        return words_of(field.enum_type)[value]
    if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        return _double(value, path)
    return _text(value, path) if isinstance(value, str) else value


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        _refuse(path, f"has a key that is {shape.kind(value)}, not a string")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        _refuse(path, "contains a lone surrogate, which is no Unicode character")
    return value


def _double(value: float, path: str) -> float:
    if isinstance(value, int):
        if abs(value) > _EXACT:
            _refuse(path, "is an integer beyond 2**53, which a double cannot hold exactly")
    elif not math.isfinite(value):
        _refuse(path, f"is {value}, which JSON has no number for")
    elif _reads_as_integer(value):
        _refuse(path, f"is {value!r}, which a double cannot tell from {int(value)}")
    return float(value)


def _reads_as_integer(value: float) -> bool:
    """Whether a double comes back as an integer: those that are whole, exact and not -0.0."""
    return value.is_integer() and abs(value) <= _EXACT and not (value == 0 and math.copysign(1, value) < 0)


def _fill_struct(struct: Struct, value: dict[str, Any], path: str, depth: int) -> None:
    _check_depth(path, depth)
    for key, item in value.items():
        where = member(path, key)
        _fill_value(struct.fields[_text(key, where)], item, where, depth + 2)


def _fill_value(message: Value, value: Any, path: str, depth: int) -> None:
    _check_depth(path, depth)
    if value is None:
        message.null_value = NULL_VALUE
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, int | float):
        message.number_value = _double(value, path)
    elif isinstance(value, str):
        message.string_value = _text(value, path)
    elif isinstance(value, dict):
        message.struct_value.SetInParent()
        _fill_struct(message.struct_value, value, path, depth + 1)
    elif isinstance(value, list):
        _check_depth(path, depth + 1)
        message.list_value.SetInParent()
        for index, item in enumerate(value):
            _fill_value(message.list_value.values.add(), item, f"{path}[{index}]", depth + 2)
    else:
        _refuse(path, f"is {shape.kind(value)}, which would come back as something else")


# --- from a message -----------------------------------------------------------------------------------------


def _object(message: Message, path: str, depth: int) -> dict[str, Any]:
    _check(message, path, depth)
    found: dict[str, Any] = {}
    for field, value in message.ListFields():
        where = member(path, field.name)
        convert = _converter(field)
        if is_map(field):
            found[field.name] = _members(value, where, depth + 2, convert)
        elif is_list(field):
            found[field.name] = _items(value, where, depth + 1, convert)
        else:
            found[field.name] = convert(value, where, depth + 1)
    return found


def _check(message: Message, path: str, depth: int) -> None:
    _check_depth(path, depth)
    if len(UnknownFieldSet(message)):
        _refuse(path, f"has fields that {message.DESCRIPTOR.name} of this release has not")


def _members(values: Any, path: str, depth: int, convert: Convert) -> dict[str, Any]:
    return {key: convert(values[key], member(path, key), depth) for key in sorted(values)}


def _items(values: Iterable[Any], path: str, depth: int, convert: Convert) -> list[Any]:
    return [convert(item, f"{path}[{index}]", depth) for index, item in enumerate(values)]


def _converter(field: FieldDescriptor) -> Convert:
    """Return what converts a value of the field, or an item of its list or map."""
    inside = message_in(field)
    if inside is not None:
        free: dict[str, Convert] = {descriptors.STRUCT: _struct, descriptors.VALUE: _value}
        return free.get(inside.full_name, _object)
    if field.enum_type is not None:
        return _word_converter({number: word for word, number in words_of(field.enum_type).items()})
    if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        return lambda value, path, _: _number(value, path)
    return lambda value, _path, _depth: value


def _word_converter(words: dict[int, str]) -> Convert:
    def convert(number: int, path: str, _: int) -> str:
        if number not in words:
            _refuse(path, f"is {number}, which stands for no word")
        return words[number]

    return convert


def _number(value: float, path: str) -> int | float:
    if not math.isfinite(value):
        _refuse(path, f"is {value}, which JSON has no number for")
    return int(value) if _reads_as_integer(value) else value


def _struct(struct: Struct, path: str, depth: int) -> dict[str, Any]:
    _check(struct, path, depth)
    return _members(struct.fields, path, depth + 2, _value)


def _value(message: Value, path: str, depth: int) -> Any:
    _check(message, path, depth)
    match message.WhichOneof("kind"):
        case "null_value":
            return None
        case "number_value":
            return _number(message.number_value, path)
        case "struct_value":
            return _struct(message.struct_value, path, depth + 1)
        case "list_value":
            _check(message.list_value, path, depth + 1)
            return _items(message.list_value.values, path, depth + 2, _value)
        case None:
            _refuse(path, "is a Value without a kind, which JSON has no form for")
        case plain:
            return getattr(message, plain)
