"""The classes that queries have for type checkers, as they are at run time: all namespaces are alike.

What checkers and editors read is `typed.pyi` beside this module, which `wfstore stubs` writes.
"""

from __future__ import annotations

from wfstore.aio.namespaces import AsyncNamespace
from wfstore.aio.queries import AsyncQueries as AsyncTypedQueries

__all__ = ["AsyncTypedQueries"]


def __getattr__(name: str) -> type[AsyncNamespace]:
    if name.endswith("Namespace"):
        return AsyncNamespace
    raise AttributeError(f"module {__name__} has no attribute {name}")
