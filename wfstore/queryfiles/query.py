"""One named statement: its text, its parameters, and what its rows become."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel

from wfstore.errors import InvalidInput
from wfstore.jsonb import JsonText, keeping_floats

Shape = Literal["list", "one", "value", "count"]

SCALARS: Mapping[str, type | None] = {
    "int": int,
    "float": float,
    "Decimal": Decimal,
    "str": str,
    "bool": bool,
    "UUID": UUID,
    "datetime": datetime,
    "None": None,
}
"""What `-- returns:` may name besides a model."""


@dataclass(frozen=True, slots=True)
class Query:
    """A statement of a query file."""

    namespace: str
    name: str
    text: str
    """The statement in psycopg's form, with `%(name)s` for parameters."""
    shape: Shape
    parameters: tuple[str, ...]
    json_parameters: Mapping[str, bool]
    """Parameters cast to jsonb; True where it is an array of them."""
    result: type[BaseModel] | type | None
    """The model of a row, or the type of a single value."""
    doc: str
    directives: Mapping[str, str]
    location: str
    reads_only: bool
    """Whether it changes nothing, as far as its own text says."""

    def __str__(self) -> str:
        return f"{self.namespace}.{self.name}"

    @property
    def repeatable(self) -> bool:
        """Whether running it twice leaves the database as running it once does."""
        return self.reads_only or self.directives.get("repeat") == "safe"

    @property
    def binds_on_client(self) -> bool:
        """Whether its parameters are put into the text: utility statements take none from the server."""
        return self.directives.get("binding") == "client"

    @property
    def is_planned_anew(self) -> bool:
        """Whether it is planned for its arguments each time, never kept as a plan for all."""
        return self.directives.get("plan") == "custom"

    @property
    def model(self) -> type[BaseModel] | None:
        """The model of its rows, if they become one."""
        if isinstance(self.result, type) and issubclass(self.result, BaseModel):
            return self.result
        return None

    def signature(self) -> inspect.Signature:
        """The signature of its method: a connection, then its parameters by name."""
        parameters = [inspect.Parameter("connection", inspect.Parameter.POSITIONAL_ONLY)]
        parameters += [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in self.parameters]
        return inspect.Signature(parameters, return_annotation=self._annotation())

    def bind(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Check the names of the arguments and make JSON of those that are it; TypeError on a wrong name."""
        if arguments.keys() != set(self.parameters):
            missing = sorted(set(self.parameters) - arguments.keys())
            unknown = sorted(arguments.keys() - set(self.parameters))
            problems = [f"lacks {', '.join(missing)}"] if missing else []
            problems += [f"has no parameter {', '.join(unknown)}"] if unknown else []
            raise TypeError(f"{self} {' and '.join(problems)}")
        if not self.json_parameters:
            return dict(arguments)
        bound = dict(arguments)
        for name, is_array in self.json_parameters.items():
            value = bound[name]
            if is_array:
                bound[name] = to_json_array(value, name)
            else:
                bound[name] = to_json(value, name)
        return bound

    def row_factory(self, cursor: Any) -> Callable[[Sequence[Any]], Any]:
        """Make what psycopg calls for each row: a model by column name, or the first column."""
        model = self.model
        if model is None:
            return _first
        if cursor.description is None:
            return _first
        names = [column.name for column in cursor.description]
        validate = model.__pydantic_validator__.validate_python

        def make(values: Sequence[Any]) -> Any:
            return validate(dict(zip(names, values, strict=True)))

        return make

    def _annotation(self) -> Any:
        match self.shape:
            case "count":
                return int
            case "list":
                return list[self.result]  # type: ignore[name-defined]
            case "one":
                return self.result | None if self.result else None
            case _:
                return self.result


def to_json(value: Any, name: str) -> str | None:
    """Serialize a value for a jsonb parameter; bytes are JSON already, None is SQL's NULL. Floats stay floats.

    Raises:
        InvalidInput: it is not JSON (a lone surrogate, an integer beyond 64 bits, an unknown type, bytes that are
            not UTF-8).
    """
    if value is None or type(value) is JsonText:
        return value
    try:
        if isinstance(value, bytes):
            return keeping_floats(value, is_ours=False).decode()
        return keeping_floats(orjson.dumps(value)).decode()
    except (orjson.JSONEncodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{name} is not JSON that can be stored: {error}") from error


def to_json_array(values: Iterable[Any], name: str) -> str:
    """Serialize values for a jsonb[] parameter, as PostgreSQL writes arrays: psycopg takes ten times as long for lists.

    Raises:
        InvalidInput: as of `to_json`.
    """
    texts = [to_json(value, name) for value in values]
    return "{" + ",".join(["NULL" if text is None else _quoted(text) for text in texts]) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _first(values: Sequence[Any]) -> Any:
    return values[0]
