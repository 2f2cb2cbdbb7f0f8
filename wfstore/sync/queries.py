# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""The queries as methods: `queries.workflows.get(connection, tenant_id=..., id=...)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg import Connection

from wfstore.queryfiles.catalogue import Catalogue
from wfstore.queryfiles.query import Query
from wfstore.sync.calling import call


class QueryNamespace:
    """The queries of one file. Each is a method that takes a connection and its parameters by name."""

    def __init__(self, name: str, queries: dict[str, Callable[..., Any]]) -> None:
        self._name = name
        self.__dict__.update(queries)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(f"queries.{self._name} has no query {name}; it has {', '.join(dir(self))}")

    def __dir__(self) -> list[str]:
        return sorted(name for name in self.__dict__ if not name.startswith("_"))

    def __repr__(self) -> str:
        return f"<queries.{self._name}: {', '.join(dir(self))}>"


class Queries:
    """All namespaces of a folder of query files."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        for name, queries in catalogue.namespaces.items():
            methods = {query.name: _method(query) for query in queries.values()}
            self.__dict__[name] = QueryNamespace(name, methods)

    def __getattr__(self, name: str) -> QueryNamespace:
        raise AttributeError(f"there is no query file {name}.sql; there are {', '.join(dir(self))}")

    def __dir__(self) -> list[str]:
        return sorted(self._catalogue.namespaces)

    def __repr__(self) -> str:
        return f"<queries: {', '.join(dir(self))}>"


def _method(query: Query) -> Callable[..., Any]:
    def method(connection: Connection[Any], /, **arguments: Any) -> Any:
        return call(query, connection, arguments)

    method.__name__ = query.name
    method.__qualname__ = f"queries.{query}"
    method.__doc__ = query.doc
    method.__signature__ = query.signature()  # type: ignore[attr-defined]
    method.query = query  # type: ignore[attr-defined]
    return method
