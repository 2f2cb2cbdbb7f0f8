"""`wfstore executions`: what runs and has run, to look at, cancel, retry and signal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import orjson
import typer

from wfstore.cli import output
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl, Json, Tenant, connected
from wfstore.errors import AlreadyFinished, InvalidInput, NotFound
from wfstore.ids import LAST_ID
from wfstore.vocabulary import ExecutionStatus

if TYPE_CHECKING:
    from wfstore.models import ExecutionSummary
    from wfstore.sync.store import Store

_ACTIVE = (ExecutionStatus.NEW, ExecutionStatus.RUNNING, ExecutionStatus.WAITING)
_LOOKED_AT_ONCE = 1_000
_LOOKED_THROUGH = 50_000
"""Where no index finds a status, so many executions are looked through."""

Id = Annotated[UUID, typer.Argument(metavar="ID", help="The execution, as `wfstore executions list` shows it.")]
Ids = Annotated[list[UUID], typer.Argument(metavar="ID...", help="Executions that have not ended.")]
OfWorkflow = Annotated[UUID | None, typer.Option("--workflow", metavar="ID", help="Of this workflow only.")]
WithStatus = Annotated[
    ExecutionStatus | None, typer.Option("--status", case_sensitive=False, help="That have this status only.")
]
Failed = Annotated[bool, typer.Option("--failed", help="Short for --status ERROR.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many to show.")]
Before = Annotated[
    UUID | None, typer.Option("--before", metavar="ID", help="The next page: those older than this one.")
]
Payloads = Annotated[bool, typer.Option("--payloads", help="Also what went into nodes and came out, shortened.")]
Lines = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many node runs to draw at most.")]
FromNode = Annotated[
    str | None,
    typer.Option(
        "--from-node", metavar="NODE", help="Keep the results of nodes that this one does not lead to; id or name."
    ),
]
NewQueue = Annotated[str | None, typer.Option("--queue", metavar="NAME", help="Into this queue instead of `default`.")]


# --- reading ------------------------------------------------------------------------------------------------


def list_(
    workflow: OfWorkflow = None,
    status: WithStatus = None,
    failed: Failed = False,
    limit: Limit = 50,
    before: Before = None,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """List executions, latest first, with what those that have not ended wait for.

    **Examples**

    - `wfstore executions list --failed`
    - `wfstore executions list --status waiting --limit 200`
    - `wfstore executions list --workflow 0198c0de-... --before 0198c1aa-... --json`
    """
    from wfstore.cli import execution_facts, execution_views

    if failed and status not in (None, ExecutionStatus.ERROR):
        raise typer.BadParameter(f"--failed and --status {status.value if status else ''} leave nothing")
    status = ExecutionStatus.ERROR if failed else status
    now = datetime.now(UTC)
    with connected(database_url, tenant) as store:
        found, last = _found(store, workflow, status, before or LAST_ID, limit)
        entries = execution_facts.queue_entries(store, found)
        names = execution_facts.workflow_names(store, {row.workflow_id for row in found})
        pauses = {} if json else execution_facts.pauses(store)
    if json:
        output.print_json([{**row.model_dump(), "queue": entries.get(row.execution_id)} for row in found])
    elif found:
        execution_views.print_list("Executions", found, entries, names, pauses, now)
    else:
        filtered = workflow or status or before
        typer.echo(f"No executions{'.' if filtered else '; `wfstore replay WORKFLOW` makes some.'}")
    if last is not None:
        full = len(found) == limit
        looked = "" if full else f"{_LOOKED_THROUGH:,} executions were looked through. "
        output.note(f"{looked}There may be more: {'--limit, or ' if full else ''}--before {last}")


def _found(
    store: Store, workflow: UUID | None, status: ExecutionStatus | None, before: UUID, limit: int
) -> tuple[list[ExecutionSummary], UUID | None]:
    """Return the latest executions that are asked for; and, if there may be more, where the next page begins."""
    page = _pages(store, workflow, status)
    by_index = status is not ExecutionStatus.SUCCESS
    filtered = not by_index or (status is not None and workflow is not None)
    size = max(limit, _LOOKED_AT_ONCE) if filtered else limit
    found: list[ExecutionSummary] = []
    for _ in range(0, _LOOKED_THROUGH, size):
        rows = page(before, size)
        found += [
            row
            for row in rows
            if (workflow is None or row.workflow_id == workflow) and (status is None or row.status is status)
        ]
        if len(found) >= limit:
            return found[:limit], found[limit - 1].execution_id
        if len(rows) < size:
            return found, None
        before = rows[-1].execution_id
    return found, before


def _pages(
    store: Store, workflow: UUID | None, status: ExecutionStatus | None
) -> Callable[[UUID, int], list[ExecutionSummary]]:
    """Return the query that reads the least of what is not asked for."""
    executions = store.executions
    if status in _ACTIVE:
        return lambda before, limit: executions.page_active(status=status, before_id=before, limit=limit)
    if workflow is not None:
        return lambda before, limit: executions.page_by_workflow(workflow_id=workflow, before_id=before, limit=limit)
    if status is ExecutionStatus.ERROR:
        return lambda before, limit: executions.page_failed(before_id=before, limit=limit)
    if status is ExecutionStatus.CANCELED:
        return lambda before, limit: executions.page_canceled(before_id=before, limit=limit)
    return lambda before, limit: executions.page(before_id=before, limit=limit)


def show(
    identifier: Id,
    payloads: Payloads = False,
    limit: Lines = 200,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Annotated[bool, typer.Option("--json", help="Write all of it, with whole payloads, as JSON.")] = False,
) -> None:
    """Show an execution: what it is, what it waits for, and the timeline of its nodes.

    Each run of a node is a line. Its bar begins and ends where the scale above says; `▓▶` still runs, `░▶` still
    waits, `#2` is the third pass of a loop. `retries` are those made and those allowed. Where next to nothing happened
    in almost all of the time, that time is cut out, `┄ 3 h 2 min ┄`, and the scale counts on from there.

    **Examples**

    - `wfstore executions show 0198c0de-...`
    - `wfstore executions show 0198c0de-... --payloads`
    - `wfstore executions show 0198c0de-... --json | jq '.node_runs[] | select(.status == "ERROR")'`
    """
    from wfstore.cli import execution_facts, execution_views

    with connected(database_url, tenant) as store:
        facts = execution_facts.collect(store, identifier, datetime.now(UTC), payloads=payloads or json)
    if json:
        output.print_json(
            {
                **facts.execution.model_dump(),
                "queue": facts.entry,
                "dead_letter": facts.letter,
                "signals": facts.signals,
                "children": facts.children,
                "node_runs": facts.runs,
            }
        )
        return
    execution_views.print_facts(facts)
    execution_views.print_signals(facts.signals, facts.now, payloads=payloads)
    execution_views.print_children(facts)
    execution_views.print_timeline(facts, limit, payloads=payloads)


# --- writing ------------------------------------------------------------------------------------------------


def cancel(
    identifiers: Ids, database_url: DatabaseUrl = None, tenant: Tenant = DEFAULT_TENANT_SLUG, json: Json = False
) -> None:
    """End executions as CANCELED, with the children they started; a worker learns so at its next write.

    Nothing is asked. Exits with 1 if any had ended before; the others are canceled all the same.

    **Examples**

    - `wfstore executions cancel 0198c0de-... 0198c0df-...`
    - `wfstore executions list --status waiting --json | jq -r '.[].execution_id' | xargs wfstore executions cancel`
    """
    outcomes: list[dict[str, Any]] = []
    gone: set[UUID] = set()
    with connected(database_url, tenant) as store:
        for identifier in dict.fromkeys(identifiers):
            canceled: list[UUID] = []
            refused = None
            if identifier not in gone:
                try:
                    canceled = store.executions.cancel(identifier)
                except (AlreadyFinished, NotFound) as error:
                    refused = str(error)
                    output.note(f"refused: {error}")
            gone.update(canceled)
            outcomes.append({"execution_id": identifier, "canceled": canceled, "refused": refused})
            if not json and refused is None:
                typer.echo(_canceled(identifier, canceled))
    if json:
        output.print_json(outcomes)
    if any(outcome["refused"] is not None for outcome in outcomes):
        raise typer.Exit(1)


def _canceled(identifier: UUID, canceled: Sequence[UUID]) -> str:
    """Say what became of an execution, and of what it had started."""
    if not canceled:
        return f"{identifier} went along with its parent"
    children = [str(each) for each in canceled if each != identifier]
    if not children:
        return f"{identifier} is canceled"
    started = "the execution it had" if len(children) == 1 else f"the {len(children)} executions it had"
    return f"{identifier} is canceled, and with it {started} started: {', '.join(children)}"


def retry(
    identifier: Annotated[UUID, typer.Argument(metavar="ID", help="An execution that has ended.")],
    from_node: FromNode = None,
    queue: NewQueue = None,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Run an ended execution again, as a new one, at the same version of its workflow.

    With --from-node, the results of all nodes that this node does not lead to are taken over and count as done.

    **Examples**

    - `wfstore executions retry 0198c0de-...`
    - `wfstore executions retry 0198c0de-... --from-node "Send mail" --queue slow`
    """
    from wfstore.leases import NewExecution

    with connected(database_url, tenant) as store:
        old = store.executions.get(execution_id=identifier)
        if old is None:
            raise not_there(identifier)
        node_id = None if from_node is None else node_of(store, identifier, from_node)
        new = None
        if queue is not None:
            new = NewExecution(workflow_id=old.workflow_id, metadata=old.metadata, queue=queue)
        created = store.executions.retry(identifier, from_node=node_id, new=new)
    if json:
        output.print_json(created)
    else:
        begin = "" if from_node is None else f" from node {from_node!r} on"
        typer.echo(f"{created.execution_id} repeats {identifier}{begin}")


