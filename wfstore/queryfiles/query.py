"""One named statement: its text, its parameters, and what its rows become."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from wfstore.jsonb import json_bytes
from wfstore.queryfiles.rows import Maker, checked
from wfstore.wire.statement import Statement, compiled

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


@dataclass(frozen=True, eq=False)
class Query:
    """A statement of a query file."""

    namespace: str
    name: str
    text: str
    """The statement in psycopg's form, with `%(name)s` for parameters."""
    shape: Shape
    parameters: tuple[str, ...]
    casts: Mapping[str, str]
    """The types that parameters are cast to, arrays with `[]`; a parameter without a cast is not there."""
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

    @cached_property
    def statement(self) -> Statement:
        """The statement in the server's form."""
        return compiled(self.text, self.casts)

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

    def check_names(self, arguments: Mapping[str, Any]) -> None:
        """Raise TypeError unless the arguments have the parameters' names."""
        if arguments.keys() != self._names:
            missing = sorted(self._names - arguments.keys())
            unknown = sorted(arguments.keys() - self._names)
            problems = [f"lacks {', '.join(missing)}"] if missing else []
            problems += [f"has no parameter {', '.join(unknown)}"] if unknown else []
            raise TypeError(f"{self} {' and '.join(problems)}")

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.parameters)

    def bind(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Check the names of the arguments and make JSON of those that are it; TypeError on a wrong name."""
        self.check_names(arguments)
        bound = dict(arguments)
        for name, cast in self.casts.items():
            if cast == "jsonb":
                bound[name] = to_json(bound[name], name)
            elif cast == "jsonb[]":
                bound[name] = to_json_array(bound[name], name)
        return bound

    def row_factory(self, cursor: Any) -> Maker:
        """Return what psycopg calls for each row, from the columns that its cursor names."""
        return checked(self.model, tuple(column.name for column in cursor.description or ()))

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
    """Serialize a value for a jsonb parameter, as `json_bytes` does."""
    text = json_bytes(value, name)
    return None if text is None else text.decode()


def to_json_array(values: Iterable[Any], name: str) -> str:
    """Serialize values for a jsonb[] parameter, as PostgreSQL writes arrays: psycopg takes ten times as long for lists.

    Raises:
        InvalidInput: as of `json_bytes`.
    """
    texts = [to_json(value, name) for value in values]
    return "{" + ",".join(["NULL" if text is None else _quoted(text) for text in texts]) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
