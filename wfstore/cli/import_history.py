"""`wfstore import history`: executions that ended elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from wfstore.cli import output
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl, Json, Tenant, connected

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from wfstore.imports.history import HistoryReport, Refusal

_TOLD = 20

Lines = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help=".jsonl files, gzipped or not; folders; - for standard input."),
]
MakePartitions = Annotated[
    bool,
    typer.Option(
        "--make-partitions", help="Make the partitions that are missing, as the owner; otherwise within 35 days of now."
    ),
]
AnyTenant = Annotated[
    bool, typer.Option("--any-tenant", help="Executions that name another tenant become this tenant's.")
]


def history(
    files: Lines,
    make_partitions: MakePartitions = False,
    any_tenant: AnyTenant = False,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Import executions that have ended, with the runs of their nodes: JSON Lines, as `wfstore export history` writes.

    Each line is one execution as an ExecutionData document (see docs/history.md); its id is a UUIDv7 whose time is
    when it ran, and its workflow must be there. Files of any length take the same memory. What is in history already
    stays as it is: after an interruption run the same command again, and it goes on where it ended. What cannot be
    stored is refused with its file, line and reason, the rest goes on, and the exit code is 1.

    **Examples**

    - `wfstore import history executions.jsonl.gz`
    - `wfstore import history exported/ --make-partitions`
    - `zcat *.jsonl.gz | wfstore import history - --tenant acme`
    """
    from wfstore.imports.history import LONGEST_LINE, import_history
    from wfstore.imports.sources import LINES, texts
    from wfstore.imports.sources import files as files_of

    teller = _Teller()
    found = list(files_of(files, LINES))
    with (
        connected(database_url, tenant) as store,
        _maker(database_url, make_partitions) as maker,
        output.progress() as bar,
    ):
        task = bar.add_task("importing", total=None)
        report = import_history(
            store,
            texts(found, LONGEST_LINE),
            of_any_tenant=any_tenant,
            refused=teller,
            progress=lambda so_far: bar.update(task, completed=so_far.counts.read + so_far.unreadable),
            make_partition=maker,
        )
    _finish(report, teller, json=json)


@contextmanager
def _maker(database_url: str | None, wanted: bool) -> Iterator[Callable[[datetime], object] | None]:
    """Give what makes partitions for any time, where it is wanted."""
    if not wanted:
        yield None
        return
    from wfstore.partitions import maintainer

    with maintainer(database_url) as opened:
        yield opened.make


class _Teller:
    """Tells the person at the terminal of the first refusals."""

    def __init__(self) -> None:
        self._told = 0
        self.untold = 0

    def __call__(self, refusal: Refusal) -> None:
        if self._told == _TOLD:
            self.untold += 1
            return
        self._told += 1
        output.note(f"refused {refusal.place}: {refusal.reason}" + (f" ({refusal.hint})" if refusal.hint else ""))


def _finish(report: HistoryReport, teller: _Teller, *, json: bool) -> None:
    if teller.untold:
        output.note(f"{teller.untold:,} more were refused; --json lists the first thousand")
    if json:
        output.print_json(report.as_json())
    else:
        counts = report.counts
        typer.echo(
            f"{counts.read + report.unreadable:,} read: {counts.inserted:,} inserted, {counts.present:,} present,"
            f" {report.refused:,} refused; {counts.node_runs:,} node runs inserted"
        )
    if report.refused:
        raise typer.Exit(1)
