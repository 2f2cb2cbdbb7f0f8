"""Options that several commands share, declared once."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

if TYPE_CHECKING:
    from wfstore.sync.store import Store

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

Tenant = Annotated[str, typer.Option("--tenant", metavar="SLUG|ID", help="For which tenant.")]

DEFAULT_TENANT_SLUG = "default"


def tenant_of(value: str) -> UUID | str:
    """Return the id that a `--tenant` option is, or else the slug."""
    try:
        return UUID(value)
    except ValueError:
        return value


def connected(database_url: str | None, tenant: str) -> AbstractContextManager[Store]:
    """Open the store of a command."""
    from wfstore.sync.connecting import connect

    return connect(database_url, tenant=tenant_of(tenant))
