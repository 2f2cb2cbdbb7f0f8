"""SQLAlchemy 2: the same rows as objects of its ORM."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import BigInteger, DateTime, Text, Uuid, create_engine, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    """The tables."""


class Summary(Base):
    """An execution without its payload."""

    __tablename__ = "workflow_executions"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    execution_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    workflow_id: Mapped[UUID] = mapped_column(Uuid)
    workflow_revision: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text)
    start_time: Mapped[int | None] = mapped_column(BigInteger)
    end_time: Mapped[int | None] = mapped_column(BigInteger)
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Whole(DeclarativeBase):
    """The same table once more, whole."""


class Execution(Whole):
    """An execution, whole."""

    __tablename__ = "workflow_executions"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    execution_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    workflow_id: Mapped[UUID] = mapped_column(Uuid)
    workflow_revision: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text)
    start_time: Mapped[int | None] = mapped_column(BigInteger)
    end_time: Mapped[int | None] = mapped_column(BigInteger)
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    triggered_by: Mapped[str | None] = mapped_column(Text)
    parent_execution_id: Mapped[UUID | None] = mapped_column(Uuid)
    retry_of_execution_id: Mapped[UUID | None] = mapped_column(Uuid)
    run_data: Mapped[Any | None] = mapped_column(JSONB)
    # `metadata` is SQLAlchemy's own
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB)
    error_details: Mapped[Any | None] = mapped_column(JSONB)


class Reader:
    """Reads with a new session each time."""

    def __init__(self, database_url: str) -> None:
        values = conninfo_to_dict(database_url)
        url = URL.create(
            "postgresql+psycopg",
            username=str(values["user"]) if "user" in values else None,
            database=str(values["dbname"]),
            query={name: str(values[name]) for name in ("host", "port", "options") if values.get(name)},
        )
        self._engine = create_engine(url, json_deserializer=orjson.loads)

    def one(self, tenant_id: UUID, execution_id: UUID) -> Execution | None:
        """One execution by its key."""
        with Session(self._engine) as session:
            return session.get(Execution, (tenant_id, execution_id))

    def many(self, tenant_id: UUID, *, workflow_id: UUID, before_id: UUID, limit: int) -> Sequence[Summary]:
        """A page of a workflow's executions."""
        page = (
            select(Summary)
            .where(
                Summary.tenant_id == tenant_id,
                Summary.workflow_id == workflow_id,
                Summary.execution_id < before_id,
            )
            .order_by(Summary.execution_id.desc())
            .limit(limit)
        )
        with Session(self._engine) as session:
            return session.scalars(page).all()

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()
