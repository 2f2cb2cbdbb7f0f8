"""`wfstore queue`: depths, pauses, limits of concurrency keys, dead letters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import orjson
import typer

from wfstore.cli import output
from wfstore.cli.executions import FromNode, node_of
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl, Json, Tenant, connected
from wfstore.documents.drawing_words import clean
from wfstore.errors import InvalidInput, NotFound
from wfstore.ids import LAST_ID

if TYPE_CHECKING:
    from wfstore.models import ConcurrencyUse, DeadLetter
    from wfstore.sync.store import Store

_PAGE = 1_000
_LONGEST_REASON = 100

OneQueue = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="The queue; without it a workflow is meant.", show_default=False)
]
OneWorkflow = Annotated[
    UUID | None, typer.Option("--workflow", metavar="ID", help="All executions of this workflow, in all queues.")
]
Letters = Annotated[
    list[UUID], typer.Argument(metavar="ID...", help="Dead letters, as `wfstore queue dead` shows them.")
]
SomeLetters = Annotated[
    list[UUID] | None,
    typer.Argument(metavar="[ID...]", help="Dead letters, as `wfstore queue dead` shows them.", show_default=False),
]


# --- depths -------------------------------------------------------------------------------------------------


def stats(
    watch: Annotated[
        float | None, typer.Option("--watch", metavar="SECONDS", min=0.1, help="Again and again, until Ctrl-C.")
    ] = None,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Show what is in each queue, and since when the oldest ready execution waits for a worker.

    `ready` may be claimed now; `scheduled` starts or retries later; `expired` had a worker that let its lease run out,
    and the next claim takes it over; `waiting` is for a signal, a time or children; `parked` is in the way of a limit
    or of a paused workflow.

    With --watch and --json each look is one line.

    **Examples**

    - `wfstore queue stats`
    - `wfstore queue stats --watch 2`
    """
    with connected(database_url, tenant) as store:
        if watch is None:
            facts = _depths(store)
            output.print_json(facts) if json else _print_depths(facts)
            return
        while True:
            facts = _depths(store)
            if json:
                typer.echo(orjson.dumps(facts, default=lambda row: row.model_dump()))
            else:
                if output.out.is_terminal:
                    output.out.clear()
                typer.echo(f"{datetime.now(UTC).astimezone():%Y-%m-%d %H:%M:%S}, every {watch:g} s; Ctrl-C ends")
                _print_depths(facts)
            time.sleep(watch)


def _depths(store: Store) -> dict[str, Any]:
    from wfstore.cli.execution_facts import pauses

    now = datetime.now(UTC)
    return {"at": now, "queues": store.monitoring.queue_depth(now=now), "pauses": list(pauses(store).values())}


def _print_depths(facts: dict[str, Any]) -> None:
    columns = ["queue", "ready", "oldest", "scheduled", "running", "expired", "waiting", "parked"]
    rows = [
        [
            clean(depth.queue) + (" (paused)" if depth.paused else ""),
            depth.ready,
            _age(depth.oldest_ready_at, facts["at"]),
            depth.scheduled,
            depth.running,
            depth.expired,
            depth.waiting,
            depth.parked,
        ]
        for depth in facts["queues"]
    ]
    if rows:
        output.listing("Queues", columns, rows)
    else:
        typer.echo("Queues: nothing is in any.")
    if facts["pauses"]:
        _print_pauses(facts["pauses"])


def _age(since: datetime | None, now: datetime) -> str | None:
    return None if since is None else output.duration(max(0.0, (now - since).total_seconds() * 1000))


# --- pauses -------------------------------------------------------------------------------------------------


def pause(
    name: OneQueue = None,
    workflow: OneWorkflow = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who look at it.")] = "",
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
) -> None:
    """Hand out nothing of a queue, or of a workflow, until it is resumed; what runs already goes on.

    **Examples**

    - `wfstore queue pause mail --reason "the provider is down"`
    - `wfstore queue pause --workflow 0198c0de-...`
    """
    _one_of(name, workflow)
    with connected(database_url, tenant) as store:
        if workflow is not None:
            done = store.execution_pauses.pause_workflow(workflow, reason=reason)
        else:
            done = store.execution_pauses.pause_queue(name or "", reason=reason)
            known = {depth.queue for depth in store.monitoring.queue_depth(now=datetime.now(UTC))}
            if name not in known:
                output.note(f"Nothing is in queue {clean(name or '')} now; `wfstore queue stats` shows those in use.")
    what = _what(name, workflow)
    typer.echo(f"{what} is paused; what runs already goes on." if done else f"{what} was paused before.")


