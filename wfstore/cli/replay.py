"""`wfstore replay`: run recorded traces through the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from wfstore.cli import output
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl, Json, Tenant, tenant_of
from wfstore.errors import InvalidDocument, InvalidInput, NotFound
from wfstore.replay.supervise import Progress, Replay, ReplayOptions, ReplayReport

if TYPE_CHECKING:
    from wfstore.sync.store import Store


Traces = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE|ID",
        help="WfFormat traces (files, folders, -), imported where needed; or ids of imported workflows.",
    ),
]
Workers = Annotated[int, typer.Option("--workers", min=1, max=256, help="Worker processes.")]
Speed = Annotated[
    float | None,
    typer.Option("--speed", min=0.001, help="Take the recorded times, this many times faster; else as fast as it can."),
]
Repeat = Annotated[int, typer.Option("--repeat", min=1, help="Executions of each trace.")]
Lease = Annotated[float, typer.Option("--lease", min=0.5, help="Seconds until a dead worker's work is due again.")]
Concurrency = Annotated[int, typer.Option("--concurrency", min=1, help="Executions at once in each worker.")]
Resume = Annotated[bool, typer.Option("--resume", help="Finish what an earlier replay has left in the queue.")]


def replay(
    traces: Traces = None,
    workers: Workers = 4,
    speed: Speed = None,
    repeat: Repeat = 1,
    lease: Lease = 5,
    concurrency: Concurrency = 32,
    resume: Resume = False,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Replay traces: enqueue, claim, walk each graph in dependency order, store every node's result, finish.

    Each result is a call of its own, made after those of its parents are durable. Kill a worker whenever you
    like: when its leases end, the others go on after the last stored node.
    """
    if resume == bool(traces):
        raise typer.BadParameter("name traces or ids of workflows to replay, or --resume alone")
    options = ReplayOptions(database_url, workers, speed, lease, concurrency)
    if resume:
        report = asyncio.run(_with_bar(None, lambda replaying, show: replaying.resume(show), options, tenant))
    else:
        report = run_replay(traces or [], options, tenant=tenant, repeat=repeat)
    if json:
        output.print_json(report.as_json())
    elif not report.executions:
        typer.echo("Nothing to resume: no replay has left anything in the queue.")
    else:
        print_report(report)
    if report.failed:
        raise typer.Exit(1)


def run_replay(traces: list[str], options: ReplayOptions, *, tenant: str, repeat: int) -> ReplayReport:
    """Import what are files, replay all, with a progress bar on a terminal."""
    workflows, nodes = _workflows(traces, options.database_url, tenant)
    planned = [each for each in workflows for _ in range(repeat)]
    total = nodes * repeat
    return asyncio.run(_with_bar(total, lambda replaying, show: replaying.run(planned, total, show), options, tenant))


async def _with_bar(
    total: int | None,
    body: Callable[[Replay, Callable[[Progress], None]], Awaitable[ReplayReport]],
    options: ReplayOptions,
    tenant: str,
) -> ReplayReport:
    from wfstore.aio import connect

    async with await connect(options.database_url, tenant=tenant_of(tenant)) as store:
        with output.progress() as bar:
            task = bar.add_task("starting the workers", total=total)

            def show(progress: Progress) -> None:
                described = f"replaying: {progress.finished} of {progress.executions} executions, node results"
                bar.update(task, completed=progress.results, description=described)

            return await body(Replay(store, options, output.note), show)


def _workflows(traces: list[str], database_url: str | None, tenant: str) -> tuple[list[UUID], int]:
    """Return the workflows that the arguments mean, and how many nodes they have."""
    from wfstore.sync.connecting import connect

    nodes: dict[UUID, int] = {}
    with connect(database_url, tenant=tenant_of(tenant)) as store:
        for identifier in [UUID(each) for each in traces if _is_id(each)]:
            nodes[identifier] = _recorded(store, identifier)
        files = [each for each in traces if not _is_id(each)]
        if files:
            nodes |= _imported(store, files)
    return list(nodes), sum(nodes.values())


def _recorded(store: Store, identifier: UUID) -> int:
    """Return how many nodes a stored workflow has; refuse one that is not there or is no trace."""
    from wfstore.wfformat import from_document

    workflow = store.workflows.get(id=identifier)
    if workflow is None:
        raise NotFound(
            f"there is no workflow {identifier}", hint="Import its trace first: wfstore import wfformat FILES..."
        )
    try:
        return len(from_document(workflow.workflow_data).tasks)
    except InvalidDocument as error:
        raise InvalidDocument(f"workflow {identifier} ({workflow.name}) cannot be replayed: {error}") from error


def _imported(store: Store, files: list[str]) -> dict[UUID, int]:
    """Import what are files, and return the workflows with their numbers of nodes."""
    from wfstore.imports.report import Imported, Outcome
    from wfstore.imports.wfformat import import_traces
    from wfstore.wfformat import sources

    found = list(sources(files))
    with output.progress() as bar:
        task = bar.add_task("importing", total=len(found))

        def report_each(entry: Imported) -> None:
            bar.advance(task)
            if entry.outcome is Outcome.REFUSED:
                output.note(f"refused {entry.source}: {entry.reason}")

        report = import_traces(store, found, report_each)
    if refused := report.count(Outcome.REFUSED):
        raise InvalidInput(
            f"{refused} of {len(found)} source(s) cannot be replayed; nothing was started",
            hint="Leave them out. The others are imported.",
        )
    return {entry.workflow_id: entry.nodes for entry in report.entries if entry.workflow_id is not None}


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def print_report(report: ReplayReport) -> None:
    """Say what a replay did."""
    output.table(
        "Replay",
        [
            "executions",
            "node results",
            "seconds",
            "executions/s",
            "node results/s",
            "workers",
            "workers lost",
            "taken over",
        ],
        [
            [
                report.executions,
                report.results,
                report.seconds,
                report.executions_per_second,
                report.results_per_second,
                report.workers,
                len(report.killed),
                report.taken_over,
            ]
        ],
    )
    for identifier, reason in report.failed:
        output.note(f"failed {identifier}: {reason}")


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("replay")(replay)
