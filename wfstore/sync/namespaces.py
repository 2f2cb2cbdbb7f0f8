# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""What a store offers beside its own methods: every query of a file, with tenant and transaction seen to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wfstore.sync.calling import Call
from wfstore.sync.running import Runner


class Namespace:
    """The queries of one file as methods of a store.

    `store.users.get(id=...)` runs `queries.users.get` for the store's tenant: `tenant_id` is filled in, and
    outside a transaction of the caller's the call has one of its own.
    """

    def __init__(self, runner: Runner, name: str) -> None:
        self._runner = runner
        self._name = name
        self._queries = runner.catalogue.namespaces[name]

    def _call(self, name: str, /, **arguments: Any) -> Call:
        """Prepare a call of this namespace, `namespace.query` of another."""
        query = self._runner.catalogue[name] if "." in name else self._queries[name]
        if "tenant_id" in query.parameters:
            arguments.setdefault("tenant_id", self._runner.tenant_id)
        return Call(query, arguments)

    def _run(self, name: str, /, **arguments: Any) -> Any:
        [result] = self._runner.run(self._call(name, **arguments))
        return result

    # Type checkers see the queries in `typed.pyi`, and must not take any other name for one.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Any]:
            return self._method(name)

    def _method(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self._queries:
            raise AttributeError(f"store.{self.__dict__.get('_name')} has no {name}; it has {', '.join(dir(self))}")
        query = self._queries[name]

        def method(**arguments: Any) -> Any:
            return self._run(name, **arguments)

        method.__name__ = name
        method.__doc__ = query.doc
        return method

    def __dir__(self) -> list[str]:
        own = [name for name in super().__dir__() if not name.startswith("_")]
        return sorted({*own, *self.__dict__.get("_queries", ())})
