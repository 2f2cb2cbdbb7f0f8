"""Tenants, users, retention."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from wfstore.models.row import Row


class Tenant(Row):
    """One who shares the database."""

    id: UUID
    slug: str
    name: str
    is_active: bool
    settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class User(Row):
    """A person of a tenant."""

    tenant_id: UUID
    id: UUID
    email: str
    name: str
    avatar_url: str | None
    is_active: bool
    role: str
    created_at: datetime
    updated_at: datetime


class RetentionPolicy(Row):
    """How long a partitioned table keeps its rows; `keep` is None for ever."""

    table_name: str
    keep: timedelta | None
    partition_interval: timedelta
    partitions_ahead: int
    created_at: datetime
    updated_at: datetime
