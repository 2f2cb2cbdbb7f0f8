"""Hold a query against a live server: it accepts it, and header, model and derivation say what it returns."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import postgast
import psycopg
from pydantic import BaseModel

from wfstore.check.checked import CheckedQuery
from wfstore.check.describe import Refused
from wfstore.check.examined import Examined, examine
from wfstore.check.fields import model_findings
from wfstore.check.finding import Finding
from wfstore.check.refusals import nearest, refusal_finding
from wfstore.check.types import Annotation, ServerTypes
from wfstore.queryfiles.query import SCALARS


def live_findings(connection: psycopg.Connection[Any], query: CheckedQuery, models: ModuleType) -> list[Finding]:
    """Return what a server with the migrations applied, and the models, have against a query.

    Nothing is executed, and the transaction that it is prepared in is rolled back. The connection must be allowed
    to work as the roles that run queries: a superuser's is. Text that PostgreSQL's parser refuses is a finding
    of the static checks, and none here.
    """
    try:
        _ = query.tree
    except postgast.PgQueryError:
        return []
    types = ServerTypes(connection)
    try:
        examined = examine(connection, query, models, types)
    except Refused as refusal:
        return [refusal_finding(connection, query, refusal)]
    findings = [*_parameter_findings(examined), *_result_findings(connection, examined, models)]
    return [*findings, *_exception_findings(examined)]


def _parameter_findings(examined: Examined) -> Iterator[Finding]:
    sql = examined.query.sql
    for number, type in enumerate(examined.description.parameters, 1):
        if not type.known:
            name = sql.parameters[number - 1]
            yield examined.query.finding(
                "parameter-type",
                max(sql.text.find(f"${number}"), 0),
                f"parameter :{name} is {type.name} to the server, for which Python has no type",
                "Take text, and cast it: `:name::text::type`.",
            )


def _result_findings(connection: psycopg.Connection[Any], examined: Examined, models: ModuleType) -> Iterator[Finding]:
    returns, shape = examined.returns, examined.query.header.shape
    if not returns.known:
        names = [name for name, each in vars(models).items() if _is_model(each)]
        yield examined.returns_finding(
            "missing-model",
            f"{returns.name} is neither a model of {models.__name__} nor a type of single values",
            nearest(returns.name, [*names, *SCALARS]),
        )
    elif shape == "count":
        if returns.scalar is not int or returns.optional:
            yield examined.returns_finding("field-type", "a query with the suffix ! returns a number of rows: int")
    elif returns.model is not None:
        yield from model_findings(connection, examined, returns.model)
    else:
        yield from _value_findings(examined)


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _value_findings(examined: Examined) -> Iterator[Finding]:
    """Findings about a result that is one column."""
    returns, columns = examined.returns, examined.description.columns
    if len(columns) != 1:
        names = ", ".join(column.name for column in columns) or "none"
        yield examined.returns_finding(
            "missing-model", f"{returns.name} is one value, and the statement returns {len(columns)} columns: {names}"
        )
        return
    if returns.scalar is not None and not Annotation.of(returns.scalar).fits(columns[0].type):
        message = f"the header says {returns.name}, and the column is {columns[0].type.name}"
        yield examined.column_finding(0, "field-type", message, columns[0].type.advice)
    if returns.scalar is None:
        return
    optional = examined.value_is_optional()
    if optional and not returns.optional:
        why = f"{columns[0].name} can be NULL" if examined.nullable(0) else "there may be no row"
        yield examined.returns_finding(
            "nullability",
            f"{why}, and the header says {returns.name}",
            f"Write {returns.name}|None; or, where it cannot be, `-- not-null: {columns[0].name} (reason)`.",
        )
    if returns.optional and not optional and columns[0].name not in examined.excepted("unseen"):
        yield examined.returns_finding(
            "nullability",
            f"{columns[0].name} is never NULL, and the header says {returns.name}|None",
            f"Write {returns.name}; or, if it is to stay, `-- unseen: {columns[0].name} (reason)`.",
        )


def _exception_findings(examined: Examined) -> Iterator[Finding]:
    """Find exceptions about columns that there are not, or that say what is so anyhow."""
    names = {column.name: index for index, column in enumerate(examined.description.columns)}
    for each in examined.query.header.exceptions:
        if each.kind == "allow":
            continue
        message = None
        if each.subject not in names:
            message = f"the result has no column {each.subject}"
        elif each.kind == "not-null" and not examined.derived_nullable(names[each.subject]):
            message = f"{each.subject} is never NULL anyhow"
        elif each.kind == "nullable" and examined.derived_nullable(names[each.subject]):
            message = f"{each.subject} can be NULL anyhow"
        if message is not None:
            hint = nearest(each.subject, names) if each.subject not in names else None
            query = examined.query
            yield Finding("bad-exception", query.path, each.line, each.column, message, hint, query.name)
