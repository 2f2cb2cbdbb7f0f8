"""What every row model has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Row(BaseModel):
    """A row as selected: exactly the columns of its query, strictly typed, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
