"""Rows become models: checked by pydantic, or, where one of the same columns has been, put together directly.

A result's columns have one type for all its rows, which `wfstore check` has compared with the model, and NULLs where
it has proven them possible. So of many rows pydantic looks at the first; for the others its work would cost more than
that of the server and the driver together (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

Maker = Callable[[Sequence[Any]], Any]
"""Makes what a query promises of the values of a row."""


def checked(model: type[BaseModel] | None, names: tuple[str, ...]) -> Maker:
    """Return what validates each row of these columns; without a model, what takes its first value."""
    if model is None or not names:
        return _first
    validate = model.__pydantic_validator__.validate_python

    def make(values: Sequence[Any]) -> Any:
        return validate(dict(zip(names, values, strict=True)))

    return make


@cache
def direct(model: type[BaseModel] | None, names: tuple[str, ...]) -> Maker:
    """Return what makes equal models of rows like one that has been validated."""
    if model is None or not names or _validates_more(model):
        return checked(model, names)
    values = {name: f"v{place}" for place, name in enumerate(names)}
    known: dict[str, Any] = {"new": object.__new__, "put": object.__setattr__, "model": model, "fields": set(names)}
    for name, value in values.items():
        enum = _enum(model.model_fields[name].annotation)
        if enum is not None:
            known[f"of_{value}"] = {None: None, **{each.value: each for each in enum}}
            values[name] = f"of_{value}[{value}]"
    content = ", ".join(f"{name!r}: {value}" for name, value in values.items())
    # What BaseModel.model_construct does, written out for these columns, as dataclasses do it: one expression for each
    # row, where a loop over its columns takes half as long again. pydantic copies the set before it changes it.
    source = f"""
def make(values):
    {", ".join(f"v{place}" for place in range(len(names)))}, = values
    row = new(model)
    put(row, "__dict__", {{{content}}})
    put(row, "__pydantic_fields_set__", fields)
    put(row, "__pydantic_extra__", None)
    put(row, "__pydantic_private__", None)
    return row
"""
    exec(source, known)  # noqa: S102 - of the model's own field names, which the columns are
    make: Maker = known["make"]
    return make


def _validates_more(model: type[BaseModel]) -> bool:
    """Whether a model checks or changes values beyond their types."""
    rules = model.__pydantic_decorators__
    return bool(rules.field_validators or rules.model_validators or rules.validators or rules.root_validators)


def _enum(annotation: Any) -> type[StrEnum] | None:
    """Return the enumeration that a field's values belong to, optional or annotated as it may be."""
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, StrEnum) else None
    return next((found for each in get_args(annotation) if (found := _enum(each)) is not None), None)


def _first(values: Sequence[Any]) -> Any:
    return values[0]
