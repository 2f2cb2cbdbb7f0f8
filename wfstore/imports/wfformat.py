"""Import WfFormat 1.5 traces: each becomes a workflow, whose id is made from the trace's name and start."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wfstore.errors import InvalidInput
from wfstore.imports.report import Imported, ImportReport, Outcome
from wfstore.imports.saving import save
from wfstore.imports.sources import Source
from wfstore.sync.store import Store
from wfstore.wfformat import Trace, parse, to_document, workflow_id

_USUAL = frozenset({"no-trigger", "duplicate-node-name"})
"""Codes of warnings that say nothing here: no trace has a trigger, and tasks that do the same share a name."""


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
    document = to_document(trace)
    identifier = workflow_id(trace)
    saved = save(store, identifier, source, lambda: store.workflows.revision(id=identifier), lambda _: document)
    return Imported(
        source,
        saved.outcome,
        workflow_id=identifier,
        name=trace.name,
        revision=saved.revision,
        nodes=len(trace.tasks),
        warnings=tuple(warning for warning in saved.warnings if warning.code not in _USUAL),
    )
