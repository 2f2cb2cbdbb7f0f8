"""Import WfFormat 1.5 traces: each becomes a workflow, whose id is made from the trace's name and start."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from wfstore.documents import content_hash
from wfstore.errors import AlreadyExists, InvalidInput, RevisionConflict
from wfstore.imports.report import Imported, ImportReport, Outcome
from wfstore.models import WorkflowRevision
from wfstore.sync.store import Store
from wfstore.wfformat import Source, Trace, parse, to_document, workflow_id

_TRIES = 8


def import_traces(
    store: Store, sources: Iterable[Source], report_each: Callable[[Imported], None] = lambda _: None
) -> ImportReport:
    """Import each source that can be read; the others are refused, one by one, and the rest goes on.

    A trace that was imported before and has changed makes a new version of its workflow; one that is the
    same as stored writes nothing.
    """
    report = ImportReport()
    for source in sources:
        try:
            entry = _import_one(store, source.name, parse(source.read()))
        except InvalidInput as error:
            entry = Imported(source.name, Outcome.REFUSED, reason=str(error))
        report.entries.append(entry)
        report_each(entry)
    return report


def _import_one(store: Store, source: str, trace: Trace) -> Imported:
    """Save a trace's workflow; anew when somebody else has saved it in the meantime."""
    document = to_document(trace)
    identifier = workflow_id(trace)
    for attempt in range(_TRIES):
        with suppress(AlreadyExists, RevisionConflict):
            outcome, warnings = _save(store, source, identifier, document)
            return Imported(source, outcome, identifier, trace.name, len(trace.tasks), warnings=tuple(warnings))
        time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter, not a secret
    raise InvalidInput(f"others saved workflow {identifier} again and again at the same time")


def _save(store: Store, source: str, identifier: UUID, document: dict[str, Any]) -> tuple[Outcome, list[str]]:
    present: WorkflowRevision | None = store.workflows.revision(id=identifier)
    if present is None:
        saved = store.workflows.add(document, workflow_id=identifier, change_summary=f"imported from {source}")
        return Outcome.IMPORTED, [str(each) for each in saved.warnings]
    if present.content_hash == content_hash(document):
        return Outcome.UNCHANGED, []
    saved = store.workflows.replace(
        identifier, document, revision=present.revision, change_summary=f"imported again from {source}"
    )
    return Outcome.UPDATED, [str(each) for each in saved.warnings]