def resume(
    name: OneQueue = None,
    workflow: OneWorkflow = None,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
) -> None:
    """Hand out the executions of a queue, or of a workflow, again.

    **Examples**

    - `wfstore queue resume mail`
    - `wfstore queue resume --workflow 0198c0de-...`
    """
    _one_of(name, workflow)
    with connected(database_url, tenant) as store:
        if workflow is not None:
            done = store.execution_pauses.resume_workflow(workflow)
        else:
            done = store.execution_pauses.resume_queue(name or "")
    what = _what(name, workflow)
    typer.echo(f"{what} is handed out again." if done else f"{what} was not paused; see `wfstore queue pauses`.")


def pauses(database_url: DatabaseUrl = None, tenant: Tenant = DEFAULT_TENANT_SLUG, json: Json = False) -> None:
    """List what is paused: queues and workflows."""
    from wfstore.cli import execution_facts

    with connected(database_url, tenant) as store:
        found = list(execution_facts.pauses(store).values())
    if json:
        output.print_json(found)
    elif found:
        _print_pauses(found)
    else:
        typer.echo("Nothing is paused.")


def _print_pauses(found: list[Any]) -> None:
    rows = [[each.kind.lower(), clean(each.name), each.created_at, clean(each.reason)] for each in found]
    output.listing("Paused", ["what", "name", "since", "reason"], rows)


def _one_of(name: str | None, workflow: UUID | None) -> None:
    if (name is None) == (workflow is None):
        raise typer.BadParameter("name a queue or a --workflow, one of them")
    if name == "":
        raise typer.BadParameter("a queue has a name")


def _what(name: str | None, workflow: UUID | None) -> str:
    return f"queue {clean(name or '')}" if workflow is None else f"workflow {workflow}"


# --- limits -------------------------------------------------------------------------------------------------


def limits(database_url: DatabaseUrl = None, tenant: Tenant = DEFAULT_TENANT_SLUG, json: Json = False) -> None:
    """List the limits of concurrency keys, with how many of each run and how many wait for a place."""
    found: list[ConcurrencyUse] = []
    with connected(database_url, tenant) as store:
        while True:
            after = found[-1].concurrency_key if found else ""
            rows = store.concurrency_limits.page_use(after_key=after, limit=_PAGE)
            found += rows
            if len(rows) < _PAGE:
                break
    if json:
        output.print_json(found)
    elif found:
        cells = [[clean(row.concurrency_key), row.max_running, row.running, row.parked] for row in found]
        output.listing("Concurrency keys", ["key", "limit", "running", "parked"], cells)
    else:
        typer.echo("No concurrency key has a limit; the first execution that is enqueued with one gives it its own.")


def limit(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The concurrency key.")],
    places: Annotated[
        int, typer.Argument(metavar="N", min=0, max=2**31 - 1, help="How many may run at once; 0 lets none begin.")
    ],
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
) -> None:
    """Set how many executions of a concurrency key may run at once; those that run already go on.

    **Examples**

    - `wfstore queue limit customer-42 3`
    """
    if not key:
        raise typer.BadParameter("a concurrency key is not empty")
    with connected(database_url, tenant) as store:
        store.concurrency_limits.set(key, places)
    typer.echo(f"Of key {clean(key)} {places:,} may run at once.")


# --- dead letters -------------------------------------------------------------------------------------------


