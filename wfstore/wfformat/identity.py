"""Which workflow a trace is, whenever and from wherever it is imported.

A trace has no id of its own. Its name alone is not enough (many runs of one workflow are published under one
name), a hash of its content is too much (a corrected trace would become another workflow), and the path of its
file changes when it is moved. A run is a workflow at the time when it was started: name and `executedAt`, the
instant, so that the same time written in another form or offset is the same run.
"""

from __future__ import annotations

import json
from uuid import UUID, uuid5

from wfstore.wfformat.trace import Trace

NAMESPACE = UUID("3c9a6f0e-5a64-4f0b-9a5e-0d6f2a8c4b71")
"""Of the ids that are made here; a new one would make every imported workflow a stranger."""


def workflow_key(trace: Trace) -> str:
    """What identifies the trace, as text: a JSON list of its name and the instant of its start in UTC."""
    return json.dumps([trace.name, trace.executed_at.isoformat()])


def workflow_id(trace: Trace) -> UUID:
    """The id of the trace's workflow: a UUID of version 5, the same for every import, within any tenant."""
    return uuid5(NAMESPACE, workflow_key(trace))
