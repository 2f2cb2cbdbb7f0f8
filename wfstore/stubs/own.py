"""wfstore's own stubs: `typed.pyi` of each face, beside the module that is their run time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from wfstore.aio.store import AsyncNamespaces
from wfstore.catalogue import CATALOGUE
from wfstore.ids import DEFAULT_TENANT
from wfstore.stubs.describing import Namespace
from wfstore.stubs.rendering import Style, own_module

_PACKAGE = Path(__file__).resolve().parent.parent
STUBS = {"async": _PACKAGE / "aio" / "typed.pyi", "sync": _PACKAGE / "sync" / "typed.pyi"}


def own_stubs(namespaces: Sequence[Namespace]) -> dict[Path, str]:
    """Return the text of each of wfstore's stubs."""
    of_store = namespaces_of_store()
    return {
        STUBS["async"]: own_module(namespaces, Style("async"), "wfstore.models", of_store),
        STUBS["sync"]: own_module(namespaces, Style("sync"), "wfstore.models", of_store),
    }


def namespaces_of_store() -> dict[str, frozenset[str]]:
    """Return the namespaces that a store has, with the methods that stand in front of queries of the same name."""
    runner: Any = SimpleNamespace(catalogue=CATALOGUE, tenant_id=DEFAULT_TENANT)
    found = {}
    for name, namespace in vars(AsyncNamespaces(runner)).items():
        if name in CATALOGUE.namespaces:
            written = {attribute for cls in type(namespace).__mro__ for attribute in vars(cls)}
            found[name] = frozenset(written) & CATALOGUE.namespaces[name].keys()
    return found
