"""Load a folder of query files: one file, one namespace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import aiosql
from aiosql.types import QueryDatum
from pydantic import BaseModel

from wfstore.errors import QueryFileError
from wfstore.queryfiles.query import SCALARS, Query
from wfstore.queryfiles.scan import Statement, Token, scan, tokens


class Catalogue:
    """The queries of a folder, by namespace and name."""

    def __init__(self, folder: Path, models: ModuleType) -> None:
        """Load every `.sql` file of `folder`; results are looked up in `models`.

        Raises:
            QueryFileError: a file breaks a rule; the message begins with `file:line`.
        """
        files = sorted(folder.glob("*.sql"))
        if not files:
            raise QueryFileError(f"{folder}: holds no query files (*.sql)")
        self.namespaces: Mapping[str, Mapping[str, Query]] = {path.stem: _load(path, models) for path in files}

    def __getitem__(self, name: str) -> Query:
        """Return the query called `namespace.name`; KeyError when there is none."""
        namespace, _, query = name.partition(".")
        return self.namespaces[namespace][query]

    def __iter__(self) -> Iterator[Query]:
        for namespace in self.namespaces.values():
            yield from namespace.values()


class _Collected:
    """Takes the place of aiosql's Queries: we want what it read, not the methods it would make."""

    def __init__(self, driver_adapter: Any, kwargs_only: bool) -> None:
        self.data: dict[str, QueryDatum] = {}

    def load_from_list(self, data: list[QueryDatum]) -> _Collected:
        self.data = {datum.query_name: datum for datum in data}
        return self


def _load(path: Path, models: ModuleType) -> dict[str, Query]:
    statements = scan(path)
    try:
        collected = aiosql.from_path(path, "psycopg", queries_cls=_Collected, encoding="utf-8")  # type: ignore[arg-type]
    except aiosql.SQLParseException as error:
        raise QueryFileError(str(error), category="header", path=path) from error
    data: dict[str, QueryDatum] = collected.data
    for statement in statements:
        _compare(statement, data)
    return {s.header.name: _query(path.stem, s, data[s.header.name], models) for s in statements}


def _compare(statement: Statement, data: dict[str, QueryDatum]) -> None:
    """Hold aiosql's reading against ours: the rules of `traps` are for the messages, this is for certainty."""
    header = statement.header
    ours: list[str] = []
    for token in statement.tokens:
        ours += ["%", "(", token.text[1:], ")", "s"] if token.kind == "parameter" else [token.text]
    text = data[header.name].sql if header.name in data else ""
    theirs = [token.text for token in tokens(text) if token.kind not in ("comment", "space")]
    if ours != theirs:
        message = f"aiosql reads {header.name} otherwise than PostgreSQL does"
        raise QueryFileError(message, category="misread", path=header.path, line=header.line)


def _query(namespace: str, statement: Statement, datum: QueryDatum, models: ModuleType) -> Query:
    header = statement.header
    return Query(
        namespace=namespace,
        name=header.name,
        text=datum.sql,
        shape=header.shape,
        parameters=header.parameters,
        casts=_casts(statement.tokens),
        result=_result(statement, models),
        doc=header.doc,
        directives=header.directives,
        location=header.location,
        reads_only=_reads_only(statement.tokens),
    )


def _result(statement: Statement, models: ModuleType) -> type[BaseModel] | type | None:
    header = statement.header
    name = header.directives["returns"].removesuffix("|None")
    if name in SCALARS:
        return SCALARS[name]
    model = getattr(models, name, None)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return model
    message = f"returns {name}, which is neither a model nor one of {', '.join(SCALARS)}"
    raise QueryFileError(message, category="missing-model", path=header.path, line=header.line)


def _casts(body: list[Token]) -> dict[str, str]:
    """The types that parameters are cast to; the first one counts."""
    found: dict[str, str] = {}
    for index, token in enumerate(body):
        following = [other.text.lower() for other in body[index + 1 : index + 6]]
        if token.kind == "parameter" and following[:1] == ["::"]:
            name = " ".join(following[1:3]) if following[1:3] == ["double", "precision"] else following[1]
            is_array = following[1 + len(name.split()) :][:2] == ["[", "]"]
            found.setdefault(token.text[1:], f"{name}[]" if is_array else name)
    return found


def _reads_only(body: list[Token]) -> bool:
    words = [token.text.upper() for token in body if token.kind == "word"]
    if not words or words[0] not in ("SELECT", "WITH", "VALUES", "TABLE", "SHOW"):
        return False
    if "INSERT" in words or "DELETE" in words:
        return False
    return not any(word == "UPDATE" and words[i - 1] not in ("FOR", "KEY") for i, word in enumerate(words))
