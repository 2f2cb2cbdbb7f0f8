"""Whether a database suits this release, and what to run if it does not."""

from __future__ import annotations

import re
from collections.abc import Collection
from uuid import UUID

import psycopg

from wfstore.errors import (
    DatabaseUnavailable,
    InvalidInput,
    NotFound,
    SchemaMissing,
    SchemaNewer,
    SchemaOlder,
    WfstoreError,
)
from wfstore.migrate.files import known
from wfstore.models import SessionFacts

_RUN_MIGRATE = "Run: wfstore migrate"
_STORE_ROLES = ("wfstore_app", "wfstore_worker", "wfstore_readonly")
_ROLE = re.compile(r"(?<=role \")wfstore_(?:app|worker|readonly|owner)(?=\")")


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
    if facts.is_bound:
        return
    if facts.role in _STORE_ROLES:
        hint = f"Run: ALTER ROLE {facts.role} NOSUPERUSER NOBYPASSRLS; REVOKE wfstore_owner FROM {facts.role};"
    else:
        hint = "Connect with role=Role.APP, Role.WORKER or Role.READONLY; whoever logs in then works as that role."
    raise InvalidInput(
        f"role {facts.role} is not bound by row-level security; the store never works as such a role", hint=hint
    )


def no_schema() -> SchemaMissing:
    """Return the error for a database without wfstore's schema."""
    return SchemaMissing("the database has no wfstore schema", hint=_RUN_MIGRATE)


def no_connection(error: psycopg.OperationalError) -> WfstoreError:
    """Return what it means that no connection could be made; the server gives no code, only a message."""
    role = _ROLE.search(str(error))
    if role is not None and "does not exist" in str(error):
        return SchemaMissing(f"the server has no role {role[0]}, which wfstore's migrations make", hint=_RUN_MIGRATE)
    if role is not None and "permission denied to set role" in str(error):
        return InvalidInput(
            f"whoever DATABASE_URL logs in may not work as {role[0]}",
            hint=f"As a superuser: GRANT {role[0]} TO that user. Or log in as {role[0]}.",
        )
    return unavailable(error)


def unavailable(error: Exception) -> DatabaseUnavailable:
    """Return the error for a server that does not answer."""
    _, _, each = str(error).partition("All failures were:\n")
    lines = [line.strip(" -") for line in (each or str(error)).splitlines() if not line.startswith("\t")]
    causes = "; ".join(line.removeprefix("connection failed: ") for line in lines if line)
    return DatabaseUnavailable(
        f"cannot connect to the database: {causes or type(error).__name__}",
        hint="Check DATABASE_URL and whether the server is up; without DATABASE_URL the embedded PostgreSQL is used.",
    )


def unknown_tenant(slug: str) -> NotFound:
    """Return the error for a slug that no active tenant has."""
    try:
        UUID(slug)
    except ValueError:
        hint = "A tenant is named by its slug, in lower case, or by its id as a UUID."
    else:
        hint = f"A text is taken for a slug; for the id give UUID({slug!r})."
    return NotFound(f"there is no active tenant {slug!r}", hint=hint)
