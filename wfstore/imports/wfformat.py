"""Import WfFormat 1.5 traces: each becomes a workflow, whose id is made from the trace's name and start."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wfstore.documents import content_hash
from wfstore.errors import InvalidInput
from wfstore.imports.report import Imported, ImportReport, Outcome
from wfstore.models import WorkflowRevision
from wfstore.sync.store import Store
from wfstore.wfformat import Source, parse, to_document, workflow_id


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
            entry = _import_one(store, source)
        except InvalidInput as error:
            entry = Imported(source.name, Outcome.REFUSED, reason=str(error))
        report.entries.append(entry)
        report_each(entry)
    return report


def _import_one(store: Store, source: Source) -> Imported:
    trace = parse(source.read())
    document = to_document(trace)
    identifier = workflow_id(trace)
    present: WorkflowRevision | None = store.workflows.revision(id=identifier)
    if present is None:
        outcome = Outcome.IMPORTED
        warnings = store.workflows.add(document, workflow_id=identifier, change_summary="imported").warnings
    elif present.content_hash == content_hash(document):
        outcome = Outcome.UNCHANGED
        warnings = []
    else:
        outcome = Outcome.UPDATED
        saved = store.workflows.replace(
            identifier, document, revision=present.revision, change_summary=f"imported again from {source.name}"
        )
        warnings = saved.warnings
    return Imported(
        source.name, outcome, identifier, trace.name, len(trace.tasks), warnings=tuple(str(each) for each in warnings)
    )
