"""Which n8n key is which field of the document, and how a key that fits no field is kept.

A key whose value has the type of its field becomes the field. Everything else (unknown keys, odd values, null)
is kept as it is in the residue: `meta.n8n` of the same level, with

    rest     keys of n8n as they were
    filled   fields that the document needs and the export does not give: what the importer put there
    without  keys that every n8n export has and this one had not

A field that was changed since is written over what the residue says of its key.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_INT4 = range(2**31)
_EXACT_AS_DOUBLE = 2**53


@dataclass(frozen=True, slots=True)
class Field:
    """How one key of n8n and fields of the document become each other."""

    key: str
    read: Callable[[Any], Json | None]
    """Fields for a value of the key; None where the value does not fit."""
    write: Callable[[Json], Any]
    """The value of the key for an object of the document; None where it has none."""


def is_text(value: Any) -> bool:
    """Whether it is a string."""
    return isinstance(value, str)


def is_filled_text(value: Any) -> bool:
    """Whether it is a string that is not empty."""
    return isinstance(value, str) and value != ""


def is_flag(value: Any) -> bool:
    """Whether it is true or false."""
    return isinstance(value, bool)


def is_object(value: Any) -> bool:
    """Whether it is an object."""
    return isinstance(value, dict)


def is_anything(value: Any) -> bool:
    """Whether it is there at all: in a document, null is as good as absent."""
    return value is not None


def is_count(value: Any) -> bool:
    """Whether it is a whole number, not negative, of 32 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and value in _INT4


def is_double(value: Any) -> bool:
    """Whether it is a number that a double holds exactly."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _EXACT_AS_DOUBLE


def plain(key: str, name: str, fits: Callable[[Any], bool]) -> Field:
    """A key whose value is the field's, where it fits."""

    def read(value: Any) -> Json | None:
        return {name: value} if fits(value) else None

    def write(holder: Json) -> Any:
        value = holder.get(name)
        return value if fits(value) else None

    return Field(key, read, write)


def _read_position(value: Any) -> Json | None:
    if isinstance(value, list) and len(value) == 2 and all(map(is_double, value)):
        return {"position_x": value[0], "position_y": value[1]}
    return None


def _write_position(holder: Json) -> Any:
    position = [holder.get("position_x"), holder.get("position_y")]
    if position == [None, None]:
        return None
    return [0 if number is None else number for number in position]


def _read_webhook(value: Any) -> Json | None:
    return {"webhooks": [value]} if isinstance(value, str) else None


def _write_webhook(holder: Json) -> Any:
    webhooks = holder.get("webhooks")
    return webhooks[0] if webhooks else None


_POSITION = Field("position", _read_position, _write_position)

WORKFLOW = (
    plain("name", "name", is_filled_text),
    plain("description", "description", is_text),
    plain("staticData", "static_data", is_anything),
)
"""`nodes`, `connections`, `pinData`, `tags` and `settings` have modules or tables of their own."""
WORKFLOW_ALWAYS: Json = {"active": False, "connections": {}, "settings": {}}

SETTINGS = (
    plain("timezone", "timezone", is_text),
    plain("executionTimeout", "execution_timeout", is_count),
)

NODE = (
    plain("id", "node_id", is_filled_text),
    plain("name", "name", is_filled_text),
    plain("type", "node_subtype", is_filled_text),
    plain("typeVersion", "type_version", is_double),
    _POSITION,
    plain("parameters", "parameters", is_object),
    plain("credentials", "credentials", is_object),
    plain("disabled", "disabled", is_flag),
    plain("notes", "notes", is_text),
    plain("description", "description", is_text),
    plain("waitBetweenTries", "retry_wait_time", is_count),
    Field("webhookId", _read_webhook, _write_webhook),
)
"""onError, continueOnFail, retryOnFail and maxTries are in failures.py."""
NODE_ALWAYS: Json = {"parameters": {}, "typeVersion": 1, "position": [0, 0]}

STICKY_NOTE = "n8n-nodes-base.stickyNote"
ANNOTATION = (plain("id", "annotation_id", is_filled_text), plain("name", "name", is_text), _POSITION)
ANNOTATION_PARAMETERS = (
    plain("content", "text", is_text),
    plain("width", "width", is_double),
    plain("height", "height", is_double),
    plain("color", "color", is_anything),
)
ANNOTATION_ALWAYS: Json = {"parameters": {}, "typeVersion": 1, "position": [0, 0]}


def split(table: Iterable[Field], raw: Json) -> tuple[Json, Json]:
    """Return the fields that an object of n8n gives, and the keys that give none."""
    fields: Json = {}
    rest = dict(raw)
    for field in table:
        if field.key in raw:
            found = field.read(raw[field.key])
            if found is not None:
                fields |= found
                del rest[field.key]
    return fields, rest


def join(table: Iterable[Field], holder: Json, residue: Json, always: Mapping[str, Any]) -> Json:
    """Return the object of n8n: what the residue keeps, under what the fields say, and what is always there."""
    filled = part(residue, "filled")
    own = {name: value for name, value in holder.items() if name not in filled or filled[name] != value}
    raw = dict(part(residue, "rest"))
    for field in table:
        value = field.write(own)
        if value is not None:
            raw[field.key] = value
    return completed(raw, residue, always)


def completed(raw: Json, residue: Json, always: Mapping[str, Any]) -> Json:
    """Return the object of n8n with what is always there, but for what was not."""
    without = items(residue, "without")
    return raw | {key: deepcopy(value) for key, value in always.items() if key not in raw and key not in without}


def missing(raw: Json, always: Iterable[str]) -> list[str]:
    """Return the keys that are always there and are not, sorted."""
    return sorted(key for key in always if key not in raw)


def residue_of(holder: Json) -> Json:
    """Return what `meta.n8n` of an object of the document holds, or nothing."""
    return part(part(holder, "meta"), "n8n")


def filled_with(holder: Json, name: str) -> Any:
    """Return what the importer put into a field that the export did not give; None where it gave it."""
    return part(residue_of(holder), "filled").get(name)


def with_residue(holder: Json, residue: Json) -> Json:
    """Return the object with what is there of a residue as its `meta.n8n`."""
    kept = {name: value for name, value in residue.items() if value}
    return holder | {"meta": {"n8n": kept}} if kept else holder


def part(holder: Json, key: str) -> Json:
    """Return an object's member that is an object; an empty one where it is anything else."""
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def items(holder: Json, key: str) -> list[Any]:
    """Return an object's member that is a list; an empty one where it is anything else."""
    value = holder.get(key)
    return value if isinstance(value, list) else []
