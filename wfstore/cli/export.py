"""`wfstore export`: take workflows out in other people's formats, and executions."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import orjson
import typer

from wfstore.cli import output
from wfstore.cli.export_history import history
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl, Json, Tenant, tenant_of

if TYPE_CHECKING:
    from wfstore.sync.store import Store

_LISTED = 20

Ids = Annotated[
    list[UUID] | None, typer.Argument(metavar="ID", help="Workflows, as `wfstore workflows list` shows them.")
]
Revision = Annotated[
    int | None, typer.Option("--revision", min=1, help="This version of the one workflow, instead of what it is now.")
]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="PATH", help="A folder, for a file each; for one workflow also a file."),
]
All = Annotated[bool, typer.Option("--all", help="All workflows of the tenant.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]


def n8n(
    ids: Ids = None,
    revision: Revision = None,
    to: Output = None,
    every: All = False,
    force: Force = False,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Export workflows as n8n's JSON, rebuilt from what is stored.

    What was changed through the store shows everywhere: a renamed node in connections and pinned data, too. An
    import that nobody changed comes out as it went in.

    One workflow goes to standard output as indented JSON, several as one line each; with `--output` each into a
    file of its own, named for the workflow. `--json` lists the files.

    **Examples**

    - `wfstore export n8n 0198c0de-... > flow.json`
    - `wfstore export n8n 0198c0de-... --revision 3 --output before.json`
    - `wfstore export n8n --all --output flows/`
    - `wfstore export n8n --all | gzip > flows.jsonl.gz`
    """
    _check(ids or [], revision, every=every)
    from wfstore.exports.n8n import check_present, workflow_ids
    from wfstore.sync.connecting import connect

    with connect(database_url, tenant=tenant_of(tenant)) as store:
        wanted = list(workflow_ids(store)) if every else list(dict.fromkeys(ids or ()))
        check_present(store, wanted)
        if to is None:
            _print(store, wanted, revision, indented=not every and len(wanted) == 1)
            return
        written = _write(store, wanted, revision, to, force=force, every=every)
    if json:
        output.print_json(written)
    else:
        _tell(written, to)


def _check(ids: list[UUID], revision: int | None, *, every: bool) -> None:
    if bool(ids) == every:
        raise typer.BadParameter("name workflows by their ids, or --all of them")
    if revision is not None and len(ids) != 1:
        raise typer.BadParameter("--revision is of one workflow: name one id")


def _print(store: Store, wanted: list[UUID], revision: int | None, *, indented: bool) -> None:
    from wfstore.exports.n8n import export_workflow

    option = orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indented else 0)
    for identifier in wanted:
        # As bytes: what is UTF-8 in a file is so whatever the terminal's encoding.
        sys.stdout.buffer.write(orjson.dumps(export_workflow(store, identifier, revision), option=option))
    sys.stdout.buffer.flush()


def _write(
    store: Store, wanted: list[UUID], revision: int | None, to: str, *, force: bool, every: bool
) -> list[dict[str, Any]]:
    """Write a file for each workflow; return what stands where."""
    from wfstore.exports.files import file_name, write_all
    from wfstore.exports.n8n import export

    path = Path(to)
    is_file = not every and len(wanted) == 1 and not path.is_dir() and not to.endswith(("/", os.sep))
    written: list[dict[str, Any]] = []

    def contents() -> Iterator[tuple[str, bytes]]:
        for identifier in wanted:
            found = export(store, identifier, revision)
            name = path.name if is_file else file_name(found.name, identifier)
            written.append({"workflow_id": identifier, "name": found.name, "revision": found.revision})
            yield name, orjson.dumps(found.definition, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    places = list(write_all(path.parent if is_file else path, contents(), force=force))
    return [each | {"file": str(place)} for each, place in zip(written, places, strict=True)]


def _tell(written: list[dict[str, Any]], to: str) -> None:
    if len(written) > _LISTED:
        typer.echo(f"{len(written):,} workflows written to {to}")
    for each in written if len(written) <= _LISTED else ():
        typer.echo(f"{each['file']}")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Export workflows to other formats, and executions.", no_args_is_help=True)
    group.command("n8n")(n8n)
    group.command("history")(history)
    app.add_typer(group, name="export")
