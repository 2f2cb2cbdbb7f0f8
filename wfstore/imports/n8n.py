"""Import n8n exports: each becomes a workflow; a changed export of the same workflow becomes its next version."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from wfstore.documents import content_hash
from wfstore.documents.findings import Finding
from wfstore.errors import InvalidDocument, InvalidInput, NotFound
from wfstore.imports.exact_json import InvalidText, read
from wfstore.imports.report import Imported, ImportReport, Outcome
from wfstore.imports.saving import earlier, save
from wfstore.imports.sources import LINES, STANDARD_INPUT, TEXTS, Source, place
from wfstore.models import Workflow
from wfstore.n8n import to_document
from wfstore.n8n import workflow_id as id_of
from wfstore.sync.store import Store

_MOST_WAITING = 100
"""Definitions that are held until the end, at most."""


def import_definitions(
    store: Store,
    sources: Iterable[Source],
    report_each: Callable[[Imported], None] = lambda _: None,
    workflow_id: UUID | None = None,
) -> ImportReport:
    """Import each definition that can be read; the others are refused, one by one, and the rest goes on.

    Each is saved in a transaction of its own. One that is the same as stored writes nothing.

    Args:
        store: where to.
        sources: JSON texts, as `wfstore.imports.sources.texts` returns them.
        report_each: called with what became of each, at once.
        workflow_id: save the one definition as the next version of this workflow, whatever its own identity.

    Raises:
        NotFound: there is no workflow of this id.
        InvalidInput: there is an id, and more than one definition. In both cases nothing was written.
    """
    if workflow_id is not None:
        sources = _single(sources)
        _stored(store, workflow_id)
    run = _Run(store, report_each, workflow_id)
    for number, source in enumerate(sources):
        run.take(number, source)
    return run.finish()


def _single(sources: Iterable[Source]) -> list[Source]:
    found: list[Source] = []
    for source in sources:
        if found:
            raise InvalidInput(
                "there is more than one definition, and one workflow to save it to",
                hint="Name one file that holds one definition, or leave the workflow out.",
            )
        found.append(source)
    return found


def _stored(store: Store, identifier: UUID) -> Workflow:
    found: Workflow | None = store.workflows.get(id=identifier)
    if found is None:
        raise NotFound(f"there is no workflow {identifier}", hint="Without the id a new workflow is made.")
    return found


@dataclass(frozen=True, slots=True)
class _Definition:
    """A definition that was read."""

    number: int
    source: Source
    line: int | None
    export: dict[str, Any]
    fallback_name: str
    identifier: UUID


class _Waits(Exception):
    """A definition is a version already, and not the latest: one that comes later may be."""

    def __init__(self, revision: int, document: dict[str, Any], findings: tuple[Finding, ...]) -> None:
        super().__init__()
        self.findings = findings
        self.revision = revision
        self.document = document


@dataclass(frozen=True, slots=True)
class _Waiting:
    definition: _Definition
    digest: bytes
    entry: Imported
    """What is said of it when a later one takes its place."""


class _Run:
    """One import.

    A collection may hold several revisions of a workflow. When it is imported again, the first of them is not
    what is stored, but it was: saved at once, it would become a version again, and the next one after it. So it
    waits until a later one takes its place, which makes it unchanged, or for the end, where it is saved.
    """

    def __init__(self, store: Store, report_each: Callable[[Imported], None], fixed: UUID | None) -> None:
        self._store = store
        self._report_each = report_each
        self._fixed = fixed
        self._entries: dict[int, Imported] = {}
        self._waiting: dict[UUID, _Waiting] = {}

    def take(self, number: int, source: Source) -> None:
        line = source.line
        try:
            raw = source.read()
            line = line or 1
            export, origin, name = _export(read(raw, first_line=line, first_column=source.column), source, raw)
            self._import(_Definition(number, source, line, export, name, self._fixed or id_of(export, origin)))
        except InvalidInput as error:
            line = error.line if isinstance(error, InvalidText) else line
            self._tell(number, _refused(source, line, error))

    def finish(self) -> ImportReport:
        while self._waiting:
            self._save_first_waiting()
        return ImportReport([self._entries[number] for number in sorted(self._entries)])

    def _import(self, definition: _Definition) -> None:
        before = self._waiting.get(definition.identifier)
        try:
            entry = self._save(definition, before)
        except _Waits as waits:
            warnings = (*waits.findings, *self._store.workflows.validate(waits.document))
            entry = _entry(definition, Outcome.UNCHANGED, waits.revision, waits.document, warnings)
            self._waiting[definition.identifier] = _Waiting(definition, content_hash(waits.document), entry)
        else:
            self._waiting.pop(definition.identifier, None)
            self._tell(definition.number, entry)
        if before is not None:
            self._tell(before.definition.number, before.entry)
        if len(self._waiting) > _MOST_WAITING:
            self._save_first_waiting()

    def _save_first_waiting(self) -> None:
        definition = self._waiting.pop(next(iter(self._waiting))).definition
        try:
            entry = self._save(definition, None, may_wait=False)
        except InvalidInput as error:
            entry = _refused(definition.source, definition.line, error)
        self._tell(definition.number, entry)

    def _save(self, definition: _Definition, before: _Waiting | None, *, may_wait: bool = True) -> Imported:
        store, identifier = self._store, definition.identifier
        findings: list[Finding] = []

        def look() -> Workflow | None:
            return _stored(store, identifier) if self._fixed else store.workflows.get(id=identifier)

        def document_for(present: Workflow | None) -> dict[str, Any]:
            # From what is stored nodes have their ids: one that an export gives none keeps the one that it got.
            previous = present.workflow_data if present else None
            converted = to_document(definition.export, previous=previous, fallback_name=definition.fallback_name)
            findings[:] = converted.warnings
            if may_wait and present is not None:
                revision = self._version(definition, before, present, content_hash(converted.document))
                if revision is not None:
                    raise _Waits(revision, converted.document, tuple(findings))
            return converted.document

        saved = save(store, identifier, definition.source.place, look, document_for)
        return _entry(definition, saved.outcome, saved.revision, saved.document, (*findings, *saved.warnings))

    def _version(
        self, definition: _Definition, before: _Waiting | None, present: Workflow, digest: bytes
    ) -> int | None:
        """Return which version a document is that is not the latest one."""
        if present.content_hash == digest:
            return None
        if before is not None and before.digest == digest:
            return before.entry.revision
        return earlier(self._store, definition.identifier, definition.source.place, present, digest)

    def _tell(self, number: int, entry: Imported) -> None:
        self._entries[number] = entry
        self._report_each(entry)


def _export(value: Any, source: Source, raw: bytes) -> tuple[dict[str, Any], str, str]:
    """Return the export that a text holds, where it comes from, and what to call it if it has no name.

    Collections keep an export with facts about it: `{"workflow": {...}, "source": ..., "path": ...}`.
    """
    if not isinstance(value, dict):
        raise InvalidDocument(f"is no n8n export, which is an object with nodes, but {_kind(value)}")
    if "nodes" in value:
        return value, _origin(source, raw), _name(source.name)
    wrapped = value.get("workflow")
    if isinstance(wrapped, dict) and "nodes" in wrapped:
        facts = [value[key] for key in ("source", "path") if isinstance(value.get(key), str)]
        return wrapped, ":".join(facts) or _origin(source, raw), _name(facts[-1] if facts else source.name)
    raise InvalidDocument('is no n8n export: it has no key "nodes"')


def _name(path: str) -> str:
    """What a file is called, without its endings; nothing for standard input."""
    if path == STANDARD_INPUT:
        return ""
    name = Path(path).name
    endings = [ending for ending in (*TEXTS, *LINES) if name.lower().endswith(ending)]
    return name[: len(name) - len(max(endings, key=len, default=""))].strip()


def _origin(source: Source, raw: bytes) -> str:
    """Where a text comes from, for a definition that has no id of its own: the same at each import of it."""
    if source.name == STANDARD_INPUT:  # what comes next that way is most often something else
        return f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return place(str(Path(source.name).absolute()), source.line if source.item is None else None, source.item)


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _entry(
    definition: _Definition, outcome: Outcome, revision: int, document: dict[str, Any], warnings: tuple[Finding, ...]
) -> Imported:
    return Imported(
        definition.source.name,
        outcome,
        definition.source.line,
        definition.identifier,
        name=document["name"],
        revision=revision,
        nodes=len(document.get("nodes") or ()),
        warnings=warnings,
        item=definition.source.item,
    )


def _refused(source: Source, line: int | None, error: InvalidInput) -> Imported:
    return Imported(source.name, Outcome.REFUSED, line, reason=str(error), item=source.item)
