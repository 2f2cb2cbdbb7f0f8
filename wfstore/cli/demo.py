"""`wfstore demo`: the whole path, from an empty machine to statistics, with a worker killed on the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from wfstore.cli import output, replay, stats
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl
from wfstore.ids import DEFAULT_TENANT

if TYPE_CHECKING:
    from wfstore.imports.report import Imported
    from wfstore.replay.report import ReplayReport

_WORKERS = 4
_EXECUTIONS = 24
_LEASE_SECONDS = 2.0


def demo(database_url: DatabaseUrl = None) -> None:
    """Start a server, migrate, import a sample trace, replay it with 4 workers, kill one, show statistics."""
    begin = time.perf_counter()
    _prepare(database_url)
    entry = _import_sample(database_url)
    complete = _replay(database_url, entry)
    _say("5. What operators see", "`wfstore stats`")
    stats.print_stats(stats.collect(database_url, tenant=DEFAULT_TENANT_SLUG, days=7, top=5), 7)
    output.out.print(f"\nDone in {time.perf_counter() - begin:.1f} s. Look around:")
    _tell(
        f"wfstore replay {entry.workflow_id} --workers 2",
        "wfstore replay --help",
        "wfstore --help",
        'psql "$(wfstore url)"     as the app role, which sees one tenant at a time; begin with:',
        f"    SET wfstore.tenant_id = '{DEFAULT_TENANT}';",
    )
    if not database_url:
        _tell("wfstore down              stops the embedded server; add --destroy and its data are gone")
    if not complete:
        raise typer.Exit(1)


def _prepare(database_url: str | None) -> None:
    from wfstore.migrate import migrate
    from wfstore.server import Role, resolve

    embedded = "an embedded one, as DATABASE_URL is not set; it stays up until `wfstore down`"
    _say("1. A PostgreSQL server", "the one that DATABASE_URL or --database-url names" if database_url else embedded)
    url = resolve(database_url, Role.ADMIN)
    _say("2. The schema", "plain SQL files, applied once each, under a lock (`wfstore migrate`)")
    applied = migrate(url)
    _tell(f"{len(applied)} migrations applied" if applied else "nothing to do: it is up to date")


def _import_sample(database_url: str | None) -> Imported:
    from wfstore.demo import sample
    from wfstore.imports.wfformat import import_traces
    from wfstore.sync.connecting import connect
    from wfstore.wfformat import Source

    _say("3. A workflow", "imported from a recorded trace: tasks are nodes, dependencies are connections")
    with connect(database_url) as store:
        [entry] = import_traces(store, [Source("the bundled sample", sample.load)]).entries
    _tell(f"{entry.outcome}: {entry.name}, {entry.nodes} nodes, workflow {entry.workflow_id}")
    return entry


def _replay(database_url: str | None, entry: Imported) -> bool:
    """Replay the sample, and tell what happened; return whether every result is there."""
    from wfstore.replay.supervise import ReplayOptions

    _say(
        f"4. {_EXECUTIONS} executions of it on {_WORKERS} worker processes",
        "each node's result is durable before the next begins; one worker is killed half-way",
    )
    options = ReplayOptions(
        database_url, workers=_WORKERS, lease_seconds=_LEASE_SECONDS, concurrency=8, kill_one_at=0.5
    )
    report = replay.run_replay([str(entry.workflow_id)], options, tenant=DEFAULT_TENANT_SLUG, repeat=_EXECUTIONS)
    replay.print_report(report)
    expected = entry.nodes * _EXECUTIONS
    complete = not report.failed and report.results == expected
    _explain(report, expected, complete=complete)
    return complete


def _explain(report: ReplayReport, expected: int, *, complete: bool) -> None:
    """Say what the replay's numbers mean."""
    _tell(
        f"{report.taken_over} executions were due again when the dead worker's leases ended; the others took them",
        "over and went on after the last stored node.",
        f"{report.results:,} results for {expected:,} nodes: "
        + ("none lost, none twice." if complete else "this should not be; please report it."),
    )


def _tell(*lines: str) -> None:
    for line in lines:
        output.out.print(f"   {line}", markup=False, soft_wrap=True)


def _say(title: str, explanation: str) -> None:
    output.out.print(f"\n[bold]{title}[/]: {explanation}")


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("demo")(demo)
