"""`wfstore replay`: run recorded traces through the store."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

import typer

from wfstore.cli import output
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl, Json, Tenant, tenant_of
from wfstore.errors import InvalidInput
from wfstore.replay.supervise import Progress, Replay, ReplayOptions, ReplayReport


def replay(
    traces: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILES...|ID...",
            help="WfFormat traces (files, folders, -), imported where needed; or ids of imported workflows.",
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="Worker processes.")] = 4,
    speed: Annotated[
        float | None,
        typer.Option(
            "--speed", min=0.001, help="Take the recorded times, this many times faster; else as fast as it can."
        ),
    ] = None,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Executions of each trace.")] = 1,
    lease: Annotated[
        float, typer.Option("--lease", min=0.5, help="Seconds until a dead worker's work is due again.")
    ] = 5,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, help="Executions at once in each worker.")] = 32,
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish what an earlier replay has left in the queue.")
    ] = False,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Replay traces: enqueue, claim, walk each graph in dependency order, store every node's result, finish.

    Each result is a call of its own, made after those of its parents are durable. Kill a worker whenever you
    like: when its leases end, the others go on after the last stored node.
    """
    if resume == bool(traces):
        raise InvalidInput("name traces or ids to replay, or --resume alone", hint="See: wfstore replay --help")
    options = ReplayOptions(database_url, workers, speed, lease, concurrency)
    report = run_replay(traces or [], options, tenant=tenant, repeat=repeat)
    if json:
        output.print_json(report.as_json())
    else:
        print_report(report)
    if report.failed:
        raise typer.Exit(1)


def run_replay(traces: list[str], options: ReplayOptions, *, tenant: str, repeat: int) -> ReplayReport:
    """Import what are files, replay all, with a progress bar on a terminal."""
    workflows, nodes = _workflows(traces, options.database_url, tenant)
    return asyncio.run(_replay([each for each in workflows for _ in range(repeat)], nodes * repeat, options, tenant))


async def _replay(workflow_ids: list[UUID], nodes: int, options: ReplayOptions, tenant: str) -> ReplayReport:
    from wfstore.aio import connect

    async with await connect(options.database_url, tenant=tenant_of(tenant)) as store:
        with output.progress() as bar:
            task = bar.add_task("replaying", total=nodes or None)

            def show(progress: Progress) -> None:
                described = f"replaying: {progress.finished} of {progress.executions} executions, node results"
                bar.update(task, completed=progress.results, description=described)

            return await Replay(store, options, output.note).run(workflow_ids, nodes, show)


def _workflows(traces: list[str], database_url: str | None, tenant: str) -> tuple[list[UUID], int]:
    """Return the workflows that the arguments mean, and how many nodes they have."""
    from wfstore.imports.report import Outcome
    from wfstore.imports.wfformat import import_traces
    from wfstore.sync.connecting import connect
    from wfstore.wfformat import from_document, sources

    identifiers = [UUID(each) for each in traces if _is_id(each)]
    files = [each for each in traces if not _is_id(each)]
    nodes = 0
    with connect(database_url, tenant=tenant_of(tenant)) as store:
        for identifier in identifiers:
            workflow = store.workflows.get(id=identifier)
            if workflow is None:
                raise InvalidInput(f"there is no workflow {identifier}", hint="Import its trace first.")
            nodes += len(from_document(workflow.workflow_data).tasks)
        report = import_traces(store, sources(files))
        refused = [entry for entry in report.entries if entry.outcome is Outcome.REFUSED]
        if refused:
            raise InvalidInput(
                f"{len(refused)} trace(s) cannot be read, the first is {refused[0].source}: {refused[0].reason}"
            )
        by_id = {entry.workflow_id: entry.nodes for entry in report.entries}
    return identifiers + report.workflow_ids, nodes + sum(by_id.values())


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
