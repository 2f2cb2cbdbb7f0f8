# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""The classes that queries have for type checkers, as they are at run time: all namespaces are alike.

What checkers and editors read is `typed.pyi` beside this module, which `wfstore stubs` writes.
"""

from __future__ import annotations

from wfstore.sync.namespaces import Namespace
from wfstore.sync.queries import Queries as TypedQueries

__all__ = ["TypedQueries"]


def __getattr__(name: str) -> type[Namespace]:
    if name.endswith("Namespace"):
        return Namespace
    raise AttributeError(f"module {__name__} has no attribute {name}")