def node_of(store: Store, execution_id: UUID, node: str) -> str:
    """Return the id of a node that is named by its id or, if only one is called so, by its name.

    Raises:
        InvalidInput: several nodes are called so.
    """
    from wfstore.cli.execution_facts import node_names

    execution = store.executions.get(execution_id=execution_id)
    if execution is None:
        return node
    version = store.workflow_versions.get(workflow_id=execution.workflow_id, revision=execution.workflow_revision)
    document = {} if version is None else version.workflow_data
    if any(isinstance(each, dict) and each.get("node_id") == node for each in document.get("nodes") or []):
        return node
    found = [identifier for identifier, name in node_names(document).items() if name == node]
    if len(found) > 1:
        raise InvalidInput(f"{len(found)} nodes are called {node!r}", hint=f"Name one by its id: {', '.join(found)}.")
    return found[0] if found else node


def not_there(identifier: UUID) -> NotFound:
    """Make the error for an execution that is not there."""
    return NotFound(
        f"there is no execution {identifier}", hint="`wfstore executions list` shows those of a tenant (--tenant)."
    )


def signal(
    identifier: Id,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it waits for, or will wait for: approved.")],
    payload: Annotated[
        str | None, typer.Option("--payload", metavar="JSON|-", help="What comes along; - reads standard input.")
    ] = None,
    signal_id: Annotated[
        UUID | None, typer.Option("--id", metavar="UUID", help="The signal's own id: sent twice it counts once.")
    ] = None,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Tell an execution something, whether it waits for it already or not yet.

    **Examples**

    - `wfstore executions signal 0198c0de-... approved`
    - `wfstore executions signal 0198c0de-... approved --payload '{"by": "ada"}'`
    - `wfstore executions signal 0198c0de-... report --payload - < report.json`
    """
    value = None if payload is None else _payload(payload)
    if not name:
        raise typer.BadParameter("a signal has a name")
    with connected(database_url, tenant) as store:
        sent = store.executions.signal(identifier, name, value, signal_id=signal_id)
    if json:
        output.print_json({"id": sent, "execution_id": identifier, "name": name})
    else:
        typer.echo(f"{identifier} is told {name!r}, signal {sent}")


def _payload(text: str) -> Any:
    """Return what a payload says; one on the command line that is no JSON is a mistake of the command line."""
    source = sys.stdin.buffer.read() if text == "-" else text.encode("utf-8", "surrogateescape")
    try:
        return orjson.loads(source)
    except orjson.JSONDecodeError as error:
        if text == "-":
            raise InvalidInput(f"standard input is no JSON: {error}") from error
        raise typer.BadParameter(f"--payload is no JSON: {error}; a text needs its quotes: '\"yes\"'") from error


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Look at executions, cancel, retry and signal them.", no_args_is_help=True)
    group.command("list")(list_)
    for command in (show, cancel, retry, signal):
        group.command()(command)
    app.add_typer(group, name="executions")
