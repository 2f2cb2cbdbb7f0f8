"""What can go wrong, one class each.

Every error that wfstore raises on purpose is a `WfstoreError`: `str(error)` is one sentence that names the
thing at fault, `error.hint` says what to do next (or is None). The command line prints both and exits with
`error.exit_code`. Errors that the database raises carry their SQLSTATE in `sqlstate`; match on the class or
on that code, never on a message.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from wfstore.documents.findings import Finding


class WfstoreError(Exception):
    """Base of all errors that wfstore raises on purpose."""

    exit_code: ClassVar[int] = 1
    sqlstate: ClassVar[str | None] = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


# --- the server and its schema ------------------------------------------------------------------------------


class ServerError(WfstoreError):
    """The embedded PostgreSQL could not be created, started or stopped."""


class DatabaseUnavailable(WfstoreError):
    """No connection to the database could be made, or none in time."""


class OutcomeUnknown(WfstoreError):
    """The connection was lost while a write was under way: it may or may not have been committed."""


class SchemaError(WfstoreError):
    """The schema in the database does not suit this release of wfstore."""


class SchemaMissing(SchemaError):
    """The database has no wfstore schema."""


class SchemaOlder(SchemaError):
    """Migrations that this release needs have not been applied."""


class SchemaNewer(SchemaError):
    """A migration of a newer release was applied that breaks this one."""


class MigrationError(WfstoreError):
    """A migration cannot be applied or rolled back."""


class QueryFileError(WfstoreError):
    """A query file breaks the rules of query files; the message begins with `file:line`."""

    def __init__(
        self,
        message: str,
        *,
        category: str = "unreadable-file",
        path: Path | None = None,
        line: int = 1,
        column: int = 1,
        hint: str | None = None,
    ) -> None:
        super().__init__(message if path is None else f"{path}:{line}: {message}", hint=hint)
        self.category = category
        """The kind of fault, as `wfstore check` names it."""
        self.reason = message
        """The message without its place."""
        self.path = path
        self.line = line
        self.column = column


# --- input --------------------------------------------------------------------------------------------------


class InvalidInput(WfstoreError):
    """A value that the store cannot take; the message names it."""


class InvalidDocument(InvalidInput):
    """A workflow document that cannot be stored; the message gives the path of the fault."""

    _MOST_IN_HINT: ClassVar[int] = 10

    def __init__(self, message: str, *, findings: Iterable[Finding] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.findings = tuple(findings)
        """All that was found, the one of the message first."""

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Self:
        """Make the error of at least one finding; the hint has some more of them, a line each."""
        first, *others = every = tuple(findings)
        message = f"{first} (and {len(others)} more)" if others else str(first)
        lines = [str(finding) for finding in others[: cls._MOST_IN_HINT]]
        unsaid = len(others) - len(lines)
        lines += [f"and {unsaid} more; store.workflows.validate(document) gives them all"] if unsaid else []
        return cls(message, findings=every, hint="\n  ".join(lines) or None)


# --- the domain ---------------------------------------------------------------------------------------------


class NotFound(WfstoreError):
    """What the call names is not there, or belongs to another tenant."""

    sqlstate = "WF004"


class AlreadyExists(WfstoreError):
    """Something of this key exists."""

    sqlstate = "23505"


class StillReferenced(WfstoreError):
    """It cannot go while other rows refer to it."""

    sqlstate = "23503"


class RevisionConflict(WfstoreError):
    """Somebody saved the workflow since it was read; read it again and repeat the change."""

    sqlstate = "WF003"


class LeaseLost(WfstoreError):
    """Another worker has, or the queue no longer has, this execution; nothing was written."""

    sqlstate = "WF001"


class AlreadyFinished(WfstoreError):
    """The execution has ended; its end is final."""

    sqlstate = "WF002"


class AlreadyRecorded(WfstoreError):
    """A final result of this node and run is stored, and it differs from the one offered."""

    sqlstate = "WF006"


class IllegalTransition(WfstoreError):
    """An execution cannot go from its present status to this one."""

    sqlstate = "WF007"


class PartitionOutOfWindow(WfstoreError):
    """The time lies too far from now for its partition to be made by a write."""

    sqlstate = "WF005"
