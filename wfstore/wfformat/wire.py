"""The layout of a WfFormat 1.5 file: the part of it that wfstore reads, under the names that the file uses.

Keys that are not named here are ignored. What the schema calls optional may be absent or null.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from wfstore.wfformat.faults import Amount, Count, Items, Number, Text, fault
from wfstore.wfformat.times import instant

# The key of `nodes` is (tenant_id, workflow_id, node_id), and a btree entry holds some 2,700 bytes: 512
# characters of UTF-8 fit in any case. The longest id seen in published traces has 113.
_MAX_ID = 512


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MAX_ID:
        raise fault(f"must have at most {_MAX_ID} characters, has {len(value):,}")
    return value


def _instant(value: Any) -> Any:
    if not isinstance(value, str):
        return value  # pydantic refuses it
    try:
        return instant(value)
    except ValueError as error:
        raise fault(str(error)) from error


def _instant_or_type_fault(value: Any) -> Any:
    found = _instant(value)
    if not isinstance(found, datetime):
        raise fault("must be a string that names a time")
    return found


Instant = Annotated[datetime, BeforeValidator(_instant_or_type_fault)]
Id = Annotated[Text, BeforeValidator(_short)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Author(_Wire):
    """Who recorded the trace. The e-mail address beside the name is not read."""

    name: str | None = None


class System(_Wire):
    """What ran the workflow."""

    name: str | None = None
    version: str | None = None


class Command(_Wire):
    """What a task called."""

    program: str | None = None
    arguments: list[str] | None = None


class SpecifiedTask(_Wire):
    """A task of `workflow.specification`: what was to run."""

    id: Id
    name: Text
    parents: Items[str]
    children: Items[str]
    input_files: list[str] | None = Field(None, alias="inputFiles")
    output_files: list[str] | None = Field(None, alias="outputFiles")


class ExecutedTask(_Wire):
    """A task of `workflow.execution`: what happened."""

    id: str
    runtime: Amount = Field(alias="runtimeInSeconds")
    command: Command | None = None
    machines: list[str] | None = None
    core_count: Amount | None = Field(None, alias="coreCount")
    avg_cpu: Amount | None = Field(None, alias="avgCPU")
    read_bytes: Count | None = Field(None, alias="readBytes")
    written_bytes: Count | None = Field(None, alias="writtenBytes")
    memory_bytes: Count | None = Field(None, alias="memoryInBytes")
    energy_kwh: Number | None = Field(None, alias="energyInKWh")
    avg_power_watts: Number | None = Field(None, alias="avgPowerInW")
    priority: Number | None = None


class Specification(_Wire):
    """`workflow.specification`."""

    tasks: Items[SpecifiedTask]


class Execution(_Wire):
    """`workflow.execution`."""

    executed_at: Instant = Field(alias="executedAt")
    makespan: Amount = Field(alias="makespanInSeconds")
    tasks: Items[ExecutedTask]


class Workflow(_Wire):
    """`workflow`."""

    specification: Specification
    execution: Execution


class File(_Wire):
    """A whole file."""

    name: Text
    description: str | None = None
    created_at: str | None = Field(None, alias="createdAt")
    author: Author | None = None
    runtime_system: System | None = Field(None, alias="runtimeSystem")
    workflow: Workflow