def dead(
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many to show.")] = 50,
    before: Annotated[
        UUID | None, typer.Option("--before", metavar="ID", help="The next page: those older than this one.")
    ] = None,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """List dead letters: executions that were given up, and with which nobody has dealt yet.

    `wfstore executions show ID` says how one went, `wfstore queue replay ID` runs it again, `wfstore queue dismiss ID`
    takes it off the list.
    """
    from wfstore.cli.execution_facts import workflow_names

    with connected(database_url, tenant) as store:
        found = store.dead_letters.page(before_id=before or LAST_ID, limit=limit)
        names = workflow_names(store, {letter.workflow_id for letter in found})
    if json:
        output.print_json(found)
    elif found:
        rows = [
            [
                letter.execution_id,
                clean(names.get(letter.workflow_id, str(letter.workflow_id))),
                clean(letter.queue),
                letter.failures,
                letter.died_at,
                clean(letter.reason)[:_LONGEST_REASON],
            ]
            for letter in found
        ]
        output.listing("Dead letters", ["id", "workflow", "queue", "failures", "given up", "reason"], rows)
    else:
        typer.echo("No dead letters.")
    if len(found) == limit:
        output.note(f"There may be more: --limit, or --before {found[-1].execution_id}")


def replay(
    identifiers: SomeLetters = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are on the list.")] = False,
    workflow: Annotated[
        UUID | None, typer.Option("--workflow", metavar="ID", help="With --all: of this workflow only.")
    ] = None,
    from_node: FromNode = None,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Run dead letters again, as new executions in the queue they came from, and take them off the list.

    Exits with 1 if any could not be replayed; those stay on the list, and the others are replayed all the same.

    **Examples**

    - `wfstore queue replay 0198c0de-... --from-node "Send mail"`
    - `wfstore queue replay --all --workflow 0198c0de-...`
    """
    if bool(identifiers) == everything:
        raise typer.BadParameter("name dead letters or --all, one of them")
    if workflow is not None and not everything:
        raise typer.BadParameter("--workflow goes with --all")
    outcomes: list[dict[str, Any]] = []
    with connected(database_url, tenant) as store, output.progress() as bar:
        letters = list(_letters(store, workflow)) if everything else list(dict.fromkeys(identifiers or []))
        for identifier in bar.track(letters, description="replaying"):
            outcomes.append(_replayed(store, identifier, from_node))
    refused = [outcome for outcome in outcomes if outcome["refused"] is not None]
    if json:
        output.print_json(outcomes)
    else:
        for outcome in outcomes if len(outcomes) <= 20 else ():
            if outcome["refused"] is None:
                typer.echo(f"{outcome['replayed_as']} repeats {outcome['execution_id']}")
        typer.echo(f"{len(outcomes) - len(refused):,} of {len(outcomes):,} replayed")
    if refused:
        raise typer.Exit(1)


def _letters(store: Store, workflow: UUID | None) -> Iterator[UUID]:
    """Yield what is on the list; those of one workflow if one is named."""
    before = LAST_ID
    while True:
        rows: list[DeadLetter] = store.dead_letters.page(before_id=before, limit=_PAGE)
        yield from (row.execution_id for row in rows if workflow is None or row.workflow_id == workflow)
        if len(rows) < _PAGE:
            return
        before = rows[-1].execution_id


def _replayed(store: Store, identifier: UUID, from_node: str | None) -> dict[str, Any]:
    """Replay one; what refuses it is told, and stops no other."""
    outcome: dict[str, Any] = {"execution_id": identifier, "replayed_as": None, "refused": None}
    try:
        node_id = None if from_node is None else node_of(store, identifier, from_node)
        outcome["replayed_as"] = store.dead_letters.replay(identifier, from_node=node_id).execution_id
    except (NotFound, InvalidInput) as error:
        outcome["refused"] = str(error)
        output.note(f"refused {identifier}: {clean(str(error))}")
    return outcome


def dismiss(
    identifiers: Letters, database_url: DatabaseUrl = None, tenant: Tenant = DEFAULT_TENANT_SLUG, json: Json = False
) -> None:
    """Take dead letters off the list without running them again; history keeps them.

    Exits with 1 if any was not on the list.
    """
    wanted = list(dict.fromkeys(identifiers))
    with connected(database_url, tenant) as store:
        gone = set(store.dead_letters.dismiss(*wanted))
    others = [identifier for identifier in wanted if identifier not in gone]
    for identifier in others:
        output.note(f"refused: {identifier} is no dead letter")
    if json:
        output.print_json([identifier for identifier in wanted if identifier in gone])
    else:
        typer.echo(f"{len(gone):,} of {len(wanted):,} dismissed")
    if others:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Look at queues, pause and resume them, deal with dead letters.", no_args_is_help=True)
    commands: tuple[Callable[..., None], ...] = (stats, pause, resume, pauses, dead, replay, dismiss, limits, limit)
    for command in commands:
        group.command()(command)
    app.add_typer(group, name="queue")
