"""WfFormat 1.5 traces: recorded runs of scientific workflows, read into workflows and replayed.

Pure functions, no database:

    sources(arguments)      which files, folders and streams a command line means
    parse(raw)              bytes of one file -> `Trace`, or `InvalidDocument` with the path of the fault
    to_document(trace)      -> the Workflow document that the store keeps
    workflow_id(trace)      -> the same UUID for every import of the same run
    from_document(document) -> `ReplayPlan`: what a stored workflow's replay needs

A trace says how long each task ran, not when it began. `schedule` derives that: each task starts when the
last of its parents has ended.
"""

from __future__ import annotations

from wfstore.imports.sources import MAX_BYTES, Source, sources
from wfstore.wfformat.document import SUBTYPE, to_document
from wfstore.wfformat.identity import workflow_id, workflow_key
from wfstore.wfformat.plan import ReplayPlan, ReplayTask, from_document
from wfstore.wfformat.schedule import Span, schedule, topological
from wfstore.wfformat.trace import RuntimeSystem, Task, Trace, parse

__all__ = [
    "MAX_BYTES",
    "SUBTYPE",
    "ReplayPlan",
    "ReplayTask",
    "RuntimeSystem",
    "Source",
    "Span",
    "Task",
    "Trace",
    "from_document",
    "parse",
    "schedule",
    "sources",
    "to_document",
    "topological",
    "workflow_id",
    "workflow_key",
]
