"""`wfstore stats`: what operators look at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from wfstore.cli import output
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl, Json, Tenant, tenant_of


def stats(
    days: Annotated[float, typer.Option("--days", min=0.01, help="How far back finished executions count.")] = 7,
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="Rows of the longer tables.")] = 10,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Show executions by status, their durations, queues, failing and slowest nodes, storage."""
    facts = collect(database_url, tenant=tenant, days=days, top=top)
    if json:
        output.print_json(facts)
    else:
        print_stats(facts, days)


def collect(database_url: str | None, *, tenant: str, days: float, top: int) -> dict[str, Any]:
    """Ask the database everything, as of now."""
    from wfstore.ids import floor_id
    from wfstore.sync.connecting import connect

    now = datetime.now(UTC)
    window = {"since_id": floor_id(now - timedelta(days=days))}
    with connect(database_url, tenant=tenant_of(tenant)) as store:
        monitoring = store.monitoring
        return {
            "active_by_status": monitoring.active_by_status(),
            "by_status": monitoring.by_status(**window),
            "performance": monitoring.performance(**window),
            "performance_by_workflow": monitoring.performance_by_workflow(limit=top, **window),
            "queues": monitoring.queue_depth(now=now),
            "failing_nodes": monitoring.failing_nodes(limit=top, **window),
            "slowest_nodes": monitoring.slowest_nodes(limit=top, **window),
            "storage": monitoring.storage(limit=top),
        }


def print_stats(facts: dict[str, Any], days: float) -> None:
    """Write the tables; those without rows say so in a line."""
    window = f"last {days:g} days"
    _table(f"Executions, {window}", facts["by_status"])
    _table("Executions that have not ended", facts["active_by_status"])
    _table(f"Durations of finished executions, {window}", [facts["performance"]])
    _table(f"Durations by workflow, {window}", facts["performance_by_workflow"])
    _table("Queues", facts["queues"])
    _table(f"Failing nodes, {window}", facts["failing_nodes"])
    _table(f"Slowest nodes, {window}", facts["slowest_nodes"])
    _table("Storage, partitions summed to their table", facts["storage"])


def _table(title: str, rows: list[Any]) -> None:
    if not rows:
        output.out.print(f"[bold]{title}[/]: none")
        return
    columns = list(type(rows[0]).model_fields)
    headings = [column.removesuffix("_ms").removesuffix("_bytes").replace("_", " ") for column in columns]
    output.table(title, headings, [[_shown(column, getattr(row, column)) for column in columns] for row in rows])


def _shown(column: str, value: Any) -> Any:
    """Return a value as people read it; its unit is the end of the column's name."""
    if value is None:
        return None
    if column.endswith("_ms"):
        return output.duration(value)
    if column.endswith("_bytes"):
        return output.size(value)
    return value


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("stats")(stats)
