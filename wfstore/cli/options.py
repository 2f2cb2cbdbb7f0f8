"""Options that several commands share, declared once."""

from __future__ import annotations

from typing import Annotated

import typer

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="DATABASE_URL",
        metavar="URL",
        show_default=False,
        help="A libpq URL, as psql takes it. Without it: the embedded PostgreSQL, started when needed.",
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output instead of tables.")]
