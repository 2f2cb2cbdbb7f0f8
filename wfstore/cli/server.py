"""`wfstore up`, `wfstore down`, `wfstore url`: the PostgreSQL that the other commands work on."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Annotated

import typer

from wfstore.cli import output
from wfstore.cli.options import DatabaseUrl, Json
from wfstore.errors import InvalidInput
from wfstore.server import EmbeddedServer, Role, default_home, mask_password, resolve, yoyo_url

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def up(json: Json = False) -> None:
    """Start the embedded PostgreSQL, unless it runs; other commands do so by themselves when they need it."""
    _note_foreign("up")
    server = EmbeddedServer(default_home())
    started = server.start()
    url = server.url(Role.APP)
    if json:
        output.print_json({"home": str(server.home), "url": url, "started": started})
        return
    typer.echo(f"PostgreSQL {'was started' if started else 'is running already'}; its data is in {server.home}")
    typer.echo("Next: wfstore migrate")
    psql = "psql" if shutil.which("psql") else server.program("psql")
    typer.echo(f'      {psql} "$(wfstore url)"')


def down(
    destroy: Annotated[bool, typer.Option("--destroy", help="Also remove the folder with all its data.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Stop the embedded PostgreSQL, and disconnect whoever uses it."""
    _note_foreign("down")
    server = EmbeddedServer(default_home())
    if destroy and not yes:
        _confirm(server)
    stopped = server.stop()
    if destroy:
        server.destroy()
    if json:
        output.print_json({"home": str(server.home), "stopped": stopped, "destroyed": destroy})
        return
    typer.echo("PostgreSQL was stopped." if stopped else f"PostgreSQL was not running in {server.home}.")
    if destroy:
        typer.echo(f"{server.home} is gone.")


def url(
    role: Annotated[Role, typer.Option("--role", help="Whom to connect as.")] = Role.APP,
    show_password: Annotated[
        bool, typer.Option("--show-password", help="Show the password on a terminal too; a pipe always gets it.")
    ] = False,
    yoyo: Annotated[bool, typer.Option("--yoyo", help='As yoyo takes it: yoyo list -d "$(...)".')] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Print the URL of the database, as psql takes it."""
    found = resolve(database_url, role)
    if yoyo:
        found = yoyo_url(found)
    if sys.stdout.isatty() and not show_password:
        found = mask_password(found)
    typer.echo(found)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (up, down, url):
        app.command()(command)


def _note_foreign(command: str) -> None:
    if os.environ.get("DATABASE_URL"):
        output.note(
            f"DATABASE_URL is set, and the other commands use that server; `wfstore {command}` concerns only the "
            "embedded one."
        )


def _confirm(server: EmbeddedServer) -> None:
    if not sys.stdin.isatty():
        raise InvalidInput("--destroy removes all data and needs a yes", hint="Add --yes.")
    typer.confirm(f"Remove {server.home} with all its data?", abort=True, err=True)
