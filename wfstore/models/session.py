"""Facts about a connection and the schema behind it."""

from __future__ import annotations

from uuid import UUID

from wfstore.models.row import Row


class SessionSettings(Row):
    """What every connection of a store is set to."""

    idle_in_transaction_timeout: str
    jit: str
    enable_seqscan: str
    plan_cache_mode: str
    default_toast_compression: str


class SessionOrder(Row):
    """What a transaction that claims is set to."""

    enable_sort: str
    jit: str


class SessionFacts(Row):
    """Who works here, and whether row-level security binds it."""

    role: str
    is_bound: bool
    """Neither superuser, nor exempt from row-level security, nor owner of the tables."""
    tenant_setting: str
    """`wfstore.tenant_id` as the session has it; empty when it is unset."""
    server_version: int
    """As in server_version_num: 150000 and up."""

    @property
    def default_tenant(self) -> UUID | None:
        """The one tenant that sessions work for unless told otherwise; None: there is none, or there are several."""
        try:
            return UUID(self.tenant_setting)
        except ValueError:
            return None
