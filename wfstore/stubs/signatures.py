"""From an examined query to the signature of its method.

A parameter may be None where the statement makes something of that: it is written into a nullable column as it
is, it is an argument of `coalesce` before the last, or it is tested by `IS NULL`, `IS NOT DISTINCT FROM` and the
like. The elements of an array parameter may be None where `unnest` makes such a column of them. A parameter cast to
jsonb takes any JSON value, None (which is SQL's NULL) among them.
"""

from __future__ import annotations

from dataclasses import dataclass

from wfstore.check.examined import Examined
from wfstore.check.scope import Flow


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a query."""

    name: str
    annotation: str


@dataclass(frozen=True, slots=True)
class Signature:
    """A query as a method, apart from its face and whatever comes before its parameters."""

    name: str
    parameters: tuple[Parameter, ...]
    result: str
    doc: str
    models: tuple[str, ...]
    """What of the models' package the result names."""


def signature_of(examined: Examined) -> Signature:
    """Return the signature of a query's method."""
    header = examined.query.header
    doc = header.doc
    if "raises" in header.directives:
        doc += f"\n\nRaises: {header.directives['raises']}."
    model = examined.returns.model
    return Signature(
        name=header.name,
        parameters=tuple(Parameter(name, _annotation(examined, name)) for name in header.parameters),
        result=_result(examined),
        doc=doc,
        models=(model.__name__,) if model is not None and header.shape != "count" else (),
    )


def _annotation(examined: Examined, name: str) -> str:
    number = examined.query.sql.parameters.index(name) + 1
    if number > len(examined.description.parameters):
        return "str"  # a utility statement: the driver puts it into the text
    accepts = examined.derived.accepts_none
    type = examined.description.parameters[number - 1]
    annotation = type.spelled(optional_elements=Flow(number, element=True) in accepts)
    return f"{annotation} | None" if Flow(number) in accepts and annotation != "Any" else annotation


def _result(examined: Examined) -> str:
    returns = examined.returns
    name = returns.name
    match examined.query.header.shape:
        case "count":
            return "int"
        case "list":
            return f"list[{name} | None]" if returns.optional else f"list[{name}]"
        case _ if returns.model is not None:
            return name if examined.derived.one_row else f"{name} | None"
        case _:
            return f"{name} | None" if returns.optional and name != "None" else name
