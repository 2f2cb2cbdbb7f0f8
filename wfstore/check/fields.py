"""Compare the columns of a result with the fields of its model."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import postgast
import psycopg
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from wfstore.catalogue import CATALOGUE
from wfstore.check.describe import DescribedColumn
from wfstore.check.examined import Examined
from wfstore.check.finding import Finding
from wfstore.check.refusals import nearest
from wfstore.check.static.tree import kind_of_expression, within
from wfstore.check.types import Annotation
from wfstore.sync.calling import call


def model_findings(
    connection: psycopg.Connection[Any], examined: Examined, model: type[BaseModel]
) -> Iterator[Finding]:
    """Hold each column against its field, and look for fields without a column."""
    fields = {_alias(name, field): field for name, field in model.model_fields.items()}
    columns = examined.description.columns
    seen: set[str] = set()
    for index, column in enumerate(columns):
        if column.name in seen:
            yield examined.column_finding(
                index, "missing-field", f"two columns of the result are called {column.name}", "Give one an alias."
            )
        elif column.name not in fields:
            free = fields.keys() - {each.name for each in columns}
            hint = nearest(column.name, free) or f"{model.__name__} has {', '.join(fields)}"
            yield examined.column_finding(index, "missing-field", f"{model.__name__} has no field {column.name}", hint)
        else:
            yield from _field_findings(connection, examined, model, index, fields[column.name])
        seen.add(column.name)
    for name, field in fields.items():
        if name not in seen and field.is_required():
            free = {column.name for column in columns} - fields.keys()
            yield examined.returns_finding(
                "extra-field", f"{model.__name__} wants {name}, and the statement returns none", nearest(name, free)
            )


def _alias(name: str, field: FieldInfo) -> str:
    return field.validation_alias if isinstance(field.validation_alias, str) else field.alias or name


def _field_findings(
    connection: psycopg.Connection[Any],
    examined: Examined,
    model: type[BaseModel],
    index: int,
    field: FieldInfo,
) -> Iterator[Finding]:
    column = examined.description.columns[index]
    where = f"{model.__name__}.{column.name}"
    annotation = Annotation.of(field.annotation, tuple(field.metadata))
    if not annotation.fits(column.type):
        message = f"{where} is {spelled(field.annotation)}, and the column is {column.type.name}"
        yield examined.column_finding(index, "field-type", message, column.type.advice)
    elif _refuses_text(annotation, model):
        yield examined.column_finding(
            index,
            "field-type",
            f"{where} is an enumeration in a strict model, which takes no text for it",
            "Write Annotated[..., Field(strict=False)].",
        )
    else:
        yield from _vocabulary_findings(connection, examined, index, annotation, where)
    yield from _nullability_findings(examined, index, annotation, where)


def _refuses_text(annotation: Annotation, model: type[BaseModel]) -> bool:
    if not model.model_config.get("strict") or not any(
        isinstance(member, type) and issubclass(member, Enum) for member in annotation.members
    ):
        return False
    # inside a union it is still a Field, which holds what it says
    told = [part for each in annotation.metadata for part in (each, *getattr(each, "metadata", ()))]
    return not any(getattr(part, "strict", None) is False for part in told)


def _vocabulary_findings(
    connection: psycopg.Connection[Any], examined: Examined, index: int, annotation: Annotation, where: str
) -> Iterator[Finding]:
    """A word that the table allows and the model does not know would fail the first time that it is read."""
    words = annotation.vocabulary
    allowed = allowed_words(connection, examined.description.columns[index])
    if words and allowed is not None and allowed - words:
        yield examined.column_finding(
            index, "field-type", f"{where} does not know {', '.join(sorted(allowed - words))}, which its CHECK allows"
        )


def allowed_words(connection: psycopg.Connection[Any], column: DescribedColumn) -> frozenset[str] | None:
    """Return the words that a column's CHECK constraint lists; None where there is no such constraint."""
    if column.table_oid == 0 or column.type.element is not str:
        return None
    place = {"table_oid": column.table_oid, "column_number": column.table_column}
    for definition in call(CATALOGUE["checks.check_constraints"], connection, place):
        tree = postgast.parse("SELECT " + definition.removeprefix("CHECK ").removesuffix(" NOT VALID"))
        for node in within(tree, "A_Expr"):
            if kind_of_expression(node) in ("AEXPR_OP_ANY", "AEXPR_IN"):
                return frozenset(constant.sval.sval for constant in within(node.rexpr, "A_Const"))
    return None


def _nullability_findings(examined: Examined, index: int, annotation: Annotation, where: str) -> Iterator[Finding]:
    name = examined.description.columns[index].name
    if examined.nullable(index) and not annotation.optional:
        yield examined.column_finding(
            index,
            "nullability",
            f"{name} can be NULL, and {where} is never None",
            f"Make the field `... | None`; or, where it cannot be, say `-- not-null: {name} (reason)`.",
        )
    if annotation.optional and not examined.nullable(index) and name not in examined.excepted("unseen"):
        yield examined.column_finding(
            index,
            "nullability",
            f"{name} is never NULL, and {where} may be None",
            f"Take `| None` from the field; or, if it is to stay, say `-- unseen: {name} (reason)`.",
        )


def spelled(annotation: Any) -> str:
    """Return an annotation as people write it."""
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
