"""How a place in a document is written: `nodes[3].position_x`, `nodes[3].parameters['odd key']`."""

from __future__ import annotations

import re
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def member(path: str, key: Any) -> str:
    """Return the path of a key of the object at `path`, which is empty for the document itself."""
    if not isinstance(key, str) or not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{key!r}]"
    return f"{path}.{key}" if path else key
