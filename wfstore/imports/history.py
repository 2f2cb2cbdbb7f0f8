"""Import executions that ended elsewhere: JSON Lines of ExecutionData, as `wfstore export history` writes them."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from wfstore.documents import shape
from wfstore.errors import InvalidDocument, InvalidInput, PartitionOutOfWindow, WfstoreError
from wfstore.history import EndedExecution, HistoryImport, NodeRun
from wfstore.imports.exact_json import InvalidText, read
from wfstore.imports.sources import Source
from wfstore.proto.execution_pb2 import ExecutionData
from wfstore.sync.history import ASKED_AT_ONCE, CHUNK_EXECUTIONS
from wfstore.sync.store import Store

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one execution with all its node runs as JSON."""
_MOST_LISTED = 1_000
_PENDING = CHUNK_EXECUTIONS + ASKED_AT_ONCE
"""So many executions at most have been read, and neither stored nor refused."""
# What a fast reader may change without a word: numbers of many digits, and exponents.
_SUSPECT = re.compile(rb"[0-9.]{16}|[0-9][eE][-+0-9]")
_OF_A_RUN = ("run_index", "node_type", "status", "start_time", "end_time", "retry_count", "max_retries")
_WITH_DEFAULTS = ("tenant_id", "mode", "metadata", "created_at", "run_index", "retry_count", "max_retries")
_PAYLOAD = ("input_data", "output_data", "error_data")
_AS_THEY_ARE = (
    "workflow_revision",
    "status",
    "end_time",
    "start_time",
    "mode",
    "triggered_by",
    "run_data",
    "metadata",
    "error_message",
    "error_details",
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An execution that was not imported."""

    place: str
    """The file, and the line where it has more than one."""
    execution_id: UUID | None
    """None: the line could not be read."""
    reason: str
    hint: str | None = None


@dataclass(slots=True)
class HistoryReport:
    """What an import did."""

    counts: HistoryImport = field(default_factory=HistoryImport)
    unreadable: int = 0
    """Lines that are no execution; they are not among `counts`."""
    refusals: list[Refusal] = field(default_factory=list)
    """The first thousand."""

    @property
    def refused(self) -> int:
        """All that was not imported and is not there."""
        return self.counts.refused + self.unreadable

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "read": self.counts.read + self.unreadable,
            "inserted": self.counts.inserted,
            "present": self.counts.present,
            "refused": self.refused,
            "node_runs": self.counts.node_runs,
            "refusals": [
                {"place": each.place, "execution_id": each.execution_id, "reason": each.reason, "hint": each.hint}
                for each in self.refusals
            ],
        }


def import_history(
    store: Store,
    sources: Iterable[Source],
    *,
    of_any_tenant: bool = False,
    refused: Callable[[Refusal], object] = lambda _: None,
    progress: Callable[[HistoryReport], object] = lambda _: None,
    make_partition: Callable[[datetime], object] | None = None,
) -> HistoryReport:
    """Import the executions of all sources; what cannot be is refused by its place, and the rest goes on.

    Args:
        store: where to.
        sources: JSON texts, one an execution, as `wfstore.imports.sources.texts` returns them.
        of_any_tenant: whether an execution that names another tenant becomes one of this store's tenant.
        refused: called with each refusal, at once.
        progress: called from time to time.
        make_partition: as of `store.executions.import_history`.

    Raises:
        PartitionOutOfWindow: history has no partition for a time, and `make_partition` is None. What came before it
            is stored.
    """
    run = _Run(store, refused, progress, of_any_tenant=of_any_tenant)
    try:
        run.report.counts = store.executions.import_history(
            run.executions(sources), refused=run.refuse, progress=run.tell, make_partition=make_partition
        )
    except PartitionOutOfWindow as error:
        raise PartitionOutOfWindow(str(error), hint=f"{error.hint} Or add --make-partitions.") from error
    return run.report


class _Run:
    """One import: which line an execution came from, until it is stored or refused."""

    def __init__(
        self,
        store: Store,
        refused: Callable[[Refusal], object],
        progress: Callable[[HistoryReport], object],
        *,
        of_any_tenant: bool,
    ) -> None:
        self.report = HistoryReport()
        self._tenant_id = None if of_any_tenant else store.tenant_id
        self._refused = refused
        self._progress = progress
        self._places: OrderedDict[UUID, str] = OrderedDict()

    def executions(self, sources: Iterable[Source]) -> Iterator[EndedExecution]:
        for source in sources:
            try:
                execution = self._execution(source)
            except InvalidInput as error:
                self.report.unreadable += 1
                self._add(Refusal(source.place, None, _reason(error), error.hint))
                continue
            self._places[execution.execution_id] = source.place
            if len(self._places) > _PENDING:
                self._places.popitem(last=False)
            yield execution

    def refuse(self, execution: EndedExecution, error: WfstoreError) -> None:
        place = self._places[execution.execution_id]
        self._add(Refusal(place, execution.execution_id, str(error), error.hint))

    def tell(self, counts: HistoryImport) -> None:
        self.report.counts = counts
        self._progress(self.report)

    def _add(self, refusal: Refusal) -> None:
        if len(self.report.refusals) < _MOST_LISTED:
            self.report.refusals.append(refusal)
        self._refused(refusal)

    def _execution(self, source: Source) -> EndedExecution:
        document = _read(source)
        execution = from_document(document)
        tenant_id = document.get("tenant_id")
        if self._tenant_id is not None and tenant_id is not None and tenant_id != str(self._tenant_id):
            raise InvalidDocument(
                f"execution {execution.execution_id} is of tenant {tenant_id}, not of {self._tenant_id}",
                hint="Name that tenant, or add --any-tenant to make it this one's.",
            )
        return execution


def from_document(document: Any) -> EndedExecution:
    """Return the execution that a document of the form ExecutionData describes; its tenant is not looked at.

    Raises:
        InvalidDocument: the document has not the shape of ExecutionData, or the execution has not ended; the message
            gives the path of the fault.
    """
    try:
        return _from_document(document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if not isinstance(document, dict):
            raise InvalidDocument("is no execution, which is an object") from error
        raise _fault(document, error) from error


def _from_document(document: dict[str, Any]) -> EndedExecution:
    columns = {key: document[key] for key in _AS_THEY_ARE if document.get(key) is not None}
    for key in ("execution_id", "workflow_id"):
        columns[key] = _parsed(document, key, UUID, "a UUID")
    for key in ("parent_execution_id", "retry_of_execution_id"):
        if document.get(key) is not None:
            columns[key] = _parsed(document, key, UUID, "a UUID")
    if document.get("created_at") is not None:
        columns["created_at"] = _parsed(document, "created_at", datetime.fromisoformat, "an RFC 3339 time")
    nodes = (document.get("node_runs") or {}).get("nodes") or {}
    columns["nodes"] = [_node(node_id, run) for node_id, runs in nodes.items() for run in runs.get("runs") or ()]
    return EndedExecution(**columns)


def _parsed(document: dict[str, Any], key: str, parse: Callable[[str], Any], wanted: str) -> Any:
    try:
        return parse(document[key])
    except ValueError as error:
        raise ValueError(f"{key} is {document[key]!r}, which is not {wanted}") from error


def _node(node_id: str, run: dict[str, Any]) -> NodeRun:
    columns = {key: run[key] for key in _OF_A_RUN if run.get(key) is not None}
    data = run.get("data")
    if data:
        columns |= {key: data[key] for key in _PAYLOAD if data.get(key) is not None}
    return NodeRun(node_id=node_id, **columns)


def _fault(document: dict[str, Any], error: Exception) -> InvalidDocument:
    """Say where a document is not as it must be; slower than to read it."""
    identifier = document.get("execution_id")
    named = "an execution without an execution_id" if identifier is None else f"execution {identifier}"
    if document.get("end_time") is None:
        return InvalidDocument(
            f"{named}: it has no end_time, so it has not ended; only executions that have are history"
        )
    findings = [
        finding
        for finding in shape.faults(document, message=ExecutionData)
        if not (finding.message.startswith("is missing") and finding.path.rpartition(".")[2] in _WITH_DEFAULTS)
    ]
    if findings:
        return InvalidDocument(f"{named}: {findings[0]}", findings=findings)
    return InvalidDocument(f"{named}: {error}")


def _read(source: Source) -> Any:
    text = source.read()
    if _SUSPECT.search(text) is None:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # the exact reader says where the fault is
    return read(text, first_line=source.line or 1, first_column=source.column)


def _reason(error: InvalidInput) -> str:
    """Return what is wrong, with the line of the place only once."""
    return re.sub(r"^line \d+, ", "", str(error)) if isinstance(error, InvalidText) else str(error)
