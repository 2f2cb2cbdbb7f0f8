"""`wfstore stubs`: what type checkers and editors know of queries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from wfstore.cli import output as out
from wfstore.cli.check import Migrations, Models, Queries, imported, needs_parser
from wfstore.cli.options import DatabaseUrl


def stubs(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1, and show what differs, if a stub is stale.")
    ] = False,
    queries: Queries = None,
    models: Models = None,
    migrations: Migrations = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", show_default=False, help="The stub to write: `shop/queries.pyi`."),
    ] = None,
    face: Annotated[str, typer.Option("--face", metavar="sync|async", help="Which face the stub is for.")] = "sync",
    database_url: DatabaseUrl = None,
) -> None:
    """Write typed stubs of queries, from what a live server says of them.

    Without options: wfstore's own, for both faces. For a project of your own, whose module `shop/queries.py` says
    `queries = Queries(Catalogue(Path("shop/sql"), models))`:

        wfstore stubs --queries shop/sql --models shop.models --output shop/queries.pyi

    A scratch database is made on the server, migrated, and dropped again.
    """
    if len({queries is None, models is None, output is None}) > 1:
        raise typer.BadParameter("--queries, --models and --output go together")
    if face not in ("sync", "async"):
        raise typer.BadParameter("it is sync or async", param_hint="--face")
    made = _make(queries, models, migrations, output, cast("Literal['sync', 'async']", face), database_url)
    _write(made, check=check)


def _write(made: Mapping[Path, str], *, check: bool) -> None:
    from wfstore.stubs.command import stale

    differing = stale(made)
    for path, lines in differing.items():
        if check:
            out.out.print("\n".join(lines), markup=False, soft_wrap=True)
            out.note(f"{path} is stale; `wfstore stubs` writes it.")
        else:
            path.write_text(made[path], encoding="utf-8")
            out.note(f"{path} was written.")
    if not differing:
        out.note(f"{', '.join(str(path) for path in made)}: as they should be.")
    elif check:
        raise typer.Exit(1)


def _make(
    queries: Path | None,
    models: str | None,
    migrations: Path | None,
    output: Path | None,
    face: Literal["sync", "async"],
    database_url: str | None,
) -> dict[Path, str]:
    needs_parser("stubs")
    from wfstore.stubs import command

    if queries is None or models is None or output is None:
        return command.make_own(database_url)
    return command.make_for(
        queries, imported(models), output, face=face, migrations=migrations, database_url=database_url
    )


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(stubs)
