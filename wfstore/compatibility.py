"""Whether a database suits this release, and what to run if it does not."""

from __future__ import annotations

from collections.abc import Collection
from typing import overload

import psycopg

from wfstore.errors import DatabaseUnavailable, InvalidInput, NotFound, SchemaMissing, SchemaNewer, SchemaOlder
from wfstore.migrate.files import known
from wfstore.models import SessionFacts

_RUN_MIGRATE = "Run: wfstore migrate"


def check_compatible(applied: Collection[str], breaking: Collection[str]) -> None:
    """Compare what is applied with what this release knows; SchemaOlder or SchemaNewer."""
    ours = [migration.id for migration in known()]
    missing = [identifier for identifier in ours if identifier not in applied]
    if missing:
        raise SchemaOlder(
            f"the schema lacks {len(missing)} migration(s) of this release, the first is {missing[0]}",
            hint=_RUN_MIGRATE,
        )
    unknown = [identifier for identifier in breaking if identifier not in ours]
    if unknown:
        raise SchemaNewer(
            f"the schema is newer than this release and breaks it, with migration {unknown[0]}",
            hint="Install the release of wfstore that the database was migrated with: pip install -U wfstore",
        )


def check_role(facts: SessionFacts) -> None:
    """Refuse a role that row-level security does not bind."""
    if not facts.is_bound:
        raise InvalidInput(
            f"role {facts.role} is not bound by row-level security; the store never works as such a role",
            hint="Log in as wfstore_app or wfstore_worker, or as a role that may SET ROLE to them.",
        )


@overload
def missing_schema(error: None) -> SchemaMissing: ...
@overload
def missing_schema(error: psycopg.OperationalError) -> SchemaMissing | None: ...
def missing_schema(error: psycopg.OperationalError | None) -> SchemaMissing | None:
    """Return the error for a database without wfstore's schema, if that is what this error means."""
    if error is not None and not ("wfstore_" in str(error) and "does not exist" in str(error)):
        return None
    return SchemaMissing("the database has no wfstore schema", hint=_RUN_MIGRATE)


def unavailable(error: Exception) -> DatabaseUnavailable:
    """Return the error for a server that does not answer."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return DatabaseUnavailable(
        f"cannot connect to the database: {lines[-1].strip()}",
        hint="Check DATABASE_URL and whether the server is up; without DATABASE_URL the embedded PostgreSQL is used.",
    )


def unknown_tenant(slug: str) -> NotFound:
    """Return the error for a slug that no active tenant has."""
    return NotFound(f"there is no active tenant {slug!r}")
