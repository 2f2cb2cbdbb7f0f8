"""Which workflow an export is a revision of, whenever and from wherever it is imported.

An `id` of today's n8n is long and random: it is enough, and the name may change. Old installations count their
workflows: of those, "1" is in every one, so the installation and the name are taken as well. An export without
an id is the workflow of its origin (its file, and its place in it).
"""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID, uuid5

from wfstore.n8n.fields import part

NAMESPACE = UUID("8f0e0c52-63a5-4f5b-9d3c-2b8a7c1d4e96")
"""Of the ids that are made here; a new one would make every imported workflow a stranger."""

# n8n's own have 16 characters, or 36. "[CENSORED]" is no id of anything.
_RANDOM = re.compile(r"(?![0-9]+\Z)[0-9A-Za-z_-]{10,}")


def workflow_key(export: dict[str, Any], origin: str) -> str:
    """What identifies the workflow, as text: a JSON list that begins with the kind of evidence."""
    own = export.get("id")
    if isinstance(own, str) and _RANDOM.fullmatch(own):
        return json.dumps(["id", own])
    if own and isinstance(own, str | int | float) and not isinstance(own, bool):
        instance, name = part(export, "meta").get("instanceId"), export.get("name")
        return json.dumps(
            ["counted", str(own), *(text if isinstance(text, str) else None for text in (instance, name))]
        )
    return json.dumps(["origin", origin])


def workflow_id(export: dict[str, Any], origin: str) -> UUID:
    """The id of the export's workflow: a UUID of version 5, the same for every revision, within any tenant."""
    return uuid5(NAMESPACE, workflow_key(export, origin))
