"""The document of a copy: what is another workflow's in it, and what is not."""

from __future__ import annotations

import re
from typing import Any

_COPY = re.compile(r"(?P<name>.*) \(copy(?: (?P<number>[0-9]{1,9}))?\)", re.DOTALL)
_OF_THE_ORIGINAL = ("id", "versionId", "active")
"""What n8n keeps in an export of which workflow it is; by its id an import knows a revision of the same one."""


def copied(document: dict[str, Any], *, name: str, settings: dict[str, Any], pin_data: Any) -> dict[str, Any]:
    """Return a copy's document: of another name, with these settings and pinned data, without static data.

    What it was imported as is the original's alone: exported and imported again it is a workflow of its own. The
    copy shares its values with the document.
    """
    copy = {key: value for key, value in document.items() if key != "static_data"} | {"name": name}
    for key, value in (("settings", settings), ("pin_data", pin_data)):
        if value:
            copy[key] = value
        elif copy.get(key):
            del copy[key]
    n8n = _part(_part(copy, "meta"), "n8n")
    rest = _part(n8n, "rest")
    if rest:
        kept = {key: value for key, value in rest.items() if key not in _OF_THE_ORIGINAL}
        copy["meta"] = copy["meta"] | {"n8n": n8n | {"rest": kept}}
    return copy


def copy_name(name: str) -> str:
    """Return what a copy is called: X (copy), and of that X (copy 2)."""
    copy = _COPY.fullmatch(name)
    if copy is None:
        return f"{name} (copy)"
    return f"{copy['name']} (copy {int(copy['number'] or 1) + 1})"


def _part(holder: dict[str, Any], key: str) -> dict[str, Any]:
    """Return an object of another one; an empty one where there is none, since `meta` is free-form."""
    value = holder.get(key)
    return value if isinstance(value, dict) else {}
