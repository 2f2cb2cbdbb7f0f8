"""`wfstore demo`: the whole path, from an empty machine to statistics, with a worker killed on the way."""

from __future__ import annotations

import time

import typer

from wfstore.cli import output, replay, stats
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl
from wfstore.ids import DEFAULT_TENANT

_WORKERS = 4
_EXECUTIONS = 24
_LEASE_SECONDS = 2.0


def demo(database_url: DatabaseUrl = None) -> None:
    """Start a server, migrate, import a sample trace, replay it with 4 workers, kill one, show statistics."""
    from wfstore.demo import sample
    from wfstore.imports.wfformat import import_traces
    from wfstore.migrate import migrate
    from wfstore.replay.supervise import ReplayOptions
    from wfstore.server import Role, resolve
    from wfstore.sync.connecting import connect
    from wfstore.wfformat import Source

    begin = time.perf_counter()
    _say("1. A PostgreSQL server", "the one of DATABASE_URL, or an embedded one that stays up until `wfstore down`")
    url = resolve(database_url, Role.ADMIN)
    _say("2. The schema", "plain SQL files, applied once each, under a lock (`wfstore migrate`)")
    applied = migrate(url)
    output.out.print(f"   {len(applied)} migrations applied" if applied else "   nothing to do: it is up to date")
    _say("3. A workflow", "imported from a recorded trace: tasks are nodes, dependencies are connections")
    with connect(database_url) as store:
        [entry] = import_traces(store, [Source("the bundled sample", sample.load)]).entries
    output.out.print(f"   {entry.outcome}: {entry.name}, {entry.nodes} nodes, workflow {entry.workflow_id}")
    _say(
        f"4. {_EXECUTIONS} executions of it on {_WORKERS} worker processes",
        "each node's result is durable before the next begins; one worker is killed half-way",
    )
    options = ReplayOptions(
        database_url, workers=_WORKERS, lease_seconds=_LEASE_SECONDS, concurrency=8, kill_one_at=0.5
    )
    report = replay.run_replay([str(entry.workflow_id)], options, tenant=DEFAULT_TENANT_SLUG, repeat=_EXECUTIONS)
    replay.print_report(report)
    output.out.print(
        f"   {report.taken_over} executions were taken over when the dead worker's leases ended; they went on after"
        f" their last stored node.\n   {report.results:,} results for {entry.nodes * _EXECUTIONS:,} nodes:"
        " none lost, none twice."
    )
    _say("5. What operators see", "`wfstore stats`")
    stats.print_stats(stats.collect(database_url, tenant=DEFAULT_TENANT_SLUG, days=7, top=5), 7)
    output.out.print(f"\nDone in {time.perf_counter() - begin:.1f} s. Look around:")
    output.out.print('   psql "$(wfstore url)"', markup=False)
    output.out.print(f"      SET wfstore.tenant_id = '{DEFAULT_TENANT}';   -- unset, row-level security shows no rows")
    output.out.print("   wfstore --help           wfstore replay --help           wfstore down", markup=False)
    if report.failed or report.results != entry.nodes * _EXECUTIONS:
        raise typer.Exit(1)


def _say(title: str, explanation: str) -> None:
    output.out.print(f"\n[bold]{title}[/]: {explanation}")


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("demo")(demo)
