"""`wfstore demo`: the whole path, from an empty machine to statistics, with a worker killed on the way.

Then a definition of another tool: imported, drawn, changed, compared, exported.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import typer

from wfstore.cli import output, replay, stats, workflow_views
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl
from wfstore.cli.workflow_changes import print_changes
from wfstore.errors import InvalidInput, NotFound
from wfstore.ids import DEFAULT_TENANT

if TYPE_CHECKING:
    from wfstore.imports.report import Imported
    from wfstore.replay.report import ReplayReport

_WORKERS = 4
_EXECUTIONS = 24
_LEASE_SECONDS = 2.0
# The trace of half an hour in two seconds: as fast as it goes it may be over before a worker can be killed.
_SPEED = 1_000.0


def demo(database_url: DatabaseUrl = None) -> None:
    """Start a server, migrate, import and replay a trace, kill a worker; import, change, export a definition."""
    begin = time.perf_counter()
    _prepare(database_url)
    entry = _import_sample(database_url)
    complete = _replay(database_url, entry)
    _say("5. What operators see", "`wfstore stats`")
    stats.print_stats(stats.collect(database_url, tenant=DEFAULT_TENANT_SLUG, days=7, top=5), 7)
    definition_id = _definition(database_url)
    output.out.print(f"\nDone in {time.perf_counter() - begin:.1f} s. Look around:")
    _tell(
        f"wfstore replay {entry.workflow_id} --workers 2",
        "wfstore replay --help",
        f"wfstore workflows show {definition_id}",
        f"wfstore export n8n {definition_id}",
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
        database_url, workers=_WORKERS, speed=_SPEED, lease_seconds=_LEASE_SECONDS, concurrency=8, kill_one_at=0.5
    )
    report = replay.run_replay([str(entry.workflow_id)], options, tenant=DEFAULT_TENANT_SLUG, repeat=_EXECUTIONS)
    replay.print_report(report)
    expected = entry.nodes * _EXECUTIONS
    complete = not report.failed and report.results == expected
    _explain(report, expected, complete=complete)
    return complete


def _explain(report: ReplayReport, expected: int, *, complete: bool) -> None:
    """Say what the replay's numbers mean."""
    what_it_left = (
        f"{report.taken_over} executions were due again when the dead worker's leases ended; the others took them",
        "over and went on after the last stored node.",
    )
    _tell(
        *(what_it_left if report.taken_over else ("The dead worker had ended all that it had begun.",)),
        f"{report.results:,} results for {expected:,} nodes: "
        + ("none lost, none twice." if complete else "this should not be; please report it."),
    )


def _definition(database_url: str | None) -> UUID:
    """Import a definition, change it, and give it back; return the workflow."""
    from wfstore.demo import definition
    from wfstore.documents.canonical import equal
    from wfstore.documents.limits import MAX_BYTES
    from wfstore.exports.n8n import export_workflow
    from wfstore.imports.n8n import import_definitions
    from wfstore.imports.sources import files, texts
    from wfstore.sync.connecting import connect

    with connect(database_url) as store:
        _say("6. A workflow of another tool", "an n8n export, as `wfstore import n8n` takes it")
        [entry] = import_definitions(store, texts(list(files([str(definition.FILE)])), MAX_BYTES)).entries
        if entry.workflow_id is None:
            raise InvalidInput(f"the bundled definition was refused: {entry.reason}")
        _tell(f"{entry.outcome}: {entry.name}, {entry.nodes} nodes, workflow {entry.workflow_id}", "")
        workflow = store.workflows.get(id=entry.workflow_id)
        if workflow is None:
            raise NotFound(f"workflow {entry.workflow_id} is gone")
        _tell(*workflow_views.drawn(workflow.workflow_data).splitlines())
        untouched = equal(export_workflow(store, workflow.id), orjson.loads(definition.FILE.read_bytes()))
        after = definition.changed(workflow.workflow_data)
        summary = "a new name, another temperature, one branch more"
        store.workflows.replace(workflow.id, after, revision=workflow.revision, change_summary=summary)
        _say("7. Changed through the store", "a save is a version; what differs, as `wfstore workflows diff` shows it")
        print_changes(store.workflows.diff(workflow.id, workflow.content_revision), indent=3)
        _say("8. Back to n8n", "rebuilt from the document, as `wfstore export n8n` does")
        _compare(export_workflow(store, workflow.id), untouched=untouched)
    return workflow.id


def _compare(export: dict[str, Any], *, untouched: bool) -> None:
    """Say what the export has of the change."""
    from wfstore.demo.definition import RENAMED, places

    before, after = (places(export, name) for name in RENAMED)
    _tell(
        f"Before the change the export {'was equal to' if untouched else 'DIFFERED from'} the file, keys and types.",
        f"Now {RENAMED[1]!r} stands in {', '.join(f'{part} ({count})' for part, count in after.items())};",
        f"{RENAMED[0]!r} in {', '.join(before) or 'none of them'}.",
    )


def _tell(*lines: str) -> None:
    for line in lines:
        output.out.print(f"   {line}".rstrip(), markup=False, emoji=False, soft_wrap=True)


def _say(title: str, explanation: str) -> None:
    output.out.print(f"\n[bold]{title}[/]: {explanation}")


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("demo")(demo)
