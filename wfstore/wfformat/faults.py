"""What pydantic found wrong with a JSON value, as one sentence that begins with the path of the fault."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, FailFast, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from wfstore.errors import InvalidDocument

_MAX_INT64 = 2**63 - 1
_SHOWN = 60

_EXPECTED = {
    "string_type": "a string",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}

Model = TypeVar("Model", bound=BaseModel)
Item = TypeVar("Item")


def validated(model: type[Model], value: Any) -> Model:
    """`value` as `model`, or `InvalidDocument` for the first fault in it."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = json_path(fault["loc"]) or "the document"
        raise InvalidDocument(f"{where}: {_sentence(fault['type'], fault['msg'], fault['input'])}") from None


def json_path(keys: Sequence[str | int]) -> str:
    """`("tasks", 3, "id")` as `tasks[3].id`."""
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return path.removeprefix(".")


def fault(message: str) -> PydanticCustomError:
    """What a validator raises, with the text that follows the path."""
    return PydanticCustomError("wfstore", "{reason}", {"reason": message})


def quoted(text: str) -> str:
    """`text` in quotes, with escapes, and cut: what a file calls a name may be megabytes of anything."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def named(value: Any) -> str:
    """What kind of JSON value this is, with the value itself where that is short."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value!r}"
        case str():
            return "a string"
        case _:
            return "a list" if isinstance(value, list) else "an object"


def _sentence(kind: str, message: str, found: Any) -> str:
    if kind == "missing":
        return "is missing"
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}, is {named(found)}"
    return message


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fault(f"must be a number, is {named(value)}")
    if not math.isfinite(value):
        raise fault("must be a finite number")
    return value


def _amount(value: Any) -> int | float:
    if (number := _number(value)) < 0:
        raise fault(f"must not be negative, is {named(number)}")
    return number


def _count(value: Any) -> int:
    amount = _amount(value)
    if amount != int(amount):
        raise fault(f"must be a whole number, is {named(amount)}")
    if amount > _MAX_INT64:
        raise fault("is too large: it must be below 2^63")
    return int(amount)


def _filled(value: Any) -> Any:
    if value == "":
        raise fault("must not be empty")
    return value


# An integer stays one and a float stays one: pydantic's own `float` would make 1.0 of 1.
Number = Annotated[int | float, PlainValidator(_number)]
"""A finite JSON number, as it was written."""
Amount = Annotated[int | float, PlainValidator(_amount)]
"""A `Number` that is not negative."""
Count = Annotated[int, PlainValidator(_count)]
"""A whole number from 0 to 2^63 - 1; 12.0 counts as 12."""
Text = Annotated[str, BeforeValidator(_filled)]
"""A string of at least one character."""
Items = Annotated[list[Item], FailFast()]
"""A list, read up to its first fault: of a file of the wrong kind, each of many thousand items may have one."""
